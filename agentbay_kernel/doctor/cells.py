"""Cells of the check itself, run as a kernel runs a user's."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from agentbay_kernel import interpreter
from agentbay_kernel.bridge.bridge import Bridge
from agentbay_kernel.bridge.run import Cell
from agentbay_kernel.errors import BridgeError

if TYPE_CHECKING:
    from agentbay_kernel.bridge.messages import Reply
    from agentbay_kernel.events import Emit, Event
    from agentbay_kernel.session import Session

CELL_SECONDS = 150.0


class _NoFront:
    """A front end that shows nothing and answers nothing."""

    def publish(self, parent: str, event: Event) -> None:
        """Drop it."""

    async def ask_user(self, prompt: str, *, password: bool) -> str:
        """Refuse."""
        raise BridgeError("Nobody is there to be asked")

    def is_local_comm(self, comm_id: str) -> bool:
        """None is."""
        return False


class Cells:
    """The interpreter of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._bridge = Bridge(session, _NoFront())
        self._count = 0

    @property
    def plain_because(self) -> str:
        """Why the interpreter has no hooks, empty when it has them."""
        return "" if self._bridge.hello is not None else self._bridge.plain_because or "no reason"

    @property
    def facts(self) -> dict[str, str]:
        """What stands between here and the interpreter."""
        return self._bridge.facts

    @property
    def begun(self) -> bool:
        """Whether the interpreter says that it has begun with the running cell."""
        return bool(self._bridge.has_begun())

    async def run(self, code: str, emit: Emit) -> Reply:
        """Run a cell."""
        self._count += 1
        name = f"doctor-{self._count}-{secrets.token_hex(4)}"
        cell = Cell(code, request=name, count=self._count)
        return await self._bridge.run(cell, emit, timeout=CELL_SECONDS)

    async def inspect(self, name: str) -> dict[str, Any]:
        """What the interpreter knows of a name, asked beside its cells."""
        found = await self._bridge.ask("inspect", code=name, cursor=len(name), detail=0)
        return found if isinstance(found, dict) else {}

    async def interrupt(self) -> str:
        """Stop the running cell, and tell by which way."""
        if await self._bridge.interrupt():
            return "the control channel"
        await interpreter.signal(self._session, "INT")
        return "the shell tool"

    async def close(self) -> None:
        """Let the control channel go."""
        await self._bridge.close()
