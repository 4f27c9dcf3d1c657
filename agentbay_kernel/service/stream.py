"""The WebSocket of a session: streaming runs, terminals and file changes over one connection."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from agentbay_kernel.escaping import LARGE, escape
from agentbay_kernel.service import runs, tools
from agentbay_kernel.service.errors import ApiError
from agentbay_kernel.service.port import RunEnd, SandboxGone, ToolFailure, WireEvent
from agentbay_kernel.service.terminals import SILENT, Terminals
from agentbay_kernel.service.terminals import TARGET as PTY_TARGET
from agentbay_kernel.service.watches import Watches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agentbay_kernel.service.host import Host
    from agentbay_kernel.service.state import Session

log = logging.getLogger("agentbay_kernel.service")

# The SDK's WebSocket library drops the connection at a message above 1 MiB.
FRAME = 900_000
_MERGED = 200_000
_PIECE = 800_000
_BACKLOG = 256 << 20
# What may wait for a client before the code that writes has to wait.
_HIGH, _LOW = 8 << 20, 2 << 20
_LARGEST_REQUEST = 96 << 20


@dataclass(slots=True)
class _Output:
    """Text of one stream of one run that waits to be sent; more may be added to it."""

    invocation: str
    kind: str
    chunks: list[str] = field(default_factory=list)
    size: int = 0


class Connection:
    """One client's WebSocket."""

    def __init__(
        self, host: Host, session: Session, socket: web.WebSocketResponse, largest: int = FRAME
    ) -> None:
        self._largest = largest
        self._host = host
        self._session = session
        self._socket = socket
        self._queue: deque[_Output | str] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._ready = asyncio.Event()
        self._ready.set()
        self._open = True
        self._active: set[str] = set()
        self._terminals = terminals_of(host, session)
        self._watches = Watches(self._push)
        self._typing = asyncio.Lock()

    async def serve(self) -> None:
        """Answer messages until the client leaves; what it started in the session goes on."""
        writer = asyncio.create_task(self._write())
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self._host.sessions.touch(self._session)
                    self._take(message.data)
        finally:
            self._open = False
            self._ready.set()
            self._terminals.leave(self._push)
            self._watches.close()
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    def close(self) -> None:
        """End the connection from this side, since the session is over."""
        self._host.spawn(self._leave(), "websocket close")

    async def _leave(self) -> None:
        for _ in range(50):
            if not self._queue:
                break
            await asyncio.sleep(0.02)
        await self._socket.close(code=1001, message=b"the session has ended")

    def _take(self, text: str) -> None:
        try:
            envelope = json.loads(text)
            invocation = str(envelope.get("invocationId") or envelope.get("requestId") or "")
            data = envelope.get("data")
            data = json.loads(data) if isinstance(data, str) else data
            target = str(envelope.get("target") or "")
        except (ValueError, AttributeError):
            return
        if not invocation or invocation in self._active:
            # What a client writes into a stream that is open has no meaning in this protocol.
            return
        if not isinstance(data, dict):
            self._refuse(invocation, "The message has no data")
            return
        self._active.add(invocation)
        self._host.spawn(self._serve_one(invocation, target, data), "websocket request")

    async def _serve_one(self, invocation: str, target: str, data: dict[str, Any]) -> None:
        try:
            await self._dispatch(invocation, target, data)
        except (ApiError, ToolFailure, SandboxGone) as error:
            self._refuse(invocation, str(error))
        finally:
            self._active.discard(invocation)

    async def _dispatch(self, invocation: str, target: str, data: dict[str, Any]) -> None:
        method, params = str(data.get("method") or ""), data.get("params")
        params = params if isinstance(params, dict) else {}
        if target == PTY_TARGET:
            await self._terminal(invocation, method, params)
        elif target == tools.CODESPACE and method == "run_code":
            await self._run(invocation, params)
        elif target == tools.FILESYSTEM and method.endswith("subscribe_file_change"):
            self._session.need_running()
            await self._watches.handle(method, params, self._session.sandbox)
            self._send(invocation, target, {"method": method, "phase": "end", "status": "finished"})
        else:
            raise ToolFailure(f"There is no method {method!r} at {target!r}")

    async def _terminal(self, invocation: str, method: str, params: dict[str, Any]) -> None:
        # What is typed must arrive in the order in which it was sent.
        async with self._typing:
            try:
                result = await self._terminals.handle(method, params, self._push)
            except (ApiError, ToolFailure, SandboxGone) as error:
                if method not in SILENT:
                    raise
                pty_id = params.get("ptySessionId")
                event = {"eventType": "pty.error", "ptySessionId": pty_id, "error": str(error)}
                self._push(PTY_TARGET, event)
                return
        if method not in SILENT:
            self._send(invocation, PTY_TARGET, {"method": method, "result": result})

    async def _run(self, invocation: str, params: Mapping[str, Any]) -> None:
        def emit(event: WireEvent) -> None:
            self._event(invocation, event)

        try:
            seconds = runs.limit(params.get("timeoutS"))
            end = await runs.run(self._host, self._session, params, seconds, emit, self._ready)
        except (ToolFailure, SandboxGone, ApiError) as error:
            end = RunEnd(ok=False, execution_count=None, seconds=0.0, error=str(error))
        self._send(
            invocation,
            tools.CODESPACE,
            {
                "method": "run_code",
                "mode": "stream",
                "phase": "end",
                "status": "finished" if end.ok else "failed",
                "executionCount": end.execution_count,
                "executionTime": end.seconds,
                "executionError": end.error,
            },
        )

    def _event(self, invocation: str, event: WireEvent) -> None:
        kind = event.get("eventType")
        if kind in ("stdout", "stderr"):
            self._text(invocation, str(kind), event["chunk"])
            return
        frame = _event_frame(invocation, event)
        if len(frame) > self._largest:
            event, warning = fit(event, self._largest)
            if warning:
                self._text(invocation, "stderr", warning)
            frame = _event_frame(invocation, event)
        self._queue_frame(frame)

    def _text(self, invocation: str, kind: str, chunk: str) -> None:
        """Queue output; pieces that wait together leave together, since each frame costs."""
        if not self._open:
            return
        last = self._queue[-1] if self._queue else None
        if not (
            isinstance(last, _Output)
            and (last.invocation, last.kind) == (invocation, kind)
            and last.size < _MERGED
        ):
            last = _Output(invocation, kind)
            self._queue.append(last)
        last.chunks.append(chunk)
        last.size += len(chunk)
        self._grow(len(chunk))

    def _push(self, source: str, data: Mapping[str, Any]) -> None:
        """Send something that no request waits for."""
        self._send(secrets.token_hex(16), source, data)

    def _refuse(self, invocation: str, message: str) -> None:
        self._send(invocation, "WEBSOCKET_SERVER", {"error": message})

    def _send(self, invocation: str, source: str, data: Mapping[str, Any]) -> None:
        self._queue_frame(_frame(invocation, source, data))

    def _queue_frame(self, frame: str) -> None:
        if self._open:
            self._queue.append(frame)
            self._grow(len(frame))

    def _grow(self, size: int) -> None:
        self._waiting += size
        self._wake.set()
        if self._waiting > _HIGH:
            self._ready.clear()
        if self._waiting > _BACKLOG and self._open:
            log.warning("session %s: a client reads too slowly, dropped", self._session.id)
            self._open = False
            self._ready.set()
            self._queue.clear()
            self._host.spawn(self._socket.close(), "websocket close")

    async def _write(self) -> None:
        while True:
            while self._queue:
                item = self._queue.popleft()
                if isinstance(item, str):
                    self._waiting -= len(item)
                    await self._socket.send_str(item)
                else:
                    self._waiting -= item.size
                    for frame in frames(item):
                        await self._socket.send_str(frame)
                if self._waiting < _LOW:
                    self._ready.set()
            self._wake.clear()
            await self._wake.wait()


