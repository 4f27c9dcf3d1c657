"""What every provider does that reaches its sessions through an SDK."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import re
import weakref
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import KeyMissing, ProviderError, SessionGone, Unreachable
from agentbay_kernel.providers._calls import Caller
from agentbay_kernel.providers._contexts import SdkContexts
from agentbay_kernel.providers._gateway import watch
from agentbay_kernel.providers._mounts import context_sync
from agentbay_kernel.providers._session import SdkSession
from agentbay_kernel.providers._tools import of_image
from agentbay_kernel.session import SessionPage, SessionSpec, SessionSummary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentbay_kernel.contexts import Contexts
    from agentbay_kernel.providers._gateway import Trace
    from agentbay_kernel.providers._vendor import Vendor
    from agentbay_kernel.session import Capabilities
    from agentbay_kernel.tools import ToolInfo

log = logging.getLogger("agentbay_kernel.providers")

ID_LABEL = "agentbay-kernel.id"
# A refusal of the times that were asked for, not of the account's number of sessions.
TIMES = re.compile(r"timeout|max.?runtime|lifecycle|idle", re.I)
HALVINGS = 5


class SdkProvider:
    """Sessions of one account at one endpoint; drives the SDK's client on the running loop.

    A subclass knows the SDK: it makes the client and the requests that are the SDK's own.
    """

    name = ""
    vendor: Vendor

    def __init__(self, key: str, endpoint: str, *, stream: bool = True) -> None:
        self.endpoint = endpoint
        self._key = key
        self._stream = stream
        self._client: Any = None
        self._lock = asyncio.Lock()
        self._caller = Caller(self.vendor.key_variable)
        self.contexts: Contexts = SdkContexts(self)
        self._unanswered: set[str] = set()
        self._sessions: weakref.WeakSet[SdkSession] = weakref.WeakSet()

    @property
    def capabilities(self) -> Capabilities:
        """What the provider's sessions can at best."""
        return self.vendor.capabilities

    def fingerprint(self, salt: bytes) -> str:
        """A salted hash of the key."""
        return hmac.new(salt, self._key.encode(), hashlib.sha256).hexdigest()

    async def create(self, spec: SessionSpec) -> SdkSession:
        """Make a session; after an unanswered request the one it may have made is looked for."""
        client = await self.client()
        own = spec.labels.get(ID_LABEL, "")
        if own in self._unanswered and (found := await self._find(own)):
            return found
        syncs = await self._context_syncs(client, spec)
        try:
            session = await self._create(client, spec, syncs)
        except (Unreachable, asyncio.CancelledError) as error:
            self._unanswered.add(own)
            if isinstance(error, Unreachable) and (found := await self._recover(own, error)):
                return found
            raise
        self._unanswered.discard(own)
        return session

    async def get(self, session_id: str) -> SdkSession:
        """The live session of that id."""
        client = await self.client()
        (result, trace), image = await asyncio.gather(
            self._caller.ask(f"Session {session_id} was not found", lambda: client.get(session_id)),
            self._image(client, session_id),
        )
        data = (trace.bodies.get("GetSession") or {}).get("Data") or {}
        status = str(data.get("Status") or "").upper()
        if status in ("FINISH", "DELETED", "DELETING"):
            raise SessionGone(f"Session {session_id} has ended ({status})")
        session = self._adopt(result.session, str(data.get("ImageId") or image), data)
        if status in ("PAUSING", "PAUSED"):
            await session.machine.resume()
        return session

    async def _image(self, client: Any, session_id: str) -> str:
        """The image of a session, which GetSession does not tell; empty when nobody does."""
        sdk = self.handle(client, session_id)
        with watch() as trace, contextlib.suppress(Exception):
            await sdk.get_status()
        known = (trace.bodies.get("GetSessionDetail") or {}).get("Data") or {}
        return str(known.get("ImageId") or "")

    async def tools(self, image: str) -> Sequence[ToolInfo]:
        """The tools of an image."""
        sdk = self.handle(await self.client(), "")
        return await of_image(self.vendor, sdk, self._caller, image)

    async def list(
        self,
        labels: Mapping[str, str],
        *,
        status: str | None = None,
        limit: int = 10,
        token: str = "",
    ) -> SessionPage:
        """One page of the sessions that have all of `labels`."""
        client = await self.client()
        wanted = status.upper() if status else None
        _, trace = await self._caller.ask(
            "The sessions were not listed",
            lambda: self.ask_list(client, dict(labels), wanted, limit, token),
        )
        return _page(trace.bodies.get("ListSession") or {})

    async def delete(self, session_id: str, *, sync: bool = False) -> None:
        """End a session by id, in one request unless its contexts are to be uploaded."""
        client = await self.client()
        session = SdkSession(self.handle(client, session_id), self._caller, self.vendor)
        if sync:
            await session.sync("upload")
        await session.end(f"Session {session_id} was not deleted")

    async def close(self) -> None:
        """Close connections; sessions stay."""
        for session in list(self._sessions):
            await session.release()
        self._client = None

    @property
    def caller(self) -> Caller:
        """Asks the SDK and knows the account's secrets."""
        return self._caller

    async def reach(self) -> Any:
        """The SDK's client, of a service that runs."""
        return await self.client()

    async def client(self) -> Any:
        """The SDK's client, made on first use."""
        async with self._lock:
            if self._client is None:
                self._client = await self._connect()
            return self._client

    async def _connect(self) -> Any:
        if not self._key:
            raise KeyMissing(
                f"No {self.vendor.name} API key is set",
                next_step=f"Type %agentbay login --provider {self.name}, or set "
                f"{self.vendor.key_variable} before the kernel starts, or use provider = local",
            )
        self._caller.secrets.add(self._key)
        return await self.connect()

    async def connect(self) -> Any:
        """The SDK's client for the account, under the gateway's watch."""
        raise NotImplementedError

    def guard(self, sdk: Any) -> None:
        """Put the connections of a session under watch."""
        raise NotImplementedError

    async def vendor_session(self, session_id: str) -> Any:
        """The SDK's own object of a session, whose functions block; it owes nothing to this."""
        raise NotImplementedError

    def handle(self, client: Any, session_id: str) -> Any:
        """The SDK's object for a session, without asking for it."""
        raise NotImplementedError

    async def ask_create(
        self, client: Any, spec: SessionSpec, syncs: Sequence[Any], idle: int, limit: int
    ) -> Any:
        """Ask for a session with these times in minutes."""
        raise NotImplementedError

    def takes_idle(self) -> bool:
        """Whether the idle time that is asked for is taken."""
        return True

    async def ask_list(
        self, client: Any, labels: Mapping[str, str], status: str | None, limit: int, token: str
    ) -> Any:
        """Ask for a page of sessions."""
        raise NotImplementedError

    async def _create(self, client: Any, spec: SessionSpec, syncs: Sequence[Any]) -> SdkSession:
        idle, limit = spec.idle_minutes, spec.max_minutes
        for attempt in range(HALVINGS + 1):
            with watch() as trace:
                result = await self.ask_create(client, spec, syncs, min(idle, limit), limit)
            if result.success:
                body = trace.bodies.get("CreateMcpSession") or {}
                session = self._adopt(result.session, spec.image or "", body.get("Data") or {})
                session.idle_minutes = min(idle, limit) if self.takes_idle() else None
                session.remember(spec.mounts, syncs)
                session.max_minutes = limit if self.vendor.capabilities.lifetime else None
                return session
            if attempt == HALVINGS or not _times_refused(trace):
                text = result.error_message or "no reason given"
                raise self._caller.error("No session was created", trace, text)
            idle, limit = max(idle // 2, 1), max(limit // 2, 1)
            log.warning("the provider refused the session's times; trying %d and %d", idle, limit)
        raise AssertionError("unreachable")

    async def _context_syncs(self, client: Any, spec: SessionSpec) -> Sequence[Any]:
        return [
            await context_sync(self._caller, self.vendor, client, mount) for mount in spec.mounts
        ]

    async def _recover(self, own: str, error: Unreachable) -> SdkSession | None:
        """The session that an unanswered request made after all."""
        if not own:
            return None
        try:
            return await self._find(own)
        except ProviderError:
            raise error from None

    async def _find(self, own: str) -> SdkSession | None:
        page = await self.list({ID_LABEL: own}, limit=1)
        self._unanswered.discard(own)
        return await self.get(page.sessions[0].session_id) if page.sessions else None

    def _adopt(self, sdk: Any, image: str, data: Mapping[str, Any]) -> SdkSession:
        self.guard(sdk)
        if token := getattr(sdk, "token", ""):
            self._caller.secrets.add(str(token))
        session = SdkSession(sdk, self._caller, self.vendor, image=image, stream=self._stream)
        session.isolation = str(data.get("Isolation") or "")  # of the local service only
        session.facts = dict(data)
        self._sessions.add(session)
        return session


def _times_refused(trace: Trace) -> bool:
    failure = trace.failure
    if failure is None or not 200 <= failure.status < 500:
        return False
    return bool(TIMES.search(f"{failure.code} {failure.message}"))


def _page(body: Mapping[str, Any]) -> SessionPage:
    rows = body.get("Data")
    sessions = [
        SessionSummary(
            session_id=str(row["SessionId"]),
            status=str(row.get("SessionStatus") or "").upper(),
            image=str(row.get("ImageId") or ""),
        )
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and row.get("SessionId")
    ]
    total = body.get("TotalCount")
    return SessionPage(
        sessions,
        next_token=str(body.get("NextToken") or ""),
        total=int(total) if total is not None else None,
    )
