"""Puts AgentBay's SDK under the gateway's watch: its API client, its links, its WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import TYPE_CHECKING, Any

from agentbay_kernel.providers._containment import direct
from agentbay_kernel.providers._gateway import (
    Failure,
    Tries,
    guard_socket,
    is_local,
    note_answer,
    note_link,
    note_unanswered,
    widened,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


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
        tries = Tries(action, local=local)
        while True:
            start = time.monotonic()
            try:
                with direct() if local else contextlib.nullcontext():
                    answer = await call(action, *rest)
            except Exception as error:
                pause = tries.pause(_from_exception(action, error, time.monotonic() - start))
                if pause is None:
                    raise
                await asyncio.sleep(pause)
            else:
                note_answer(action, answer.get("body") if isinstance(answer, dict) else None)
                return answer

    return do_rpcrequest_async


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
    if getattr(session, "ws_url", ""):
        session.ws_url = widened(session.ws_url)
    if hasattr(session, "_get_ws_client"):
        make = session._get_ws_client

        async def get_ws_client() -> Any:
            socket = await make()
            if not hasattr(socket, "guarded"):
                guard_socket(socket, local=is_local(session.ws_url))
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
                refused = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                note_unanswered(error, time.monotonic() - start, refused=refused)
                raise
            note_link(response)
            return response

    # A plain connection to this computer needs no certificates, which take long to load, and
    # no proxy of the environment.
    return Client(timeout=900, verify=not local, trust_env=not local)
