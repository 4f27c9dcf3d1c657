"""Stands where the SDK meets the network: notes outcomes, repeats, keeps proxies away.

The SDK turns every failure into a text. What it had seen before (code, status, request id) is
noted here in the `Trace` of the task that asked. Actions and the fields of answers have the names
of AgentBay's wire, also where another SDK has its own. Each private name of an SDK that is touched
is checked first; without it the SDK works as the vendor made it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
import random
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agentbay_kernel.providers._containment import direct

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

log = logging.getLogger("agentbay_kernel.providers")

FRAME_BYTES = 64 << 20
TRIES = 4
RETRY_SECONDS = 20.0
# Creating a session, running code and calling a tool are not among them.
REPEATABLE = frozenset({
    "DeleteSessionAsync", "DescribeContextFiles", "DescribeSessionContexts", "GetContext",
    "GetContextInfo", "GetLabel", "GetLink", "GetMcpResource", "GetSession", "GetSessionDetail",
    "ListContexts", "ListMcpTools", "ListSession", "RefreshSessionIdleTime", "SetLabel",
    "SyncContext",
})  # fmt: skip


# Of a session's answers: these have places of their own, or say nothing to a person.
ELSEWHERE = frozenset({
    "contexts", "errmsg", "imageid", "isolation", "labels", "resourceid", "resourceurl",
    "sessionid", "status", "success", "toollist",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    """How a request failed; `status` is 0 when no answer came."""

    action: str
    message: str
    code: str = ""
    request_id: str = ""
    status: int = 0
    seconds: float = 0.0
    retry_after: float = 0.0
    refused: bool = False
    """No connection was made, so that the request has not been seen by anybody."""

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return self.status in (0, 429) or self.status >= 500 or self.retry_after > 0


@dataclass(slots=True)
class Trace:
    """What one call of the SDK did on the network."""

    failure: Failure | None = None
    request_id: str = ""
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    stream: Any = None
    sent: bool = False
    answer: Any = None
    """What the session's own address answered last."""


_trace: ContextVar[Trace | None] = ContextVar("agentbay_kernel_trace", default=None)


@contextlib.contextmanager
def watch() -> Iterator[Trace]:
    """Note what the SDK does within; the trace is of this task and those it starts."""
    trace = Trace()
    token = _trace.set(trace)
    try:
        yield trace
    finally:
        _trace.reset(token)


def current() -> Trace | None:
    """The trace that is being made."""
    return _trace.get()


def details(*bodies: Mapping[str, Any]) -> dict[str, str]:
    """What answers tell of a session beside what the port has fields for, by the names there."""
    found: dict[str, str] = {}
    for body in bodies:
        for name, value in body.items():
            if name.lower() in ELSEWHERE or value in (None, "", {}, []):
                continue
            found[name] = value if isinstance(value, str) else json.dumps(value)
    return found


def is_local(url: str) -> bool:
    """Whether a URL is plain http or ws to this computer."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "ws"):
        return False
    host = parts.hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Tries:
    """The tries of one request: how often it is repeated, and after which pauses."""

    def __init__(self, action: str, *, local: bool) -> None:
        self._action = action
        self._local = local
        self._end = time.monotonic() + RETRY_SECONDS
        self._left = TRIES if action in REPEATABLE else 1
        self._attempt = 0

    def pause(self, failure: Failure) -> float | None:
        """Note a failure; the seconds until the next try, None when there is to be none."""
        note(failure)
        self._attempt += 1
        self._left -= 1
        pause = failure.retry_after or _backoff(self._attempt)
        # A service of this computer that refuses connections has ended.
        hopeless = time.monotonic() + pause > self._end or (self._local and failure.refused)
        if not self._left or not failure.passing or hopeless:
            return None
        log.info("%s failed (%s); trying again", self._action, failure.code or "no answer")
        return pause


def _backoff(attempt: int) -> float:
    return random.uniform(0.5, 1.0) * 0.25 * 2.0**attempt


def note(failure: Failure) -> None:
    """Note how a request failed."""
    if trace := _trace.get():
        trace.failure = failure
        trace.request_id = failure.request_id or trace.request_id


def note_answer(action: str, body: Any) -> None:
    """Note the answer to a request; a refusal in it is a failure, whatever the SDK makes of it."""
    trace = _trace.get()
    if trace is None or not isinstance(body, dict):
        return
    trace.request_id = str(body.get("RequestId") or "")
    trace.bodies[action] = body
    trace.failure = None
    if body.get("Success") is False and not (action == "CallMcpTool" and body.get("Data")):
        # Several methods of the SDK take this answer for a success.
        trace.failure = Failure(
            action,
            str(body.get("Message") or ""),
            code=str(body.get("Code") or ""),
            request_id=trace.request_id,
            status=int(body.get("HttpStatusCode") or 200),
        )


def note_link(response: Any) -> None:
    """Note what a session's own address answered."""
    if response.status_code >= 300:
        note(_from_response(response))
    elif trace := _trace.get():
        trace.answer = response


