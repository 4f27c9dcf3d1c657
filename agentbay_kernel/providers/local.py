"""The local provider: the same SDK, pointed at the service on this computer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import ServiceError, SessionGone
from agentbay_kernel.providers._agentbay_sdk import LIBRARY
from agentbay_kernel.providers._calls import Caller
from agentbay_kernel.providers.agentbay import AgentBayProvider
from agentbay_kernel.service import runtime
from agentbay_kernel.session import SessionPage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.providers._session import SdkSession
    from agentbay_kernel.session import SessionSpec
    from agentbay_kernel.tools import ToolInfo

log = logging.getLogger("agentbay_kernel.providers")


class LocalProvider(AgentBayProvider):
    """Sessions of the local service, which `create` starts when it does not run."""

    name = "local"

    def __init__(self, options: AgentBayOptions) -> None:
        self._options = options
        super().__init__("", stream=options.stream)
        self._follow(runtime.read())

    @classmethod
    def of(cls, options: AgentBayOptions) -> LocalProvider:
        """The provider of these options."""
        return cls(options)

    async def create(self, spec: SessionSpec) -> SdkSession:
        """Make a session, in a service that is started for it if need be."""
        await self._start()
        try:
            return await super().create(spec)
        except SessionGone:
            # It had lingered long enough while the SDK was imported; nothing in it outlives it.
            await self._start()
            return await super().create(spec)

    async def tools(self, image: str) -> Sequence[ToolInfo]:
        """The tools of an image; the service, which knows them, is started if need be."""
        await self._start()
        return await super().tools(image)

    async def reach(self) -> Any:
        """The SDK's client; the service is started if need be."""
        await self._start()
        return await self.client()

    async def _start(self) -> None:
        if not LIBRARY.loaded():
            LIBRARY.preload()  # while the service starts
        try:
            address = await runtime.aensure(**self._options.of_service())
        except runtime.NotStarted as error:
            raise ServiceError(str(error)) from error
        if address.engine != self._options.engine:
            log.warning("the local service runs already, with engine = %s", address.engine)
        self._follow(address)

    def at_hand(self) -> bool:
        """Whether `create` has nothing to import or to start first."""
        return super().at_hand() and runtime.read() is not None

    async def get(self, session_id: str) -> SdkSession:
        """The live session of that id; none is alive without a service."""
        if self._follow(runtime.read()):
            return await super().get(session_id)
        raise SessionGone(f"Session {session_id} was not found: the local service does not run")

    async def list(self, labels: Mapping[str, str], **options: Any) -> SessionPage:
        """One page of the sessions that have all of `labels`."""
        if self._follow(runtime.read()):
            return await super().list(labels, **options)
        return SessionPage([], total=0)

    async def delete(self, session_id: str, *, sync: bool = False) -> None:
        """End a session by id."""
        if not self._follow(runtime.read()):
            raise SessionGone(f"Session {session_id} ended with the local service")
        await super().delete(session_id, sync=sync)

    def _follow(self, address: runtime.ServiceAddress | None) -> bool:
        """Turn to the service that runs now; whether one does."""
        url, key = (address.api_url, address.key) if address is not None else ("", "")
        if (url, key) != (self.endpoint, self._key):
            self.endpoint, self._key, self._client = url, key, None
            self._caller = Caller(self.vendor.key_variable)
            # What was in a service that has ended is gone, not merely out of reach.
            self._caller.ended = lambda: own_address() != url
        return address is not None


def own_engine() -> str:
    """The engine of the running local service, empty when none runs."""
    address = runtime.read()
    return address.engine if address is not None else ""


def own_address() -> str:
    """The endpoint of the running local service, empty when none runs."""
    address = runtime.read()
    return address.api_url if address is not None else ""
