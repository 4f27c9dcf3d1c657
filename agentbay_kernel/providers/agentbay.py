"""The AgentBay provider: creates, finds and ends sessions through the vendor's SDK."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from agentbay_kernel import credentials
from agentbay_kernel.providers._agentbay_gateway import guard_client, guard_session
from agentbay_kernel.providers._agentbay_sdk import LIBRARY, AgentBayWords, sync_session
from agentbay_kernel.providers._gateway import is_local
from agentbay_kernel.providers._provider import SdkProvider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.session import SessionSpec

DEFAULT_REGION = "cn-hangzhou"


class AgentBayProvider(SdkProvider):
    """Sessions of one account at one endpoint; drives `AsyncAgentBay` on the running loop."""

    name = "agentbay"
    vendor = AgentBayWords()

    def __init__(
        self, key: str, *, region: str = "", endpoint: str = "", stream: bool = True
    ) -> None:
        self.region = region
        # As in the SDK, a region has precedence over an endpoint.
        default = f"agentbay.{region or DEFAULT_REGION}.aliyuncs.com"
        super().__init__(key, default if region or not endpoint else endpoint, stream=stream)

    @classmethod
    def of(cls, options: AgentBayOptions) -> AgentBayProvider:
        """The provider that the options, the environment and a login lead to."""
        return cls.by_key(credentials.find(cls.vendor.key_variable).key, options)

    @classmethod
    def by_key(cls, key: str, options: AgentBayOptions) -> AgentBayProvider:
        """The same with a key that is not stored yet."""
        return cls(key, region=options.region, endpoint=options.endpoint, stream=options.stream)

    @staticmethod
    def preload() -> None:
        """Import the SDK in the background."""
        LIBRARY.preload()

    def at_hand(self) -> bool:
        """Whether `create` has nothing to import first."""
        return LIBRARY.loaded()

    async def vendor_session(self, session_id: str) -> Any:
        """The SDK's sync `Session`, which owes nothing to this object."""
        place = self._key, self.region, self.endpoint, session_id
        local = is_local(self.endpoint)
        return await asyncio.to_thread(sync_session, *place, local=local)

    async def connect(self) -> Any:
        """The SDK's client for the account, under the gateway's watch."""
        if not LIBRARY.loaded():
            await asyncio.to_thread(LIBRARY.load)
        sdk = LIBRARY.load()
        # Any Config keeps the SDK from reading `.env` files into the environment; an endpoint
        # given to its constructor would only add a DeprecationWarning.
        config = sdk.Config(region_id=self.region or None)
        config.endpoint = None if self.region else self.endpoint
        client = sdk.AsyncAgentBay(api_key=self._key, cfg=config)
        guard_client(client.client, self.endpoint)
        return client

    def handle(self, client: Any, session_id: str) -> Any:
        """The SDK's object for a session, without asking for it."""
        return LIBRARY.load().AsyncSession(client, session_id)

    def guard(self, sdk: Any) -> None:
        """Put the connections of a session under watch."""
        guard_session(sdk)

    async def ask_create(
        self, client: Any, spec: SessionSpec, syncs: Sequence[Any], idle: int, limit: int
    ) -> Any:
        """Ask for a session with these times in minutes."""
        sdk = LIBRARY.load()
        params = sdk.CreateSessionParams(
            labels=dict(spec.labels) or None,
            image_id=spec.image,
            context_syncs=[*syncs] or None,
            lifecycle_policy=sdk.LifecyclePolicy(idle_release_timeout=idle, max_runtime=limit),
        )
        return await client.create(params)

    async def ask_list(
        self, client: Any, labels: Mapping[str, str], status: str | None, limit: int, token: str
    ) -> Any:
        """Ask for a page of sessions."""
        models: Any = __import__("agentbay.api.models", fromlist=["ListSessionRequest"])
        # The SDK's own `list` walks the pages from the first and cannot go on from a token.
        request = models.ListSessionRequest(
            authorization=f"Bearer {self._key}",
            labels=json.dumps(labels),
            max_results=limit,
            next_token=token or None,
            status=status,
        )
        return await client.client.list_session_async(request)