def terminals_of(host: Host, session: Session) -> Terminals:
    """The terminals of a session, which its connections share."""
    if session.shared_terminals is None:
        session.shared_terminals = Terminals(host, session)
    return session.shared_terminals


def fit(event: WireEvent, largest: int = FRAME) -> tuple[WireEvent, str]:
    """An event that passes through the stream, and a warning when something was left out.

    The SDK has no way to put a result together from pieces, and nothing but text has a stream:
    of a result that is too large the largest representations go, the small ones stay.
    """
    if event.get("eventType") == "error":
        return _fit_error(event), ""
    result = event.get("result")
    mime = dict(result.get("mime") or {}) if isinstance(result, dict) else {}
    sizes = {key: len(json.dumps(value)) for key, value in mime.items()}
    if not isinstance(result, dict) or sum(sizes.values()) < largest:
        return event, ""
    gone = []
    for key in sorted(sizes, key=lambda item: -sizes[item]):
        if sum(sizes.values()) < largest:
            break
        gone.append(f"{key} ({sizes.pop(key) / 1e6:.1f} MB)")
        del mime[key]
    warning = f"A result was too large for the stream; left out: {', '.join(gone)}\n"
    return {**event, "result": {**result, "mime": mime}}, warning


def _fit_error(event: WireEvent) -> WireEvent:
    if len(json.dumps(event)) < FRAME:
        return event
    error = event["error"]
    lines = [str(line)[:2000] for line in (error.get("traceback") or [])[-50:]]
    short = {**error, "message": str(error.get("message"))[:100_000], "traceback": lines}
    return {**event, "error": short}


