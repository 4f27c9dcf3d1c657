"""The AGB provider: the same as AgentBay's, through the SDK of its sibling."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from typing import TYPE_CHECKING, Any

from agentbay_kernel import credentials
from agentbay_kernel.errors import SessionGone
from agentbay_kernel.providers._agb_gateway import Connections, keep_connection
from agentbay_kernel.providers._agb_sdk import LIBRARY, AgbWords, image_name, installed, part
from agentbay_kernel.providers._agb_session import AgbClient, AgbSession
from agentbay_kernel.providers._gateway import current
from agentbay_kernel.providers._provider import SdkProvider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.session import SessionSpec

ENDPOINT = "sdk-api.agb.cloud"
TIMEOUT_MS = 60_000


class AgbProvider(SdkProvider):
    """Sessions of one account at one endpoint; the SDK's blocking `AGB` runs in threads."""

    name = "agb"
    vendor = AgbWords()

    def __init__(self, key: str, *, endpoint: str = "", stream: bool = True) -> None:
        super().__init__(key, endpoint or ENDPOINT, stream=stream)
        self._connections = Connections(self.endpoint)

    @classmethod
    def of(cls, options: AgentBayOptions) -> AgbProvider:
        """The provider that the options, the environment and a login lead to."""
        return cls.by_key(credentials.find(cls.vendor.key_variable).key, options)

    @classmethod
    def by_key(cls, key: str, options: AgentBayOptions) -> AgbProvider:
        """The same with a key that is not stored yet."""
        endpoint = os.environ.get("AGB_ENDPOINT", "").strip()
        return cls(key, endpoint=endpoint, stream=options.stream)

    @staticmethod
    def preload() -> None:
        """Import the SDK in the background, where the extra is there."""
        if installed():
            LIBRARY.preload()

    def at_hand(self) -> bool:
        """Whether `create` has nothing to import first."""
        return LIBRARY.loaded()

    async def vendor_session(self, session_id: str) -> Any:
        """The SDK's own `Session`, which owes nothing to this object but its connections."""
        return await asyncio.to_thread(self._vendor_session, session_id)

    def _vendor_session(self, session_id: str) -> Any:
        result = self._account().get(session_id)
        if not result.success:
            raise SessionGone(f"Session {session_id} was not found")
        return keep_connection(result.session)

    async def close(self) -> None:
        """Close connections; sessions stay."""
        await super().close()
        self._connections.close()

    async def connect(self) -> Any:
        """The SDK's client for the account, under the gateway's watch."""
        return AgbClient(await asyncio.to_thread(self._account))

    def _account(self) -> Any:
        # A Config keeps the SDK from reading a `.env` file into the environment.
        config = part("config").Config(endpoint=self.endpoint, timeout_ms=TIMEOUT_MS)
        account = part("agb").AGB(api_key=self._key, cfg=config)
        self._connections.guard(account.client)
        return account

    def handle(self, client: Any, session_id: str) -> Any:
        """The SDK's object for a session, without asking for it."""
        return AgbSession(part("session").Session(client.raw, session_id))

    def guard(self, sdk: Any) -> None:
        """Nothing: a session's connections are under watch from the first."""

    async def ask_create(
        self, client: Any, spec: SessionSpec, syncs: Sequence[Any], idle: int, limit: int
    ) -> Any:
        """Ask for a session with an idle time, which AGB counts in seconds."""
        times = {"idle_release_timeout": idle * 60} if self.takes_idle() else {}
        params = part("session_params").CreateSessionParams(
            labels=dict(spec.labels) or None,
            image_id=image_name(spec.image or ""),
            context_syncs=[*syncs] or None,
            **times,
        )
        return await client.create(params)

    def takes_idle(self) -> bool:
        """Whether this version of the SDK takes an idle time, as from 0.11."""
        kind = part("session_params").CreateSessionParams
        return "idle_release_timeout" in inspect.signature(kind).parameters

    async def ask_list(
        self, client: Any, labels: Mapping[str, str], status: str | None, limit: int, token: str
    ) -> Any:
        """Ask for a page of sessions, of which a state is chosen here."""
        request = part("api.models").ListSessionRequest(
            authorization=f"Bearer {self._key}",
            labels=json.dumps(labels),
            max_results=limit,
            next_token=token or None,
        )
        result = await client.ask_list(request)
        trace = current()
        body = trace.bodies.get("ListSession") if trace and status else None
        if body is not None:
            rows = body.get("Data") or []
            body["Data"] = [row for row in rows if _state(row) in ("", status)]
            body.pop("TotalCount", None)
        return result


def _state(row: Mapping[str, Any]) -> str:
    return str(row.get("SessionStatus") or "").upper()