def note_unanswered(error: Exception, seconds: float, *, refused: bool) -> None:
    """Note that a session's own address did not answer."""
    text = str(error) or type(error).__name__
    note(Failure("callTool", text, seconds=seconds, refused=refused))


def _from_response(response: Any) -> Failure:
    try:
        body = response.json()
    except ValueError:
        body = None
    known = body if isinstance(body, dict) else {}
    return Failure(
        "callTool",
        str(known.get("Message") or known.get("message") or response.text[:500]),
        code=str(known.get("Code") or known.get("code") or ""),
        request_id=str(known.get("RequestId") or known.get("requestId") or ""),
        status=response.status_code,
    )


def widened(ws_url: str) -> str:
    """A session's WebSocket address; our own service sends larger frames when it is told so."""
    return f"{ws_url}?maxFrame={FRAME_BYTES}" if is_local(ws_url) else ws_url


def guard_socket(socket: Any, *, local: bool) -> None:
    """Put one WebSocket of a session under watch."""
    socket.guarded = True
    if hasattr(socket, "_log_frame"):
        # Encodes and searches every frame anew for a debug message that nobody reads.
        socket._log_frame = lambda direction, payload: None
    if hasattr(socket, "_pending_by_id"):
        socket._pending_by_id = _Pending(socket._pending_by_id)
    if hasattr(socket, "_open"):
        socket._open = _opening(socket, local)
    if hasattr(socket, "_write_business"):
        socket._write_business = _writing(socket._write_business)
    socket.call_stream = _streaming(socket.call_stream, hasattr(socket, "_write_business"))


class _Pending(dict[str, Any]):
    """The SDK's open requests; asyncio is not to report those that fail with nobody waiting."""

    def __setitem__(self, key: str, pending: Any) -> None:
        if hasattr(pending, "end_future"):
            pending.end_future.add_done_callback(lambda end: end.cancelled() or end.exception())
        super().__setitem__(key, pending)


def _opening(socket: Any, local: bool) -> Callable[[], Awaitable[None]]:
    open_ = socket._open

    async def opening() -> None:
        with direct() if local else contextlib.nullcontext():
            await open_()
        protocol: Any = getattr(getattr(socket, "_ws", None), "protocol", None)
        if hasattr(protocol, "max_size"):
            # One frame above the library's 1 MiB, as a large image, would end the connection.
            protocol.max_size = FRAME_BYTES

    return opening


def _writing(write: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def writing(**options: Any) -> None:
        if trace := _trace.get():
            trace.sent = True
        await write(**options)

    return writing


def _streaming(stream: Callable[..., Awaitable[Any]], noted: bool) -> Callable[..., Any]:
    async def streaming(**options: Any) -> Any:
        trace = _trace.get() or Trace()
        # What cannot be known to be unsent counts as sent.
        trace.sent = not noted
        trace.stream = await stream(**options)
        return trace.stream

    return streaming
