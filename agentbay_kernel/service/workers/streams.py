"""The worker's stdout and stderr: Python's own, and what reaches descriptors 1 and 2."""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
import threading
from typing import TYPE_CHECKING

from agentbay_kernel.service.workers import records

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentbay_kernel.service.workers.outlet import Outlet

READ_BYTES = 1 << 16


class Stream(io.TextIOBase):
    """A text stream of the session's code."""

    # as ipykernel's streams describe themselves
    encoding = "UTF-8"
    errors = None

    def __init__(self, outlet: Outlet, kind: bytes, name: str, descriptor: int) -> None:
        self._outlet = outlet
        self._kind = kind
        self._descriptor = descriptor
        self.name = name
        self.drain: Callable[[], None] = self.flush

    def write(self, text: str) -> int:
        """Add text; it is sent within two milliseconds."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._outlet.add(self._kind, text)
        return len(text)

    def flush(self) -> None:
        """Send at once."""
        self._outlet.flush()

    def writable(self) -> bool:
        """Yes."""
        return True

    def isatty(self) -> bool:
        """No."""
        return False

    def fileno(self) -> int:
        """The descriptor that child processes inherit."""
        return self._descriptor


class Capture:
    """Reads what C code and child processes write to the descriptors into the streams."""

    def __init__(self, streams: tuple[Stream, ...]) -> None:
        self._lock = threading.Lock()
        self._sources = {}
        self._poll = select.poll()
        for stream in streams:
            reader = _replace(stream.fileno())
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            self._sources[reader] = (stream, decoder)
            self._poll.register(reader, select.POLLIN)
        threading.Thread(target=self._pump, name="capture", daemon=True).start()

    def drain(self) -> None:
        """Take all that has been written until now."""
        with self._lock:
            for reader in self._sources:
                while self._take(reader):
                    pass

    def _pump(self) -> None:
        while True:
            for reader, _ in self._poll.poll():
                with self._lock:
                    self._take(reader)

    def _take(self, reader: int) -> bool:
        try:
            data = os.read(reader, READ_BYTES)
        except BlockingIOError:
            return False
        if not data:  # the session's code has closed the descriptor, and nobody else has it
            self._poll.unregister(reader)
            return False
        stream, decoder = self._sources[reader]
        stream.write(decoder.decode(data))  # by whatever write the stream has now
        return True


def _replace(descriptor: int) -> int:
    reader, writer = os.pipe()
    os.dup2(writer, descriptor)
    os.close(writer)
    os.set_blocking(reader, False)
    return reader


def install(outlet: Outlet) -> Capture:
    """Put the streams in the place of the interpreter's own."""
    out = Stream(outlet, records.STDOUT, "stdout", 1)
    err = Stream(outlet, records.STDERR, "stderr", 2)
    sys.stdout = sys.__stdout__ = out  # type: ignore[misc, assignment]
    sys.stderr = sys.__stderr__ = err  # type: ignore[misc, assignment]
    capture = Capture((out, err))
    out.drain = err.drain = capture.drain
    return capture
