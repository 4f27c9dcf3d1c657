"""The API listener: who may ask, how large, and where each path leads."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aiohttp import web

from agentbay_kernel.service import rest, rpc, rpc_contexts, rpc_sessions, rpc_tools, stream
from agentbay_kernel.service.errors import ApiError, BadParameter, Forbidden, KeyWrong
from agentbay_kernel.service.rpc import Call, Site

if TYPE_CHECKING:
    from agentbay_kernel.service.state import Session

log = logging.getLogger("agentbay_kernel.service")

# A file of 20 MB, which base64 and the form's own escapes make larger.
LARGEST_BODY = 96 << 20
# What takes longer to decode would hold up the other sessions' streams.
_LARGE = 1 << 20

_request_id = ContextVar("request_id", default="-")

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# To import these is to register their actions.
HANDLERS = (rpc_contexts, rpc_sessions, rpc_tools)


class Api:
    """The API of one service, as an aiohttp application."""

    def __init__(self, site: Site, key: str, on_request: Callable[[], None]) -> None:
        self._site = site
        self._key = key
        self._on_request = on_request
        port = site.api_url.rpartition(":")[2]
        names = (f"127.0.0.1:{port}", f"localhost:{port}")
        # The SDK writes the whole endpoint into the Host header.
        self._hosts = {*names, *(f"http://{name}" for name in names)}

    def application(self) -> web.Application:
        """The application for the API listener."""
        app = web.Application(middlewares=[self._guard], client_max_size=LARGEST_BODY)
        app.router.add_post("/", self._rpc)
        app.router.add_post("/mcp", self._rest)
        for folder in rest.FOLDERS:
            app.router.add_route("*", f"/{folder}/{{name}}", self._rest)
        app.router.add_get("/ping", self._ping)
        app.router.add_post("/{wire:link|agb}/{session}/callTool", self._call_tool)
        app.router.add_get("/ws/{session}", self._stream)
        app.router.add_put("/files/{token}", self._site.urls.put)
        app.router.add_get("/files/{token}", self._site.urls.get, allow_head=False)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        self._on_request()
        request_id = str(uuid.uuid4()).upper()
        _request_id.set(request_id)
        try:
            self._check(request)
            return await handler(request)
        except ApiError as error:
            refused = error
        except web.HTTPRequestEntityTooLarge:
            refused = ApiError(
                "RequestTooLarge", f"A request has {LARGEST_BODY} bytes at most", 413
            )
        except web.HTTPException as error:
            refused = ApiError("InvalidRequest", error.reason, error.status)
        except ConnectionError:
            raise
        except Exception:
            log.exception("%s failed", request_id)
            refused = ApiError("InternalError", "The service failed; its log says why")
        log.info("%s %s %s %s", request_id, _name(request), refused.code, refused.status)
        answer = rpc.refusal(refused, request_id)
        if rest.speaks(request.path):
            answer = rest.encode(answer)
        return web.json_response(answer, status=refused.status)

    def _check(self, request: web.Request) -> None:
        """Refuse what only a web page could send, and other names of this host (DNS rebinding)."""
        if "Origin" in request.headers:
            raise Forbidden("Requests from web pages are not answered")
        if request.headers.get("Host", "") not in self._hosts:
            raise Forbidden("The Host header is not this service's")
        if (request.content_length or 0) > LARGEST_BODY and request.method == "POST":
            raise ApiError("RequestTooLarge", f"A request has {LARGEST_BODY} bytes at most", 413)

    async def _ping(self, request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _rpc(self, request: web.Request) -> web.Response:
        body = await request.read()
        fields = await _aside(len(body), _fields, request.query_string, body)
        self._authorize(fields.get("Authorization", ""))
        call = Call(self._site, fields.get("Action", ""), fields)
        return web.json_response(await rpc.answer(call, _request_id.get()))

    async def _rest(self, request: web.Request) -> web.Response:
        self._authorize(request.headers.get("Authorization", ""))
        action = rest.ROUTES.get((request.method, request.path), "")
        if not action:
            # Not "not found": the SDK would take it for a session that is gone.
            raise ApiError("NotImplemented", f"{request.method} {request.path} is not implemented")
        body = await request.read()
        fields = await _aside(len(body), rest.decode, action, request.query, body)
        answer = await rpc.answer(Call(self._site, action, fields, agb=True), _request_id.get())
        return web.json_response(rest.encode(answer))

    def _authorize(self, text: str) -> None:
        word, _, key = text.partition(" ")
        if word != "Bearer" or not hmac.compare_digest(key.encode(), self._key.encode()):
            raise KeyWrong

    def _session(self, request: web.Request) -> Session:
        """The session of a link or WebSocket path, if the token is its own."""
        token = request.headers.get("X-Access-Token", "").encode()
        try:
            session = self._site.host.sessions.get(request.match_info["session"])
        except ApiError:
            hmac.compare_digest(token, self._key.encode())
            raise
        if not hmac.compare_digest(token, session.token.encode()):
            raise KeyWrong("The session's token")
        self._site.host.sessions.touch(session)
        return session

    async def _call_tool(self, request: web.Request) -> web.Response:
        session = self._session(request)
        body = await request.read()
        try:
            sent = await _aside(len(body), json.loads, body)
            tool, args = sent["tool"], sent.get("args") or {}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadParameter("Body", "is no JSON object that names a tool") from None
        if not isinstance(args, dict) or not isinstance(tool, str):
            raise BadParameter("args", "is no JSON object")
        call = Call(self._site, "callTool", {}, agb=request.match_info["wire"] == "agb")
        result = await rpc_tools.tool_answer(call, session, tool, args)
        log.info("%s callTool %s", _request_id.get(), session.id)
        return web.json_response({"data": {"result": result}})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        return await stream.connect(self._site.host, self._session(request), request)


def _name(request: web.Request) -> str:
    """What was asked for; a name that is none of ours is text of the sender's."""
    name = request.query.get("Action", "")
    name = rest.ROUTES.get((request.method, request.path), name)
    return name if name in rpc.ACTIONS else request.method


def _fields(query: str, body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=1000)
    except ValueError as error:
        raise BadParameter("Body", f"is no form: {error}") from None
    return {**dict(parse_qsl(query, keep_blank_values=True)), **dict(pairs)}


async def _aside(size: int, work: Callable[..., Any], *args: Any) -> Any:
    """Do the work here, or in a thread when it is large."""
    return work(*args) if size < _LARGE else await asyncio.to_thread(work, *args)
