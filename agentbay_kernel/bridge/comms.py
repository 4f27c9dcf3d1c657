"""Which comms live in the session, and what code there may do with comms."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agentbay_kernel.events import CommMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentbay_kernel.events import Event

log = logging.getLogger("agentbay_kernel.bridge")

MOST = 50_000
"""Comms of one interpreter; further ones do not reach the front end."""
LONGEST_NAME = 256
RESERVED = ("agentbay", "jupyter.widget.control")
"""Targets that the kernel itself speaks on; no session may open a comm to them."""


class Comms:
    """The open comms of one interpreter, and a filter of what it sends."""

    def __init__(self, is_local: Callable[[str], bool]) -> None:
        self._is_local = is_local
        self._targets: dict[str, str] = {}
        self._full = False

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
            return self._open(event.comm_id, event.target)
        if event.kind == "comm_close":
            # Also the answer to a comm that the front end opened and nobody there knows.
            self._targets.pop(event.comm_id, None)
            return True
        return event.comm_id in self._targets

    def _open(self, comm_id: str, target: str) -> bool:
        if target.partition(".")[0] == RESERVED[0] or target in RESERVED:
            return False
        if max(len(comm_id), len(target)) > LONGEST_NAME:
            return False
        if len(self._targets) >= MOST and comm_id not in self._targets:
            if not self._full:
                log.warning("the session has %s comms open; no further one is let through", MOST)
            self._full = True
            return False
        self._targets[comm_id] = target
        return True

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
