"""Stands where the SDK meets the network: notes outcomes, repeats, keeps proxies away.

The SDK turns every failure into a text. What it had seen before (code, status, request id) is
noted here in the `Trace` of the task that asked. Each private name of the SDK that is touched
is checked first; without it the SDK works as the vendor made it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
import random
import re
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


def guard_client(client: Any, endpoint: str) -> None:
    """Put the API client of one `AsyncAgentBay` under watch."""
    local = is_local(endpoint)
    if endpoint.startswith("http://") and hasattr(client, "_protocol"):
        # Otherwise every call builds a TLS context, 38 ms of CPU, for a plain connection.
        client._protocol = "http"
    if hasattr(client, "do_rpcrequest_async"):
        # Every asynchronous action ends in this one method.
        client.do_rpcrequest_async = _repeating(client.do_rpcrequest_async, local)


def _repeating(call: Callable[..., Awaitable[Any]], local: bool) -> Callable[..., Awaitable[Any]]:
    async def do_rpcrequest_async(action: str, *rest: Any) -> Any:
        end = time.monotonic() + RETRY_SECONDS
        tries = TRIES if action in REPEATABLE else 1
        for attempt in range(1, tries + 1):
            start = time.monotonic()
            try:
                with direct() if local else contextlib.nullcontext():
                    answer = await call(action, *rest)
            except Exception as error:
                failure = _from_exception(action, error, time.monotonic() - start)
                _note(failure)
                pause = failure.retry_after or _backoff(attempt)
                # A service of this computer that refuses connections has ended.
                hopeless = time.monotonic() + pause > end or (local and failure.refused)
                if attempt == tries or not failure.passing or hopeless:
                    raise
                log.info("%s failed (%s); trying again", action, failure.code or "no answer")
                await asyncio.sleep(pause)
            else:
                _note_answer(action, answer)
                return answer
        raise AssertionError("unreachable")

    return do_rpcrequest_async


def _backoff(attempt: int) -> float:
    return random.uniform(0.5, 1.0) * 0.25 * 2.0**attempt


def _note(failure: Failure) -> None:
    if trace := _trace.get():
        trace.failure = failure
        trace.request_id = failure.request_id or trace.request_id


def _note_answer(action: str, answer: Any) -> None:
    trace = _trace.get()
    body = answer.get("body") if isinstance(answer, dict) else None
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


def _from_exception(action: str, error: Exception, seconds: float) -> Failure:
    code = getattr(error, "code", None)
    status = int(getattr(error, "status_code", None) or 0)
    data = getattr(error, "data", None)
    message = data.get("Message") or data.get("message") if isinstance(data, dict) else None
    inner = getattr(getattr(error, "inner_exception", None), "message", None)
    text = str(message or inner or error)
    return Failure(
        action,
        text,
        code=str(code) if code and code != "None" else "",
        request_id=str(getattr(error, "request_id", None) or "").replace("None", ""),
        # The answer of something that is no AgentBay, as a gateway's HTML page.
        status=status or (502 if "parse the value as json" in text else 0),
        seconds=seconds,
        retry_after=int(getattr(error, "retry_after", None) or 0) / 1000,
        refused=bool(re.search(r"Cannot connect|refused|Name or service|resolve", text)),
    )


def guard_session(session: Any) -> None:
    """Put the direct connections of one SDK session under watch, whenever they are made."""
    if hasattr(session, "_get_link_http_client") and hasattr(session, "_link_http_client"):
        local = is_local(getattr(session, "link_url", ""))

        def get_link_http_client() -> Any:
            if session._link_http_client is None:
                session._link_http_client = _link_client(local)
            return session._link_http_client

        session._get_link_http_client = get_link_http_client
    if is_local(getattr(session, "ws_url", "")):
        # Our own service sends larger frames to a client that says it takes them.
        session.ws_url += f"?maxFrame={FRAME_BYTES}"
    if hasattr(session, "_get_ws_client"):
        make = session._get_ws_client

        async def get_ws_client() -> Any:
            socket = await make()
            if not hasattr(socket, "guarded"):
                _guard_socket(socket, is_local(session.ws_url))
            return socket

        session._get_ws_client = get_ws_client


def _link_client(local: bool) -> Any:
    import httpx

    class Client(httpx.AsyncClient):
        async def send(self, request: Any, **options: Any) -> Any:
            start = time.monotonic()
            try:
                response = await super().send(request, **options)
            except httpx.TransportError as error:
                text = str(error) or type(error).__name__
                refused = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                elapsed = time.monotonic() - start
                _note(Failure("callTool", text, seconds=elapsed, refused=refused))
                raise
            if response.status_code >= 300:
                _note(_from_response(response))
            elif trace := _trace.get():
                trace.answer = response
            return response

    # A plain connection to this computer needs no certificates, which take long to load, and
    # no proxy of the environment.
    return Client(timeout=900, verify=not local, trust_env=not local)


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


def _guard_socket(socket: Any, local: bool) -> None:
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
