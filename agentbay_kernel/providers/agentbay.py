"""The AgentBay provider: creates, finds and ends sessions through the vendor's SDK."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
import weakref
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import KeyMissing, ProviderError, SessionGone, Unreachable
from agentbay_kernel.providers import _containment
from agentbay_kernel.providers._calls import Caller
from agentbay_kernel.providers._contexts import SdkContexts
from agentbay_kernel.providers._gateway import guard_client, guard_session, is_local, watch
from agentbay_kernel.providers._mounts import context_sync
from agentbay_kernel.providers._session import AgentBaySession
from agentbay_kernel.session import SessionPage, SessionSpec, SessionSummary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentbay_kernel.contexts import Contexts
    from agentbay_kernel.providers._gateway import Trace
    from agentbay_kernel.session import ToolInfo

log = logging.getLogger("agentbay_kernel.providers")

ID_LABEL = "agentbay-kernel.id"
DEFAULT_REGION = "cn-hangzhou"
# A refusal of the times that were asked for, not of the account's number of sessions.
TIMES = re.compile(r"timeout|max.?runtime|lifecycle|idle", re.I)
HALVINGS = 5


class AgentBayProvider:
    """Sessions of one account at one endpoint; drives `AsyncAgentBay` on the running loop."""

    name = "agentbay"

    def __init__(
        self, key: str, *, region: str = "", endpoint: str = "", stream: bool = True
    ) -> None:
        self.region = region
        # As in the SDK, a region has precedence over an endpoint.
        default = f"agentbay.{region or DEFAULT_REGION}.aliyuncs.com"
        self.endpoint = default if region or not endpoint else endpoint
        self._key = key
        self._stream = stream
        self._client: Any = None
        self._lock = asyncio.Lock()
        self._caller = Caller()
        self.contexts: Contexts = SdkContexts(self)
        self._unanswered: set[str] = set()
        self._sessions: weakref.WeakSet[AgentBaySession] = weakref.WeakSet()

    def fingerprint(self, salt: bytes) -> str:
        """A salted hash of the key."""
        return hmac.new(salt, self._key.encode(), hashlib.sha256).hexdigest()

    def at_hand(self) -> bool:
        """Whether `create` has nothing to import first."""
        return _containment.loaded()

    async def create(self, spec: SessionSpec) -> AgentBaySession:
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

    async def get(self, session_id: str) -> AgentBaySession:
        """The live session of that id."""
        client = await self.client()
        result, trace = await self._caller.ask(
            f"Session {session_id} was not found", lambda: client.get(session_id)
        )
        data = (trace.bodies.get("GetSession") or {}).get("Data") or {}
        status = str(data.get("Status") or "").upper()
        if status in ("FINISH", "DELETED", "DELETING"):
            raise SessionGone(f"Session {session_id} has ended ({status})")
        session = self._adopt(result.session, str(data.get("ImageId") or ""), data)
        if status in ("PAUSING", "PAUSED"):
            await session.machine.resume()
        return session

    async def tools(self, image: str) -> Sequence[ToolInfo]:
        """The tools of an image."""
        sdk = _containment.load().AsyncSession(await self.client(), "")
        return await AgentBaySession(sdk, self._caller, image=image).tools.list()

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
        models: Any = __import__("agentbay.api.models", fromlist=["ListSessionRequest"])
        # The SDK's own `list` walks the pages from the first and cannot go on from a token.
        request = models.ListSessionRequest(
            authorization=f"Bearer {self._key}",
            labels=json.dumps(dict(labels)),
            max_results=limit,
            next_token=token or None,
            status=status.upper() if status else None,
        )
        _, trace = await self._caller.ask(
            "The sessions were not listed", lambda: client.client.list_session_async(request)
        )
        return _page(trace.bodies.get("ListSession") or {})

    async def delete(self, session_id: str, *, sync: bool = False) -> None:
        """End a session by id, in one request unless its contexts are to be uploaded."""
        client = await self.client()
        sdk = _containment.load().AsyncSession(client, session_id)
        session = AgentBaySession(sdk, self._caller)
        if sync:
            await session.sync("upload")
        await session.end(f"Session {session_id} was not deleted")

    async def vendor_session(self, session_id: str) -> Any:
        """The SDK's sync `Session`, which owes nothing to this object."""
        place = self._key, self.region, self.endpoint, session_id
        local = is_local(self.endpoint)
        return await asyncio.to_thread(_containment.sync_session, *place, local=local)

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
            raise KeyMissing("No AgentBay API key is set")
        if not _containment.loaded():
            await asyncio.to_thread(_containment.load)
        sdk = _containment.load()
        self._caller.secrets.add(self._key)
        # Any Config keeps the SDK from reading `.env` files into the environment; an endpoint
        # given to its constructor would only add a DeprecationWarning.
        config = sdk.Config(region_id=self.region or None)
        config.endpoint = None if self.region else self.endpoint
        client = sdk.AsyncAgentBay(api_key=self._key, cfg=config)
        guard_client(client.client, self.endpoint)
        return client

    async def _create(
        self, client: Any, spec: SessionSpec, syncs: Sequence[Any]
    ) -> AgentBaySession:
        sdk = _containment.load()
        idle, limit = spec.idle_minutes, spec.max_minutes
        for attempt in range(HALVINGS + 1):
            params = sdk.CreateSessionParams(
                labels=dict(spec.labels) or None,
                image_id=spec.image,
                context_syncs=[*syncs] or None,
                lifecycle_policy=sdk.LifecyclePolicy(
                    idle_release_timeout=min(idle, limit), max_runtime=limit
                ),
            )
            with watch() as trace:
                result = await client.create(params)
            if result.success:
                body = trace.bodies.get("CreateMcpSession") or {}
                session = self._adopt(result.session, spec.image or "", body.get("Data") or {})
                session.idle_minutes, session.max_minutes = min(idle, limit), limit
                return session
            if attempt == HALVINGS or not _times_refused(trace):
                text = result.error_message or "no reason given"
                raise self._caller.error("No session was created", trace, text)
            idle, limit = max(idle // 2, 1), max(limit // 2, 1)
            log.warning("the provider refused the session's times; trying %d and %d", idle, limit)
        raise AssertionError("unreachable")

    async def _context_syncs(self, client: Any, spec: SessionSpec) -> Sequence[Any]:
        return [await context_sync(self._caller, client, mount) for mount in spec.mounts]

    async def _recover(self, own: str, error: Unreachable) -> AgentBaySession | None:
        """The session that an unanswered request made after all."""
        if not own:
            return None
        try:
            return await self._find(own)
        except ProviderError:
            raise error from None

    async def _find(self, own: str) -> AgentBaySession | None:
        page = await self.list({ID_LABEL: own}, limit=1)
        self._unanswered.discard(own)
        return await self.get(page.sessions[0].session_id) if page.sessions else None

    def _adopt(self, sdk: Any, image: str, data: Mapping[str, Any]) -> AgentBaySession:
        guard_session(sdk)
        if token := getattr(sdk, "token", ""):
            self._caller.secrets.add(str(token))
        session = AgentBaySession(sdk, self._caller, image=image, stream=self._stream)
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
