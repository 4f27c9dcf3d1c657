"""What runs below a process, and how much memory it holds, from `/proc`."""

from __future__ import annotations

import os

PAGE = os.sysconf("SC_PAGE_SIZE")


def everything() -> set[int]:
    """The pids of every process that `/proc` shows."""
    return {int(name) for name in os.listdir("/proc") if name.isdecimal()}


def descendants(pid: int, enough: int = 1 << 30) -> set[int]:
    """The pids of all processes below one; stops when it has found more than `enough`."""
    found: set[int] = set()
    waiting = [pid]
    while waiting and len(found) <= enough:
        fresh = _children(waiting.pop()) - found
        found |= fresh
        waiting += fresh
    return found


def resident(pid: int) -> int:
    """The bytes in memory, those shared with other processes included."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def proportional(pid: int) -> int:
    """The bytes in memory, shared ones divided among the processes that hold them."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) << 10
    except OSError:
        pass
    return resident(pid)


def with_variable(entry: str) -> set[int]:
    """The pids of the processes that were started with this `NAME=value`."""
    found = set()
    for pid in everything():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if entry.encode() in file.read().split(b"\0"):
                    found.add(pid)
        except OSError:
            continue
    return found


def session_of(pid: int) -> int:
    """The process session that a process belongs to; 0 when it is gone."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def group_of(pid: int) -> int:
    """The process group that a process belongs to; 0 when it is gone."""
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def _children(pid: int) -> set[int]:
    found: set[int] = set()
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found.update(map(int, file.read().split()))
        except OSError:
            continue
    return found
