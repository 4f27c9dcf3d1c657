"""The processes that a supervisor starts, and how they end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.workers import processes

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

MANY = 4096
CHASE_SECONDS = 2
NICENESS = 5
"""Below the supervisor, so that its watchdog gets its turn against any of them."""


@dataclass(frozen=True, slots=True)
class Child:
    """A started process, leader of its own process group and session."""

    pid: int
    ended: asyncio.Future[int]
    """Its return code, negative for a signal."""

    def signal(self, number: int) -> None:
        """Send a signal to the whole group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


class Children:
    """Starts processes and reaps them, with the orphans that fall to this process.

    `alone` says that it sees no process but the session's, in a pid namespace of its own.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, alone: bool) -> None:
        self._loop = loop
        self._alone = alone
        self._running: dict[int, tuple[subprocess.Popen[bytes], asyncio.Future[int]]] = {}
        loop.add_signal_handler(signal.SIGCHLD, self._reap)

    def spawn(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: str, **streams: Any
    ) -> Child:
        """Start a process; raises OSError when it cannot be started."""
        process = subprocess.Popen(command, env=env, cwd=cwd, start_new_session=True, **streams)
        with contextlib.suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PGRP, process.pid, NICENESS)
        ended = self._loop.create_future()
        self._running[process.pid] = (process, ended)
        return Child(process.pid, ended)

    def pids(self) -> set[int]:
        """Every process of the session but this one, those it did not start itself included."""
        if self._alone:
            return processes.everything() - {1, os.getpid()}
        return processes.descendants(os.getpid(), enough=MANY)

    def signal_all(self, number: int) -> None:
        """Send a signal to all of them."""
        if self._alone:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(-1, number)  # all that it sees but the first process and itself, at once
            return
        # whole groups at one stroke, or processes could multiply faster than they are found
        self._signal_groups(set(self._running), number)
        seen: set[int] = set()
        end = time.monotonic() + CHASE_SECONDS
        while (fresh := self.pids() - seen) and time.monotonic() < end:
            self._signal_groups({processes.group_of(pid) for pid in fresh}, number)
            seen |= fresh

    def _signal_groups(self, groups: set[int], number: int) -> None:
        for group in groups - {0, os.getpgid(0)}:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            process, ended = self._running.pop(pid, (None, None))
            if process is not None and ended is not None:
                process.returncode = os.waitstatus_to_exitcode(status)
                if not ended.done():
                    ended.set_result(process.returncode)
