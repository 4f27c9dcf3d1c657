"""A session's groups of calls, each from a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from agentbay_kernel import syncing
from agentbay_kernel.providers._files import ToolFiles
from agentbay_kernel.providers._machine import SessionMachine, delete
from agentbay_kernel.providers._mounts import SdkMounts
from agentbay_kernel.providers._tools import SessionTools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentbay_kernel.contexts import Mounts
    from agentbay_kernel.providers._calls import Caller
    from agentbay_kernel.providers._mounts import Ask
    from agentbay_kernel.providers._session import SdkSession
    from agentbay_kernel.session import ContextState, Files, Machine
    from agentbay_kernel.tools import Tools

__all__ = ["Groups", "delete"]


class Groups:
    """What every session has of them."""

    def __init__(self, session: SdkSession, caller: Caller, ask: Ask) -> None:
        self.files: Files = ToolFiles(session)
        self.tools: Tools = SessionTools(session, caller)
        self.machine: Machine = SessionMachine(session, caller)
        self._mounts = SdkMounts(session, caller, ask)
        self.mounts: Mounts = self._mounts
        self.remember = self._mounts.remember

    async def contexts(self) -> Sequence[ContextState]:
        """The last transfers of the contexts bound to this session."""
        return await self.mounts.states()

    async def sync(self, direction: Literal["upload", "download"] = "upload") -> None:
        """Transfer all contexts and wait until each has ended."""
        await syncing.transfer(self.mounts, direction)
