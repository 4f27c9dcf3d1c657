"""The metrics tool: what the session uses of this computer."""

from __future__ import annotations

import json
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.workers import processes

if TYPE_CHECKING:
    from collections.abc import Iterable


class Metrics:
    """Rates are between one question and the next."""

    def __init__(self, folder: str, memory: int) -> None:
        self._folder = folder
        self._memory = memory or _memory_of_machine()
        self._before = _Sample()

    def report(self, pids: Iterable[int]) -> str:
        """The wire's JSON object."""
        before, now = self._before, _Sample()
        self._before = now
        seconds = max(now.time - before.time, 1e-3)
        disk = shutil.disk_usage(self._folder)
        busy, total = now.busy - before.busy, now.total - before.total
        answer: dict[str, Any] = {
            "cpu_count": len(os.sched_getaffinity(0)),
            "cpu_used_pct": round(100 * busy / total, 2) if total else 0.0,
            "disk_total": disk.total,
            "disk_used": disk.used,
            "mem_total": self._memory,
            "mem_used": sum(map(processes.proportional, pids)),
            "rx_rate_kbyte_per_s": round((now.received - before.received) / 1024 / seconds, 3),
            "tx_rate_kbyte_per_s": round((now.sent - before.sent) / 1024 / seconds, 3),
            "rx_used_kbyte": now.received >> 10,
            "tx_used_kbyte": now.sent >> 10,
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        return json.dumps(answer)


class _Sample:
    def __init__(self) -> None:
        self.time = time.monotonic()
        with open("/proc/stat", encoding="ascii") as file:
            ticks = list(map(int, file.readline().split()[1:]))
        self.total = sum(ticks[:8])
        self.busy = self.total - ticks[3] - ticks[4]
        self.received, self.sent = _traffic()


def _traffic() -> tuple[int, int]:
    received = sent = 0
    with open("/proc/net/dev", encoding="ascii") as file:
        for line in file.readlines()[2:]:
            name, _, figures = line.partition(":")
            if name.strip() != "lo":
                received += int(figures.split()[0])
                sent += int(figures.split()[8])
    return received, sent


def _memory_of_machine() -> int:
    return os.sysconf("SC_PHYS_PAGES") * processes.PAGE