def _event_frame(invocation: str, event: WireEvent) -> str:
    head = {"method": "run_code", "mode": "stream", "phase": "event"}
    return _frame(invocation, tools.CODESPACE, {**head, **event})


def _frame(invocation: str, source: str, data: Mapping[str, Any]) -> str:
    return json.dumps({"invocationId": invocation, "source": source, "target": "SDK", "data": data})


def frames(item: _Output) -> Iterator[str]:
    """The frames for a piece of output, each small enough once it is escaped."""
    text = "".join(item.chunks)
    for start in range(0, len(text), _PIECE):
        yield from _halved(item.invocation, item.kind, text[start : start + _PIECE])


def _halved(invocation: str, kind: str, text: str) -> Iterator[str]:
    # not one `json.dumps` for all: it copies the text once more
    head = _event_frame(invocation, {"eventType": kind}).removesuffix("}}")
    frame = "".join((head, ', "chunk": ', _quoted(text), "}}"))
    if len(frame) <= FRAME and (frame.isascii() or len(frame.encode()) <= FRAME):
        yield frame
        return
    middle = len(text) // 2
    yield from _halved(invocation, kind, text[:middle])
    yield from _halved(invocation, kind, text[middle:])


def _quoted(text: str) -> str:
    """Text in JSON, as it is but for what must be escaped."""
    if text.isascii():
        escaped = escape(text.encode()) if len(text) >= LARGE else None
        return json.dumps(text) if escaped is None else f'"{escaped.decode()}"'
    quoted = json.dumps(text, ensure_ascii=False)
    try:
        quoted.encode()
    except UnicodeEncodeError:  # a lone half of a surrogate pair, which UTF-8 has no form for
        return json.dumps(text)
    return quoted


def _largest(asked: str) -> int:
    """The characters of a frame that a client takes; more than the SDK's only when it says so."""
    return min(max(int(asked), FRAME), _LARGEST_REQUEST) if asked.isdecimal() else FRAME


async def connect(host: Host, session: Session, request: web.Request) -> web.WebSocketResponse:
    """Serve a WebSocket for as long as its client or the session stays."""
    # Over the loopback, compression costs more time than it saves.
    socket = web.WebSocketResponse(compress=False, max_msg_size=_LARGEST_REQUEST)
    await socket.prepare(request)
    connection = Connection(host, session, socket, _largest(request.query.get("maxFrame", "")))

    def ended(gone: Session) -> None:
        if gone is session:
            connection.close()

    host.on_end.append(ended)
    try:
        await connection.serve()
    finally:
        host.on_end.remove(ended)
    return socket
