"""Which subshell of the kernel answers a comm that lives in the session.

ipykernel leads a comm's messages to the shell on which the comm last spoke, so that a callback
waits for the cell that made it. It asks its comm manager, which knows its own comms only.
"""

from __future__ import annotations

from typing import Any


class Route:
    """Stands for a comm of the session where ipykernel asks for one."""

    def __init__(self, subshell: str | None) -> None:
        self._subshell = subshell

    def _reply_subshell_for(self, _data: Any, _default: str | None) -> str | None:
        return self._subshell


class CommRoutes:
    """The routes of all comms of the session; `manager` is ipykernel's."""

    def __init__(self, manager: Any) -> None:
        self._routes: dict[str, Route] = {}
        known = manager.get_comm

        def get_comm(comm_id: str) -> Any:
            return self._routes.get(comm_id) or known(comm_id)

        manager.get_comm = get_comm

    def note(self, kind: str, comm_id: str, parent: dict[str, Any]) -> None:
        """A comm spoke, or was spoken to for the first time, under a request."""
        if kind == "comm_close":
            self._routes.pop(comm_id, None)
        else:
            self._routes[comm_id] = Route(parent.get("header", {}).get("subshell_id"))
