"""Large files and large trees over the real SDK: exact, stopped and resumed, in bounded memory."""

import asyncio
import contextlib
import hashlib
import os

import psutil
import pytest

from agentbay_kernel import providers, transfer
from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.session import SessionSpec
from tests import kernels
from tests.sizes import size

MEGABYTE = 1 << 20
# What a copy may add to a process that has made one before, however much is copied.
MOST_GROWTH = 120 * MEGABYTE


@pytest.fixture
async def session(place, monkeypatch):
    if place == "agb":
        kernels.use_agb(monkeypatch)
    provider = providers.make(AgentBayOptions(provider="agb" if place == "agb" else "local"))
    session = await provider.create(SessionSpec("code_latest"))
    yield session
    await session.delete()
    await provider.close()


class Memory:
    """The most memory that this process had, as seen whenever `look` is called."""

    def __init__(self):
        self.process = psutil.Process()
        self.first = self.most = self.process.memory_info().rss

    def look(self):
        self.most = max(self.most, self.process.memory_info().rss)

    @property
    def growth(self):
        return self.most - self.first


async def stopped(copy, share, memory):
    """Begin a copy and stop it when so much is done; whether there was anything to stop."""
    task = asyncio.ensure_future(copy(progress=lambda done, total: at(done, total)))

    def at(done, total):
        memory.look()
        if done > share * total:
            task.cancel()

    with contextlib.suppress(asyncio.CancelledError):
        await task
    return task.cancelled()


async def resumed(copy, memory):
    """Do a copy to its end; how many bytes need not be copied again."""
    seen = []

    def at(done, total):
        memory.look()
        seen.append(done)

    await copy(progress=at)
    return max(seen[:2])


def digests(root):
    paths = [root] if root.is_file() else [path for path in root.rglob("*") if path.is_file()]
    found = {}
    for path in paths:
        with path.open("rb") as file:
            found[str(path.relative_to(root))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def large_file(path):
    with path.open("wb") as file:
        for _ in range(size("transfer_megabytes")):
            file.write(os.urandom(MEGABYTE))


def many_files(path):
    for number in range(size("transfer_files")):
        folder = path / f"d{number % 97}" / f"ü {number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.bin").write_bytes(os.urandom(number * 37 % 3000))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("make", [large_file, many_files])
async def test_it_goes_up_and_down_exactly_with_a_stop_on_each_way(
    session, tmp_path, monkeypatch, make
):
    if make is many_files:
        # So that the smaller tree has several portions too.
        monkeypatch.setattr(transfer.small, "PORTION_FILES", size("transfer_files") // 5)
        monkeypatch.setattr(transfer.small, "AT_ONCE", 1)
    make(tmp_path / "data")
    (tmp_path / "back").mkdir()
    total = sum(path.stat().st_size for path in (tmp_path / "data").rglob("*") if path.is_file())
    total = total or (tmp_path / "data").stat().st_size
    await session.files.info("/workspace")
    memory = Memory()

    async def up(progress):
        await transfer.put(session, [tmp_path / "data"], "/workspace/", progress=progress)

    async def down(progress):
        await transfer.get(session, ["/workspace/data"], tmp_path / "back", progress=progress)

    for copy in (up, down):
        assert await stopped(copy, 0.5, memory)
        assert await resumed(copy, memory) > 0.1 * total
    assert digests(tmp_path / "back" / "data") == digests(tmp_path / "data")
    assert (await session.shell("ls -A /workspace")).stdout == "data\n"
    assert os.listdir(tmp_path / "back") == ["data"]
    assert memory.growth < MOST_GROWTH
