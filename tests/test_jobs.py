"""What a session's files tell of its jobs."""

import asyncio
import subprocess

import pytest

from agentbay_kernel import jobs
from agentbay_kernel.session import ShellResult

pytestmark = pytest.mark.timeout(20)

JOB = "abcdef"
ENDS_AS_IT_IS_LOOKED_FOR = 'grep() { echo 0 > "$all/abcdef/status"; return 1; }\n'


class Here:
    """A session as far as its shell goes."""

    def __init__(self, home, first):
        self.home = home
        self.first = first

    async def shell(self, command, timeout):
        words = ["bash", "-c", self.first + command]
        env = {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}
        done = await asyncio.to_thread(
            subprocess.run, words, env=env, capture_output=True, text=True, timeout=timeout
        )
        return ShellResult(done.stdout, done.stderr, done.returncode)


async def test_a_job_that_ends_as_it_is_looked_for_is_not_lost(tmp_path):
    folder = tmp_path / ".agentbay-jobs" / JOB
    folder.mkdir(parents=True)
    for name, text in {"meta": "{}", "pid": "1", "output": "all of it"}.items():
        (folder / name).write_text(text)
    session = Here(tmp_path, ENDS_AS_IT_IS_LOOKED_FOR)
    assert await jobs.output(session, JOB, 0) == ("0", b"all of it")
