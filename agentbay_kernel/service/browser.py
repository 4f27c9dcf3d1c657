"""The browser listener: resource pages and session links, and no API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from agentbay_kernel.service import proxy, resource_page

if TYPE_CHECKING:
    from agentbay_kernel.service.host import Host
    from agentbay_kernel.service.links import Links
    from agentbay_kernel.service.state import Session

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LARGEST_BODY = 1 << 40


class Browser:
    """What a browser may open.

    The Host header is not looked at: each path holds a secret that a page that rebinds a name
    to this computer does not know, and a forwarded port has another name.
    """

    def __init__(self, host: Host, links: Links, on_request: Callable[[], None]) -> None:
        self._host = host
        self._links = links
        self._on_request = on_request

    def application(self) -> web.Application:
        """The application for the browser listener."""
        app = web.Application(middlewares=[self._guard], client_max_size=_LARGEST_BODY)
        app.router.add_get("/s/{token}/", self._page)
        app.router.add_get("/s/{token}/files{path:/.*}", self._files)
        app.router.add_route("*", "/request_ai/{token}/path/{path:.*}", self._link)
        app.router.add_route("*", "/websocket_ai/{token}/{path:.*}", self._link)
        app.cleanup_ctx.append(proxy.client)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        self._on_request()
        try:
            return await handler(request)
        except web.HTTPException as error:
            return resource_page.message(error.status, error.reason)

    def _session(self, request: web.Request) -> Session:
        token = request.match_info["token"]
        for session in self._host.sessions:
            if session.page_token == token:
                return session
        raise web.HTTPNotFound(reason="There is no such page: the session may have ended")

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return await resource_page.overview(self._host, self._session(request))

    async def _files(self, request: web.Request) -> web.StreamResponse:
        return await resource_page.files(self._session(request), request.match_info["path"])

    async def _link(self, request: web.Request) -> web.StreamResponse:
        link = self._links.find(request.match_info["token"])
        if link is None:
            raise web.HTTPNotFound(reason="There is no such link: the session may have ended")
        self._host.sessions.touch(link.session)
        if not await self._links.serves(link):
            return resource_page.message(
                502,
                f"Nothing in session {link.session.id} listens on port {link.port}. "
                f"Start your server there on port {link.port}, then reload this page.",
            )
        return await proxy.forward(request, link.port, request.match_info["path"])
