"""Keeps a session within what it may use, by the kernel's limits and by looking."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import resource
import time
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.workers import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GRACE_SECONDS = 5
"""How long code may go on after the interrupt of its timeout."""
LOOK_SECONDS = 0.15
DYING_SECONDS = 2.0


def apply(limits: Mapping[str, Any]) -> None:
    """Set the limits that processes inherit: memory of each, file size, cores, no core dumps."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_DATA, limits["memory_bytes"])
    _lower(resource.RLIMIT_FSIZE, limits["file_bytes"])
    if limits["cpus"]:
        cores = sorted(os.sched_getaffinity(0))
        first = os.getpid() % len(cores)
        count = min(len(cores), math.ceil(limits["cpus"]))
        os.sched_setaffinity(0, (cores + cores)[first : first + count])


def _lower(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if value and (hard == resource.RLIM_INFINITY or value < hard):
        resource.setrlimit(kind, (value, value))


class Watchdog:
    """Ends the session's processes when together they use more than they may.

    No limit of the kernel binds a whole session without a control group of its own.
    """

    def __init__(
        self,
        limits: Mapping[str, Any],
        pids: Callable[[], set[int]],
        end: Callable[[str], None],
    ) -> None:
        self._memory = limits["memory_bytes"]
        self._processes = limits["processes"]
        self._pids = pids
        self._end = end
        self._ended: set[int] = set()
        self._forgive = 0.0

    async def run(self) -> None:
        """Look for ever; a look that fails, as it may when nothing is left, is no reason to end."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(OSError):
                self._enforce()

    def _enforce(self) -> None:
        if broken := self.look():
            self._end(broken)
            self._ended = self._pids()
            self._forgive = time.monotonic() + DYING_SECONDS

    def look(self) -> str:
        """The limit that is broken now, as `Name: message`, or nothing."""
        there = self._pids()
        # killed, but not gone yet: for a while they count no more
        self._ended = self._ended & there if time.monotonic() < self._forgive else set()
        pids = there - self._ended
        if self._processes and len(pids) > self._processes:
            return f"ProcessLimit: the session had more than {self._processes} processes"
        # forked processes share pages: only the exact, slower count may end them
        counts = (processes.resident, processes.proportional)
        if self._memory and all(sum(map(count, pids)) > self._memory for count in counts):
            return f"MemoryLimit: the session used more than {self._memory >> 20} MiB of memory"
        return ""
