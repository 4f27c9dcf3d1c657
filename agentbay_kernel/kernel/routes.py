"""Which subshell of the kernel answers a comm.

ipykernel leads a comm's messages to the shell on which the comm last spoke, so that a callback
waits for the cell that made it. It asks its comm manager, which knows its own comms only, and
refuses what is led to a subshell that is no longer there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = frozenset({"comm_open", "comm_msg", "comm_close"})


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


def lead_on(session: Any, subshells: Any, idents: Any, message: Mapping[str, Any]) -> None:
    """Lead a comm's message on whose subshell is gone: to the one that it names, or the main shell.

    JupyterLab names subshells of before a restart, and deletes one on which others of its comms
    spoke. The message names no lost subshell any more, so the comm's next words mend its route.
    """
    named = message["header"].get("subshell_id")
    target = named if named in subshells.list_subshell() else None
    header = {key: each for key, each in message["header"].items() if key != "subshell_id"}
    if target is not None:
        header["subshell_id"] = target
    frames = session.serialize({**message, "header": header}, ident=idents)
    socket = subshells.get_shell_channel_to_subshell_socket(target)
    socket.send_multipart([*frames, *message["buffers"]])
