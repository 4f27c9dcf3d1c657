"""The service's end of one interpreter of a session."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agentbay_kernel.service.port import WireEvent
from agentbay_kernel.service.workers import records

Emit = Callable[[WireEvent], None]

READ_BYTES = 1 << 18
LATE_CHARACTERS = 1 << 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run ended in the interpreter."""

    count: int | None
    error: str
    died: bool = False


class Interpreter:
    """Sends code and environment, hands on what comes back.

    While the caller of a run takes no more, nothing is read, so that the interpreter has to wait.
    Text that a thread writes between two runs is kept and comes with the next one.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket, self.theirs = socket.socketpair()
        self._socket.setblocking(False)
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._unpacker = records.Unpacker()
        self._unsent = bytearray()
        self._number = 0
        self._emit: Emit | None = None
        self._done: asyncio.Future[Verdict] | None = None
        self._late: list[WireEvent] = []
        self._late_size = 0
        self._open = True
        self._ready: asyncio.Event | None = None
        self._holding: asyncio.Task[None] | None = None
        self.pid = 0
        self.ready = False
        self._loop.add_reader(self._socket, self._on_readable)

    def run(
        self, code: str, emit: Emit, ready: asyncio.Event | None = None
    ) -> asyncio.Future[Verdict]:
        """Send code; the answer is there when it has run to its end.

        `ready` is clear while the caller can take no more.
        """
        self._number += 1
        self._done = done = self._loop.create_future()
        if not self._open:
            how = "InterpreterDied: Python had ended before the run"
            done.set_result(Verdict(None, how, died=True))
            return done
        late, self._late, self._late_size = self._late, [], 0
        for event in late:
            emit(event)
        self._emit, self._ready = emit, ready
        self._send(records.CODE, code.encode("utf-8", "surrogatepass"))
        return done

    def set_environment(self, variables: dict[str, str]) -> None:
        """Set variables before the next run."""
        self._send(records.ENVIRONMENT, json.dumps(variables).encode())

    def hurry(self) -> None:
        """Read the rest of the run whether the caller takes it or not."""
        self._ready = None
        if self._holding is not None:
            self._holding.cancel()
            self._read_on()

    def end(self, how: str) -> None:
        """The process has ended: take what it still said and close."""
        while self._open and self._on_readable():
            pass
        self.close()
        self._finish(Verdict(None, how, died=True))

    def close(self) -> None:
        """Let go of the socket."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
            self.hurry()
        self.theirs.close()

    def _finish(self, verdict: Verdict) -> None:
        self._emit = self._ready = None
        if self._done is not None and not self._done.done():
            self._done.set_result(verdict)

    def _send(self, kind: bytes, payload: bytes) -> None:
        if self._open:
            self._unsent += records.pack(kind, self._number, payload)
            self._on_writable()

    def _on_writable(self) -> None:
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()  # it has died, and its end is on the way
        if self._unsent:
            self._loop.add_writer(self._socket, self._on_writable)
        else:
            self._loop.remove_writer(self._socket)

    def _on_readable(self) -> bool:
        try:
            length = self._socket.recv_into(self._buffer)
        except BlockingIOError:
            return False
        except OSError:
            length = 0
        if not length:
            self._loop.remove_reader(self._socket)
            return False
        for kind, run, payload in self._unpacker.feed(self._buffer[:length]):
            self._on_record(kind, run, payload)
        if self._ready is not None and not self._ready.is_set() and self._holding is None:
            self._loop.remove_reader(self._socket)
            self._holding = self._loop.create_task(self._read_later(self._ready))
        return True

    async def _read_later(self, ready: asyncio.Event) -> None:
        await ready.wait()
        self._read_on()

    def _read_on(self) -> None:
        self._holding = None
        if self._open:
            self._loop.add_reader(self._socket, self._on_readable)

    def _on_record(self, kind: bytes, run: int, payload: bytes) -> None:
        if kind == records.READY:
            self.ready = True
        elif kind == records.DONE:
            done = json.loads(payload)
            self._finish(Verdict(done["count"], done.get("error", "")))
        else:
            event = _event(kind, payload)
            if self._emit is not None and run in (0, self._number):
                self._emit(event)
            elif self._late_size < LATE_CHARACTERS:
                self._late.append(event)
                self._late_size += len(payload)


def _event(kind: bytes, payload: bytes) -> WireEvent:
    if kind == records.STDOUT:
        return {"eventType": "stdout", "chunk": payload.decode()}
    if kind == records.STDERR:
        return {"eventType": "stderr", "chunk": payload.decode()}
    body: Any = json.loads(payload)
    if kind == records.RESULT:
        return {"eventType": "result", "result": body}
    return {"eventType": "error", "error": body}
