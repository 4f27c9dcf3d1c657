"""What a worker says to the service: text in order, gathered briefly, and records between it."""

from __future__ import annotations

import os
import queue
import select
import socket
import threading
from collections import deque
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.workers import records

if TYPE_CHECKING:
    from types import TracebackType

GATHER_SECONDS = 0.002
GATHER_CHARACTERS = 1 << 16
PIECE_BYTES = 160 << 10
"""Six times this, the worst that JSON does to text, stays below the wire's 1 MiB."""

AT_ONCE = 256
"""Buffers of one system call, fewer than any system allows."""

LOOK_MS = 50
"""How long an interrupt may have to wait while nobody reads."""

Buffer = bytes | memoryview

_DESCRIPTORS = {records.STDOUT: 1, records.STDERR: 2}


class Shield:
    """Puts off an interrupt while the main thread writes, so that no record is torn."""

    def __init__(self) -> None:
        self._main = threading.get_ident()
        self._depth = 0
        self._pending = False

    def __enter__(self) -> None:
        if threading.get_ident() == self._main:
            self._depth += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if threading.get_ident() != self._main:
            return
        self._depth -= 1
        if self._pending and not self._depth:
            self._pending = False
            raise KeyboardInterrupt

    def put_off(self) -> bool:
        """Whether the interrupt has to wait; it is raised at the end of the write."""
        self._pending = self._depth > 0
        return self._pending

    def let_through(self) -> None:
        """Raise what was put off, at a point where nothing is torn."""
        if self._pending and threading.get_ident() == self._main:
            self._pending = False
            raise KeyboardInterrupt

    def forget(self) -> None:
        """Drop an interrupt that came too late for the run it meant."""
        self._pending = False


class Outlet:
    """Gathers text of both streams and what stands between it, and sends it all in order.

    Writers only append to a deque, which is atomic; the lock is for those who send. One who sends
    waits while the service is behind, so that what waits here is bounded by what is written.
    """

    def __init__(self, service: socket.socket, shield: Shield) -> None:
        self._service = service
        self._poll = select.poll()
        self._poll.register(service, select.POLLOUT)
        self._shield = shield
        self._lock = threading.RLock()
        self._queue: deque[tuple[bytes, str | bytes]] = deque()
        self._unsent: deque[Buffer] = deque()
        self._sending = False
        self._size = 0
        # An Event would be left locked or unset where an interrupt strikes inside of its Python.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._forked = False
        self._run = 0
        os.register_at_fork(after_in_child=self._become_child)
        threading.Thread(target=self._send_soon, name="outlet", daemon=True).start()

    def begin(self, run: int) -> None:
        """All that comes now belongs to this run."""
        with self._shield:
            self._lock_or_stop()
            try:
                self._send()
                self._run = run
            finally:
                self._lock.release()

    def add(self, kind: bytes, content: str | bytes) -> None:
        """Add text to a stream, or a record after all the text before it."""
        size = len(content)
        if not size or self._forked:
            self._leave(kind, content)
            return
        self._queue.append((kind, content))
        self._size += size
        if self._size >= GATHER_CHARACTERS:
            self.flush()
        elif not self._wake.qsize():
            self._wake.put(None)

    def flush(self) -> None:
        """Send what has been gathered."""
        with self._shield:
            self._lock_or_stop()
            try:
                self._send()
            finally:
                self._lock.release()

    def _leave(self, kind: bytes, content: str | bytes) -> None:
        if isinstance(content, str):
            _write_all(_DESCRIPTORS[kind], content.encode(errors="replace"))

    def _lock_or_stop(self) -> None:
        while not self._lock.acquire(timeout=LOOK_MS / 1000):
            self._shield.let_through()

    def _send(self) -> None:
        if self._sending or self._forked:
            return  # a destructor writes while its thread sends: that takes it along
        self._sending = True
        try:
            while self._queue or self._unsent:
                self._pack()
                self._push()
        finally:
            self._sending = False

    def _pack(self) -> None:
        self._size = 0
        take = self._queue.popleft
        gathered = [take() for _ in range(len(self._queue))]
        for kind, group in groupby(gathered, key=itemgetter(0)):
            contents: list[Any] = [content for _, content in group]
            for piece in pieces(contents) if kind in _DESCRIPTORS else contents:
                self._unsent += (records.header(kind, self._run, len(piece)), piece)

    def _push(self) -> None:
        """Send what is packed; an interrupt while nobody reads leaves the rest for the next one."""
        while self._unsent:
            some = list(islice(self._unsent, AT_ONCE))
            try:
                sent = self._service.sendmsg(some, [], socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._poll.poll(LOOK_MS)
                self._shield.let_through()
                continue
            while sent:
                first = self._unsent.popleft()
                if sent < len(first):
                    self._unsent.appendleft(memoryview(first)[sent:])
                sent -= min(sent, len(first))

    def _send_soon(self) -> None:
        pause = threading.Event()
        while True:
            self._wake.get()
            pause.wait(GATHER_SECONDS)
            while self._wake.qsize():
                self._wake.get()
            if self._queue or self._unsent:
                self.flush()

    def _become_child(self) -> None:
        # A forked child has neither the sending thread nor a right to the records: it writes to
        # the captured descriptors, which its parent reads.
        self._lock = threading.RLock()
        self._queue.clear()
        self._unsent.clear()
        if not self._forked:
            self._forked = True
            self._service.close()


def pieces(texts: list[Any]) -> list[Buffer]:
    """Texts in UTF-8, cut between characters into what one record may hold."""
    data = "".join(texts).encode(errors="replace")
    if len(data) <= PIECE_BYTES:
        return [data]
    view = memoryview(data)
    cut: list[Buffer] = []
    at = 0
    while len(data) - at > PIECE_BYTES:
        end = at + PIECE_BYTES
        while data[end] & 0xC0 == 0x80:
            end -= 1
        cut.append(view[at:end])
        at = end
    return [*cut, view[at:]]


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
