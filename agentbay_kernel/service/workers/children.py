"""The processes that a supervisor starts, and how they end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

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
    """Starts processes and reaps them, with the orphans that fall to this process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
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

    def signal(self, number: int) -> None:
        """Send a signal to the groups of all that run."""
        for process, _ in self._running.values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)

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
