"""Links to ports of sessions: who may have one, and which session a link belongs to."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentbay_kernel.service import ports
from agentbay_kernel.service.errors import ApiError
from agentbay_kernel.service.port import SandboxGone
from agentbay_kernel.service.state import Session, Status

if TYPE_CHECKING:
    from agentbay_kernel.service.host import Host

FIRST, LAST = 30100, 30199
BROWSER_IMAGE = "browser_latest"
CDP_PORT = 9222
"""Where a browser is told what to do; a link without a port leads there."""


@dataclass(frozen=True, slots=True)
class Link:
    """A port of a session under a path that nobody can guess."""

    token: str
    session: Session
    port: int


class Links:
    """The links of all sessions; they end with theirs."""

    def __init__(self, host: Host, browser_url: str) -> None:
        self._host = host
        self._browser_url = browser_url
        self._by_port: dict[tuple[str, int], Link] = {}
        self._by_token: dict[str, Link] = {}
        host.on_end.append(self._drop)

    async def url(self, session: Session, protocol: str, port: str) -> str:
        """The link for a port; the refusals are the vendor's where they are known."""
        if protocol == "http":
            raise ApiError("InvalidParameter.ProtocolType", "http not supported")
        if protocol not in ("", "https", "wss"):
            raise ApiError("InvalidParameter.ProtocolType", f"{protocol} not supported")
        if not port:
            return self._browsers(session)
        if not port.isdecimal() or not FIRST <= int(port) <= LAST:
            raise ApiError(
                "InvalidParameter.Port",
                f"Invalid port value: {port}. "
                f"Port must be an integer in the range [{FIRST}, {LAST}].",
            )
        await self._refuse_taken(session, int(port))
        link = self._link(session, int(port))
        if protocol == "https":
            return f"{self._browser_url}/request_ai/{link.token}/path/"
        return self._socket(link)

    def _browsers(self, session: Session) -> str:
        """The link for what tells a browser what to do."""
        if session.image != BROWSER_IMAGE:
            raise ApiError("InvalidParameter.Port", "only BrowserUse image support cdp")
        return self._socket(self._link(session, CDP_PORT))

    def _socket(self, link: Link) -> str:
        return f"{self._browser_url.replace('http', 'ws', 1)}/websocket_ai/{link.token}/"

    def find(self, token: str) -> Link | None:
        """The link of a path."""
        return self._by_token.get(token)

    async def serves(self, link: Link) -> bool:
        """Whether a process of the link's own session listens on its port now."""
        return link.session.status is Status.RUNNING and await self._holds(link.session, link.port)

    def _link(self, session: Session, port: int) -> Link:
        link = self._by_port.get((session.id, port))
        if link is None:
            link = Link(secrets.token_urlsafe(24), session, port)
            self._by_port[session.id, port] = link
            self._by_token[link.token] = link
        return link

    async def _refuse_taken(self, session: Session, port: int) -> None:
        """Sessions share the computer's ports, so that two cannot listen on the same one."""
        if await self._holds(session, port):
            return
        for other in self._host.sessions:
            if other is not session and await self._holds(other, port):
                raise ApiError(
                    "InvalidParameter.PortInUse",
                    f"Port {port} is in use by session {other.id}: choose another port "
                    f"from {FIRST} to {LAST}",
                )

    async def _holds(self, session: Session, port: int) -> bool:
        if session.box is None:
            return False
        try:
            pids = session.box.pids()
        except SandboxGone:
            return False
        return await asyncio.to_thread(lambda: ports.held_by(ports.listening(port), pids))

    def _drop(self, session: Session) -> None:
        for key in [key for key in self._by_port if key[0] == session.id]:
            del self._by_token[self._by_port.pop(key).token]
