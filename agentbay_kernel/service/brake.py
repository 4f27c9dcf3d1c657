"""A bound on the tasks of one session that the kernel enforces, where we may set one.

The watchdog needs some time to see that a session has too many processes. A control group keeps
what may happen until then small; only root may make one, and only where the tree is writable.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOTS = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))
PREFIX = "agentbay-kernel-"
TASKS_PER_PROCESS = 8
"""Threads count too, and the watchdog, not this bound, is what ends a session's processes."""


def put_on(name: str, pids: Iterable[int], processes: int) -> Path | None:
    """Bound the tasks of these processes and all that they will start; None where it cannot be."""
    if not processes or os.geteuid() != 0:
        return None
    for root in ROOTS:
        group = root / f"{PREFIX}{name}"
        try:
            _sweep(root)
            group.mkdir()
            (group / "pids.max").write_text(str(processes * TASKS_PER_PROCESS))
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    (group / "cgroup.procs").write_text(str(pid))
        except OSError:
            take_off(group)
        else:
            return group
    return None


def take_off(group: Path | None) -> bool:
    """Remove the group, when the last process has left it; whether it is gone."""
    if group is None:
        return True
    with contextlib.suppress(OSError):
        group.rmdir()
    return not group.exists()


def _sweep(root: Path) -> None:
    """Remove what killed services have left; a group with processes in it stays."""
    for group in root.glob(f"{PREFIX}*"):
        take_off(group)
