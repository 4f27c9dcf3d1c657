"""Copying files: exact, never in part, never outside of the chosen folder."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from agentbay_kernel import transfer
from agentbay_kernel.errors import ToolError, UsageError
from agentbay_kernel.session import Capabilities, FileInfo, ShellResult


class FolderSession:
    """A session whose files are those of a local folder."""

    def __init__(self, root):
        self.root = root
        self.files = self
        self.capabilities = Capabilities(shell=True)
        self.broken = False
        self.names = None

    def _path(self, path):
        return Path(path)

    async def read(self, path):
        if self.broken:
            raise ToolError("the connection broke")
        return self._path(path).read_bytes()

    async def write(self, path, data):
        if self.broken:
            raise ToolError("the connection broke")
        self._path(path).parent.mkdir(parents=True, exist_ok=True)
        self._path(path).write_bytes(data)

    async def info(self, path):
        place = self._path(path)
        if self.names is None and not place.exists():
            return None
        return FileInfo(path, place.is_dir(), place.stat().st_size if place.exists() else 1)

    async def list(self, path):
        if self.names is not None:
            return [FileInfo(f"{path}/{name}", False) for name in self.names]
        entries = sorted(self._path(path).iterdir())
        return [FileInfo(f"{path}/{entry.name}", entry.is_dir()) for entry in entries]

    async def shell(self, command, **_):
        process = await asyncio.create_subprocess_exec("sh", "-c", command, stderr=subprocess.PIPE)
        _, error = await process.communicate()
        return ShellResult("", error.decode(), process.returncode)


@pytest.fixture
def session(tmp_path):
    (tmp_path / "remote" / "w").mkdir(parents=True)
    return FolderSession(tmp_path / "remote")


@pytest.fixture
def local(tmp_path):
    (tmp_path / "local").mkdir()
    return tmp_path / "local"


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(transfer, "PART", 1 << 20)


async def test_put_gives_a_file_the_target_as_its_name(session, local):
    (local / "a").write_bytes(b"\x00\xff")
    await transfer.put(session, [local / "a"], f"{session.root}/w/new/b")
    assert (session.root / "w/new/b").read_bytes() == b"\x00\xff"


async def test_put_of_several_files_goes_into_the_folder(session, local):
    for name in "ab":
        (local / name).write_text(name)
    copies = await transfer.put(session, [local / "a", local / "b"], f"{session.root}/w")
    assert [copy.remote for copy in copies] == [f"{session.root}/w/{name}" for name in "ab"]


async def test_an_existing_remote_file_is_refused_before_anything_is_copied(session, local):
    for name in "ab":
        (local / name).write_text("new")
    (session.root / "w/b").write_text("old")
    with pytest.raises(UsageError, match="--force"):
        await transfer.put(session, [local / "a", local / "b"], f"{session.root}/w")
    assert not (session.root / "w/a").exists()
    await transfer.put(session, [local / "a", local / "b"], f"{session.root}/w", force=True)
    assert (session.root / "w/b").read_text() == "new"


async def test_get_writes_the_file_and_counts_its_bytes(session, local):
    (session.root / "w/a").write_bytes(b"\x00\xff")
    seen = []
    await transfer.get(
        session, [f"{session.root}/w/a"], local, progress=lambda *count: seen.append(count)
    )
    assert (local / "a").read_bytes() == b"\x00\xff"
    assert seen == [(0, 2), (2, 2)]


async def test_an_existing_local_file_is_refused_without_force(session, local):
    (session.root / "w/a").write_text("new")
    (local / "a").write_text("old")
    with pytest.raises(UsageError, match="--force"):
        await transfer.get(session, [f"{session.root}/w/a"], local)
    assert (local / "a").read_text() == "old"
    await transfer.get(session, [f"{session.root}/w/a"], local, force=True)
    assert (local / "a").read_text() == "new"


async def test_a_get_that_breaks_leaves_the_former_file_and_no_part(session, local):
    (session.root / "w/a").write_text("new")
    (local / "a").write_text("old")
    session.broken = True
    with pytest.raises(ToolError):
        await transfer.get(session, [f"{session.root}/w/a"], local, force=True)
    assert os.listdir(local) == ["a"]
    assert (local / "a").read_text() == "old"


async def test_large_files_go_in_parts_both_ways_and_stay_exact(session, local, small_parts):
    data = os.urandom(3_500_000)
    (local / "a").write_bytes(data)
    seen = []

    def progress(done, total):
        seen.append(done)

    await transfer.put(session, [local / "a"], f"{session.root}/w/it's", progress=progress)
    assert (session.root / "w/it's").read_bytes() == data
    assert seen == [0, 1 << 20, 2 << 20, 3 << 20, 3_500_000]
    await transfer.get(session, [f"{session.root}/w/it's"], local / "b", progress=progress)
    assert (local / "b").read_bytes() == data
    assert os.listdir(session.root / "w") == ["it's"]


async def test_a_put_that_breaks_leaves_no_part_under_the_name(session, local, small_parts):
    (local / "a").write_bytes(os.urandom(2_500_000))
    write, calls = session.write, []

    async def break_later(path, data):
        calls.append(path)
        session.broken = len(calls) > 1
        await write(path, data)

    session.write = break_later
    with pytest.raises(ToolError):
        await transfer.put(session, [local / "a"], f"{session.root}/w/a")
    assert os.listdir(session.root / "w") == []


BAD_NAMES = ["../x", "a/../../x", "/etc/x", "..", "a\\..\\x", "a\0b"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leads_out_of_the_folder_is_refused(local, name):
    with pytest.raises(UsageError, match="outside"):
        transfer.inside(local, name)


async def test_pull_refuses_such_a_name_before_anything_is_copied(session, local):
    session.names = ["good", "../../evil"]
    with pytest.raises(UsageError, match="outside"):
        await transfer.pull(session, f"{session.root}/w", local / "deep")
    assert list(local.rglob("*")) == []


@pytest.mark.parametrize("name", ["link", "link/x"])
def test_a_symbolic_link_in_the_folder_is_not_followed(local, tmp_path, name):
    (local / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="outside"):
        transfer.inside(local, name)


async def test_push_and_pull_keep_the_tree(session, local, tmp_path):
    for name in ("a", "sub/b", ".hidden", ".git/c"):
        (local / name).parent.mkdir(exist_ok=True)
        (local / name).write_text(name)
    (local / "link").symlink_to(local / "a")
    await transfer.push(session, local, f"{session.root}/w/tree")
    await transfer.pull(session, f"{session.root}/w/tree", tmp_path / "back")
    found = sorted(path.relative_to(tmp_path / "back").as_posix()
                   for path in (tmp_path / "back").rglob("*") if path.is_file())  # fmt: skip
    assert found == ["a", "sub/b"]


async def test_two_files_of_one_name_are_refused(session, local):
    (local / "sub").mkdir()
    for name in ("a", "sub/a"):
        (local / name).write_text("x")
    with pytest.raises(UsageError, match="same name"):
        await transfer.put(session, [local / "a", local / "sub/a"], f"{session.root}/w")


async def test_a_missing_source_and_a_folder_are_refused(session, local):
    with pytest.raises(UsageError, match="no file"):
        await transfer.put(session, [local / "none"], f"{session.root}/w")
    with pytest.raises(UsageError, match="folder"):
        await transfer.put(session, [local], f"{session.root}/w")
    with pytest.raises(UsageError, match=r"There is no .*/w/none in the session"):
        await transfer.get(session, [f"{session.root}/w/none"], local)
    with pytest.raises(UsageError, match="folder"):
        await transfer.get(session, [f"{session.root}/w"], local)


async def test_a_copied_file_has_ordinary_permissions(session, local):
    (session.root / "w/a").write_text("x")
    await transfer.get(session, [f"{session.root}/w/a"], local)
    umask = os.umask(0)
    os.umask(umask)
    assert (local / "a").stat().st_mode & 0o777 == 0o666 & ~umask
