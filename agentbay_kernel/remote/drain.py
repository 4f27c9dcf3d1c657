"""Waits for what C code and children wrote to the descriptors, which belongs to their cell."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
import threading
import time
from typing import Any, Dict

from .outbox import Outbox

PATIENCE_SECONDS = 0.2
_LOOKS = 400


class Drain:
    """Knows how to tell that a descriptor's text has come to its stream.

    Our own worker's streams can tell. An ipykernel reads each descriptor in a thread: a mark is
    sent after the text. Of others only the pipe can be watched.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._number = 0
        self._threaded = hasattr(outbox.out, "watch_fd_thread")
        self._pipes: Dict[int, Any] = {number: _identity(number) for number in (1, 2)}

    def __call__(self) -> None:
        """Return when all that was written until now is in the streams."""
        drain = getattr(self._outbox.out, "drain", None)
        if drain is not None:
            drain()
            return
        for descriptor, pipe in self._pipes.items():
            if pipe is None or _identity(descriptor) != pipe:
                continue  # the user's code has put something else there
            if self._threaded:
                self._send_mark(descriptor)
            else:
                _await_empty(descriptor)

    def _send_mark(self, descriptor: int) -> None:
        self._number += 1
        seen = threading.Event()
        mark = f"{self._outbox.mark}!{self._number};"
        self._outbox.awaited = (mark, seen.set)
        os.write(descriptor, mark.encode())
        if not seen.wait(PATIENCE_SECONDS):
            self._threaded = False  # nobody reads
        self._outbox.awaited = None


def _identity(descriptor: int) -> Any:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _await_empty(descriptor: int) -> None:
    for _ in range(_LOOKS):
        try:
            found = fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4)
        except OSError:
            return
        if not struct.unpack("i", found)[0]:
            return
        time.sleep(0.0005)
