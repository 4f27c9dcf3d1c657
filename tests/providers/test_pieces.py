"""Pieces of files: the way that is chosen, checked on arrival, and what happens when it fails."""

import asyncio
import base64
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from agentbay_kernel.errors import NotSupported, ToolError, UsageError
from agentbay_kernel.providers import _pieces, _store
from agentbay_kernel.providers._files import ToolFiles
from agentbay_kernel.session import Capabilities, ShellResult, StoreKeys

DATA = os.urandom(5_000_001)


class Host:
    """A session whose shell and tools work on this computer's files."""

    capabilities = Capabilities(shell=True)

    def __init__(self, sdk=None):
        self.sdk = sdk or SimpleNamespace(link_url="http://x", token="t")
        self.calls = []
        self.spoil = 0

    async def call_tool(self, name, arguments):
        self.calls.append(name)
        return self._tool(name, Path(arguments["path"]), arguments)

    def _tool(self, name, path, arguments):
        if name == "read_file":
            with path.open("rb") as file:
                file.seek(arguments["offset"])
                return base64.b64encode(self._spoilt(file.read(arguments["length"]))).decode()
        with path.open("a" if arguments["mode"] == "append" else "w") as file:
            file.write(arguments["content"])
        return ""

    def _spoilt(self, data):
        self.spoil -= 1
        return b"\0" * len(data) if self.spoil >= 0 else data

    async def shell(self, command, *, timeout=50):
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, error = await process.communicate()
        return ShellResult(out.decode(), error.decode(), process.returncode)


class FakeStore:
    """A store whose files are those of a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.put_count = self.got = 0
        self.forgotten = []
        self.fails = self.spoils = False

    def path(self):
        return f"{self.folder}/piece {self.put_count + self.got}"

    def whole(self, path):
        return path

    async def put(self, source, offset, length, path, seen):
        self.put_count += 1
        seen(length // 2)
        if self.fails:
            raise OSError("https://signed.example/?secret")
        Path(path).write_bytes(os.pread(source, length, offset))
        seen(length - length // 2)

    async def get(self, path, into, offset, length, seen):
        self.got += 1
        if self.fails:
            raise OSError("https://signed.example/?secret")
        data = b"\0" * length if self.spoils else Path(path).read_bytes()
        os.pwrite(into, data, offset)
        seen(length)

    async def forget(self, path):
        self.forgotten.append(path)


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def store(tmp_path, monkeypatch):
    (tmp_path / "store").mkdir()
    store = FakeStore(tmp_path / "store")

    async def open_(sdk):
        return store

    monkeypatch.setattr(_pieces.Store, "open", open_)
    return store


@pytest.fixture
def no_store(monkeypatch):
    async def open_(sdk):
        return None

    monkeypatch.setattr(_pieces.Store, "open", open_)


@pytest.fixture
def source(tmp_path):
    (tmp_path / "source").write_bytes(DATA)
    descriptor = os.open(tmp_path / "source", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def into(tmp_path):
    descriptor = os.open(tmp_path / "into", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


async def copy_both_ways(host, source, into, tmp_path):
    files, path, seen = ToolFiles(host), str(tmp_path / "far" / "it's"), []
    for offset, length in ((4 << 20, len(DATA) - (4 << 20)), (0, 4 << 20)):
        await files.send(source, path, offset, length, seen.append)
    assert Path(path).read_bytes() == DATA
    await files.fetch(path, into, 0, len(DATA), seen.append)
    assert (tmp_path / "into").read_bytes() == DATA
    assert sum(seen) == 2 * len(DATA)


async def test_pieces_go_by_the_tools_where_there_is_no_store(
    host, source, into, tmp_path, no_store
):
    await copy_both_ways(host, source, into, tmp_path)
    assert {"write_file", "read_file"} == set(host.calls)


async def test_large_pieces_go_by_the_store_which_keeps_nothing(
    host, source, into, tmp_path, store
):
    await copy_both_ways(host, source, into, tmp_path)
    assert (store.put_count, store.got) == (1, 1)
    assert len(store.forgotten) == 2
    assert os.listdir(store.folder) == []


async def test_a_store_that_fails_is_not_asked_again_and_nothing_of_it_is_logged(
    host, source, into, tmp_path, store, caplog
):
    store.fails = True
    await copy_both_ways(host, source, into, tmp_path)
    assert (store.put_count, store.got) == (1, 0)
    assert "signed.example" not in caplog.text


async def test_a_piece_that_arrives_changed_is_copied_again(host, source, into, tmp_path, no_store):
    host.spoil = 1
    await copy_both_ways(host, source, into, tmp_path)


async def test_a_piece_that_always_arrives_changed_is_an_error(host, source, into, tmp_path, store):
    store.spoils = True
    (tmp_path / "far").write_bytes(DATA)
    with pytest.raises(ToolError, match="arrived changed"):
        await ToolFiles(host).fetch(str(tmp_path / "far"), into, 0, len(DATA), lambda count: None)


async def test_a_session_that_gives_more_than_asked_for_is_an_error(
    host, into, tmp_path, no_store, monkeypatch
):
    (tmp_path / "far").write_bytes(DATA)

    async def more(name, arguments):
        return base64.b64encode(DATA * 2).decode()

    monkeypatch.setattr(host, "call_tool", more)
    with pytest.raises(ToolError, match="not given"):
        await ToolFiles(host).fetch(str(tmp_path / "far"), into, 0, 1000, lambda count: None)


async def test_a_full_disk_in_the_session_is_said(host, source, no_store):
    with pytest.raises(ToolError, match="was not copied"):
        await ToolFiles(host).send(source, "/proc/none/x", 0, 1000, lambda count: None)


async def test_binary_pieces_need_a_shell(host, source):
    host.capabilities = Capabilities(shell=False)
    with pytest.raises(NotSupported):
        await ToolFiles(host).send(source, "/tmp/x", 0, 1000, lambda count: None)


async def test_without_a_shell_a_piece_is_read_all_the_same(host, into, tmp_path):
    host.capabilities = Capabilities(shell=False)
    (tmp_path / "far").write_bytes(DATA)
    await ToolFiles(host).fetch(str(tmp_path / "far"), into, 0, len(DATA), lambda count: None)
    assert (tmp_path / "into").read_bytes() == DATA


@pytest.mark.parametrize("sdk", [SimpleNamespace(), SimpleNamespace(file_system=SimpleNamespace())])
async def test_an_sdk_without_a_store_has_none(sdk):
    assert await _store.Store.open(sdk) is None


class Oss:
    """The SDK's own face of an object store."""

    def __init__(self):
        self.calls = []
        self.fails = ""

    async def env_init(self, *given):
        self.calls.append(("init", *given))
        return SimpleNamespace(success=True)

    async def upload(self, *given):
        self.calls.append(("upload", *given))
        return SimpleNamespace(success=not self.fails, error_message=self.fails, request_id="r-1")


