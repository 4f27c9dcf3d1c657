"""What has changed below a folder, by looking again and again."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentbay_kernel.service.workers.paths import Paths

Change = dict[str, str]
Snapshot = dict[str, tuple[int, int, int, bool]]

LOOK_SECONDS = 0.3
MOST_ENTRIES = 50_000
"""A larger tree is watched in part; looking at all of it would not end in time."""


def snapshot(real: str) -> Snapshot:
    """Time, size, inode and kind of everything below a path."""
    seen: Snapshot = {}
    waiting = [("", real)]
    while waiting and len(seen) < MOST_ENTRIES:
        below, folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
                is_folder = entry.is_dir(follow_symlinks=False)
            except OSError:
                continue
            relative = os.path.join(below, entry.name)
            time = 0 if is_folder else status.st_mtime_ns
            size = 0 if is_folder else status.st_size
            seen[relative] = (time, size, status.st_ino, is_folder)
            if is_folder:
                waiting.append((relative, entry.path))
    return seen


def compare(path: str, before: Snapshot, after: Snapshot) -> list[Change]:
    """The wire's list of changes between two snapshots."""
    changes = []
    for relative in sorted(before.keys() | after.keys()):
        old, new = before.get(relative), after.get(relative)
        if old == new:
            continue
        kind = "create" if old is None else "delete" if new is None else "modify"
        entry = new or old
        assert entry is not None
        changes.append(
            {
                "eventType": kind,
                "path": os.path.join(path, relative),
                "pathType": "directory" if entry[3] else "file",
            }
        )
    return changes


class Changes:
    """Remembers what a path looked like when it was last asked for."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._last: dict[str, Snapshot] = {}

    def since_last(self, path: str) -> list[Change]:
        """What has changed since the last call; nothing at the first."""
        after = snapshot(self._paths.real(path))
        before = self._last.get(path, after)
        self._last[path] = after
        return compare(path, before, after)


async def follow(paths: Paths, path: str, report: Callable[[list[Change]], None]) -> None:
    """Report changes until cancelled."""
    changes = Changes(paths)
    changes.since_last(path)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        found = await asyncio.to_thread(changes.since_last, path)
        if found:
            report(found)
