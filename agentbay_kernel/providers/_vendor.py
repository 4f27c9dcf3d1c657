"""What the common code asks of the file that knows one SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from agentbay_kernel.session import Capabilities


class Vendor(Protocol):
    """One SDK's own words.

    Its clients and sessions have the methods of AgentBay's asynchronous ones, by nature or by an
    adapter, so far as the capabilities go.
    """

    name: str
    key_variable: str
    tools_image: str
    """Whose tools are listed when no image is named."""
    capabilities: Capabilities

    def words(self) -> Any:
        """The SDK's classes for a mount and its policy."""

    def context_page(self, limit: int, token: str) -> Any:
        """The SDK's wish for one page of contexts."""

    async def list_tools(self, sdk: Any, image: str) -> Any:
        """Ask for an image's tools through a session object, for the trace to see the answer."""
