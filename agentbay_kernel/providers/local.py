"""The local provider: the same SDK, pointed at the service on this computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentbay_kernel.providers.agentbay import AgentBayProvider
from agentbay_kernel.service import runtime

if TYPE_CHECKING:
    from agentbay_kernel.config import AgentBayOptions


class LocalProvider(AgentBayProvider):
    """Sessions of the local service, which is started when it does not run."""

    name = "local"

    def __init__(self, options: AgentBayOptions) -> None:
        self._options = options
        address = runtime.ensure(options)
        super().__init__(address.key, endpoint=address.url, stream=options.stream)


def own_address() -> str:
    """The endpoint of the running local service, empty when none runs."""
    address = runtime.find()
    return address.url if address is not None else ""
