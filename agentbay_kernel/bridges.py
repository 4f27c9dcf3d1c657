"""The bridge of the kernel's current session, and questions to its live namespace."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from agentbay_kernel.bridge.bridge import Bridge, Front
from agentbay_kernel.bridge.untrusted import passive
from agentbay_kernel.errors import KernelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentbay_kernel.events import Event
    from agentbay_kernel.session import Session

__all__ = ["Bridges", "Front"]

log = logging.getLogger("agentbay_kernel.bridge")

PROMPT = "[session] "


class Bridges:
    """Holds the one bridge of a place, which is made anew for another session.

    `is_taken` tells of a comm id that belongs to another place's session.
    """

    def __init__(
        self,
        front: Front,
        *,
        untrusted_output: bool,
        is_taken: Callable[[str], bool] = lambda comm_id: False,
    ) -> None:
        self._front = front
        self._is_taken = is_taken
        self._filtered = passive if untrusted_output else _unchanged
        self.current: Bridge | None = None
        self.is_asleep: Callable[[], bool] = lambda: False

    @property
    def is_ready(self) -> bool:
        """Whether an interpreter has taken the hooks."""
        return self.current is not None and self.current.hello is not None

    def of(self, session: Session) -> Bridge:
        """The bridge to a session, that of the former session closed."""
        if self.current is None or self.current.session is not session:
            self.leave()
            self.current = Bridge(session, self, self._filtered)
        return self.current

    def publish(self, parent: str, event: Event) -> None:
        """Publish an event of the session under an earlier request."""
        self._front.publish(parent, event)

    async def ask_user(self, prompt: str, *, password: bool) -> str:
        """The answer to a prompt of the session, marked as such."""
        return await self._front.ask_user(PROMPT + prompt, password=password)

    def is_local_comm(self, comm_id: str) -> bool:
        """Whether a comm is not the session's to speak on."""
        return self._front.is_local_comm(comm_id) or self._is_taken(comm_id)

    def leave(self) -> None:
        """The session is no longer the kernel's: its comms are closed."""
        bridge, self.current = self.current, None
        if bridge is not None:
            bridge.forget()

    async def expressions(self, texts: Mapping[str, str]) -> Mapping[str, Any]:
        """The values of user expressions after a cell of which nothing ran in the session."""
        return await self._asked("expressions", texts=dict(texts)) or {}

    async def complete(self, code: str, cursor: int, *, aside: bool) -> dict[str, Any] | None:
        """The content of a `complete_reply`, None where only this computer's names are known."""
        return await self._asked("complete", aside=aside, code=code, cursor=cursor)

    async def inspect(
        self, code: str, cursor: int, detail: int, *, aside: bool
    ) -> dict[str, Any] | None:
        """The content of an `inspect_reply`, None where only this computer's names are known."""
        return await self._asked("inspect", aside=aside, code=code, cursor=cursor, detail=detail)

    async def _asked(self, question: str, **arguments: Any) -> dict[str, Any] | None:
        """The session's answer; None without a session, or when it sleeps or does not answer."""
        if self.current is None or self.current.hello is None or self.is_asleep():
            return None
        try:
            found = await self.current.ask(question, **arguments)
        except KernelError as error:
            log.info("%s: %s", question, error)
            return None
        return found if isinstance(found, dict) else None


def _unchanged(event: Event) -> Event:
    return event
