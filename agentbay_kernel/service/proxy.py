"""Passes HTTP and WebSocket requests on to a port of a session."""

from __future__ import annotations

import asyncio
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import WSMsgType, web
from multidict import CIMultiDict
from yarl import URL

from agentbay_kernel.service import resource_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_CLIENT = web.AppKey("client", aiohttp.ClientSession)
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
# Answers keep their own path: a page of one session must not reach those of another.
_KEPT_FROM_BROWSER = {"service-worker-allowed", "set-cookie"}
_WEBSOCKET = {"sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"}
_LARGEST_MESSAGE = 64 << 20


async def client(app: web.Application) -> AsyncIterator[None]:
    """Keep one client for the life of the application."""
    session = aiohttp.ClientSession(
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
    )
    app[_CLIENT] = session
    yield
    await session.close()


async def forward(request: web.Request, port: int, path: str) -> web.StreamResponse:
    """Answer a request with what a server on a port of this computer answers."""
    raw = request.rel_url.raw_path
    tail = raw.split("/", 4 if raw.startswith("/request_ai/") else 3)[-1]
    query = request.rel_url.raw_query_string
    address = f"127.0.0.1:{port}/{tail}" + (f"?{query}" if query else "")
    upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
    try:
        if upgrade:
            return await _websocket(request, URL(f"ws://{address}", encoded=True))
        return await _http(request, URL(f"http://{address}", encoded=True))
    except aiohttp.ClientError:
        return resource_page.message(502, f"The server on port {port} did not answer.")


async def _http(request: web.Request, url: URL) -> web.StreamResponse:
    body = request.content if request.body_exists else None
    async with request.app[_CLIENT].request(
        request.method,
        url,
        headers=_onward(request),
        data=body,
        allow_redirects=False,
    ) as found:
        response = web.StreamResponse(status=found.status, reason=found.reason)
        base = request.path[: len(request.path) - len(request.match_info["path"])]
        _copy_answer(found.headers, response, base)
        await response.prepare(request)
        async for chunk in found.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response


def _onward(request: web.Request) -> CIMultiDict[str]:
    named = {item.strip().lower() for item in request.headers.get("Connection", "").split(",")}
    headers = CIMultiDict(
        (key, value)
        for key, value in request.headers.items()
        if key.lower() not in _HOP_BY_HOP | named
    )
    headers["X-Forwarded-Host"] = request.headers.get("Host", "")
    headers["X-Forwarded-Proto"] = "http"
    return headers


def _copy_answer(headers: object, response: web.StreamResponse, base: str) -> None:
    assert hasattr(headers, "items")
    for key, value in headers.items():
        if key.lower() not in _HOP_BY_HOP | _KEPT_FROM_BROWSER:
            response.headers.add(key, value)
        elif key.lower() == "set-cookie":
            response.headers.add(key, _narrowed(value, base))
    response.headers["Referrer-Policy"] = "no-referrer"


def _narrowed(cookie: str, base: str) -> str:
    """A cookie that is sent to this link alone: browsers share them among ports."""
    try:
        jar = SimpleCookie(cookie)
    except CookieError:
        return f"none=; Path={base}; Max-Age=0"
    for morsel in jar.values():
        morsel["path"], morsel["domain"] = base, ""
    return jar.output(header="").strip()


async def _websocket(request: web.Request, url: URL) -> web.StreamResponse:
    headers = CIMultiDict(
        (key, value) for key, value in _onward(request).items() if key.lower() not in _WEBSOCKET
    )
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    protocols = tuple(item.strip() for item in offered.split(",") if item.strip())
    headers.popall("Sec-WebSocket-Protocol", None)
    async with request.app[_CLIENT].ws_connect(
        url, headers=headers, protocols=protocols, max_msg_size=_LARGEST_MESSAGE, compress=0
    ) as inner:
        chosen = (inner.protocol,) if inner.protocol else ()
        outer = web.WebSocketResponse(
            protocols=chosen, max_msg_size=_LARGEST_MESSAGE, compress=False
        )
        await outer.prepare(request)
        both = [
            asyncio.create_task(_relay(inner, outer)),
            asyncio.create_task(_relay(outer, inner)),
        ]
        _, rest = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        await outer.close(code=inner.close_code or 1000)
        return outer


async def _relay(
    source: aiohttp.ClientWebSocketResponse | web.WebSocketResponse,
    target: aiohttp.ClientWebSocketResponse | web.WebSocketResponse,
) -> None:
    async for message in source:
        if message.type is WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await target.send_bytes(message.data)