KEYS = StoreKeys("id-1", "secret-1", "token-1", "endpoint", "region")


async def test_an_object_store_is_reached_by_the_sessions_own_client():
    oss = Oss()
    files = ToolFiles(Host(SimpleNamespace(oss=oss, mcpTools=[SimpleNamespace(name="oss_upload")])))
    await files.bucket("upload", "b", "k/x", "/workspace/x", KEYS)
    assert oss.calls == [
        ("init", "id-1", "secret-1", "token-1", "endpoint", "region"),
        ("upload", "b", "k/x", "/workspace/x"),
    ]


async def test_an_object_stores_refusal_shows_no_key():
    oss = Oss()
    oss.fails = "AccessDenied for id-1 with token-1"
    files = ToolFiles(Host(SimpleNamespace(oss=oss, mcpTools=[])))
    with pytest.raises(ToolError, match="AccessDenied for … with …") as error:
        await files.bucket("upload", "b", "k", "/x", KEYS)
    assert error.value.request_id == "r-1"
    assert "secret-1" not in repr(KEYS)


async def test_an_image_without_the_tools_and_missing_keys_are_said():
    tools = [SimpleNamespace(name="shell")]
    with pytest.raises(NotSupported, match="oss://"):
        await ToolFiles(Host(SimpleNamespace(oss=Oss(), mcpTools=tools))).bucket(
            "upload", "b", "k", "/x", KEYS
        )
    with pytest.raises(UsageError, match="access keys"):
        await ToolFiles(Host(SimpleNamespace(oss=Oss(), mcpTools=[]))).bucket(
            "upload", "b", "k", "/x", StoreKeys("", "", "")
        )
