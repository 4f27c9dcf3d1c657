"""Which process listens on a TCP port of this computer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LISTEN = "0A"


def listening(port: int) -> set[str]:
    """The sockets that listen on a port, as `/proc/PID/fd` names them."""
    found = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", name).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found


def held_by(sockets: set[str], pids: Iterable[int]) -> bool:
    """Whether one of the processes has one of the sockets open."""
    return bool(sockets) and any(_holds(sockets, pid) for pid in pids)


def _holds(sockets: set[str], pid: int) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    for name in names:
        try:
            if os.readlink(f"{folder}/{name}") in sockets:
                return True
        except OSError:
            continue
    return False
