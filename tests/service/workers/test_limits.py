"""A session that takes too much loses its processes and goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agentbay_kernel.service.port import Limits
from tests.service.workers.sandboxes import Box, started

pytestmark = pytest.mark.timeout(60)


@pytest_asyncio.fixture
async def small(mode: str, tmp_path: Path) -> AsyncIterator[Box]:
    limits = Limits(memory_bytes=600 << 20, processes=40, cpus=1, file_bytes=1 << 20)
    async with started(tmp_path / "session", mode, limits) as one:
        yield one


async def test_fork_bomb_of_a_cell_ends_the_interpreter(small: Box) -> None:
    end = await small.run("import os\nwhile True: os.fork()")
    assert end.error == "ProcessLimit: the session had more than 40 processes"
    assert (await small.run("1")).ok


async def test_fork_bomb_of_the_shell_ends(small: Box) -> None:
    answer = await small.shell(":(){ :|:& };:; sleep 20")
    assert answer["exit_code"] == 137
    assert (await small.run("1")).ok


async def test_one_huge_allocation_is_a_memory_error(small: Box) -> None:
    end = await small.run("x = bytearray(20 << 30)")
    assert end.error.startswith("MemoryError")
    assert (await small.run("1")).execution_count == 2


async def test_memory_of_all_processes_counts_together(small: Box) -> None:
    end = await small.run(
        "import subprocess, sys\n"
        "take = 'x = bytearray(b\"1\") * (300 << 20); import time; time.sleep(30)'\n"
        "ps = [subprocess.Popen([sys.executable, '-c', take]) for _ in range(3)]\n"
        "for p in ps: p.wait()"
    )
    assert end.error == "MemoryLimit: the session used more than 600 MiB of memory"


async def test_memory_that_forked_processes_share_counts_once(small: Box) -> None:
    end = await small.run(
        "import os, time\n"
        "x = bytearray(b'1') * (250 << 20)\n"
        "pids = [pid for _ in range(4) if (pid := os.fork()) or os._exit(time.sleep(0.6) or 0)]\n"
        "for pid in pids: os.waitpid(pid, 0)"
    )
    assert end.ok


async def test_cores_and_file_sizes_are_limited(small: Box) -> None:
    await small.run("import os; len(os.sched_getaffinity(0))")
    assert small.main() == "1"
    end = await small.run("open('large', 'wb').write(bytes(2 << 20))")
    assert end.error.startswith("OSError")
