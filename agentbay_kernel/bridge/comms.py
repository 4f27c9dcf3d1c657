"""Which comms live in the session, and what code there may do with comms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentbay_kernel.events import CommMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentbay_kernel.events import Event

RESERVED = ("agentbay", "jupyter.widget.control")
"""Targets that the kernel itself speaks on; no session may open a comm to them."""


class Comms:
    """The open comms of one interpreter, and a filter of what it sends."""

    def __init__(self, is_local: Callable[[str], bool]) -> None:
        self._is_local = is_local
        self._targets: dict[str, str] = {}

    def __contains__(self, comm_id: str) -> bool:
        return comm_id in self._targets

    @property
    def open_ones(self) -> dict[str, str]:
        """Targets by comm id."""
        return dict(self._targets)

    def admit(self, event: Event) -> bool:
        """Whether an event from the session may pass; keeps the list of its comms."""
        if not isinstance(event, CommMessage):
            return True
        if self._is_local(event.comm_id):
            return False
        if event.kind == "comm_open":
            if event.target.split(".")[0] == RESERVED[0] or event.target in RESERVED:
                return False
            self._targets[event.comm_id] = event.target
            return True
        if event.kind == "comm_close":
            # Also the answer to a comm that the front end opened and nobody there knows.
            self._targets.pop(event.comm_id, None)
            return True
        return event.comm_id in self._targets

    def opened_by_front_end(self, comm_id: str, target: str) -> None:
        """The front end opened a comm to code in the session."""
        self._targets[comm_id] = target

    def closed_by_front_end(self, comm_id: str) -> None:
        """The front end closed one."""
        self._targets.pop(comm_id, None)

    def close_all(self) -> list[CommMessage]:
        """The interpreter is gone: what tells the front end that its comms are."""
        gone, self._targets = self._targets, {}
        return [CommMessage("comm_close", comm_id, {}) for comm_id in gone]
