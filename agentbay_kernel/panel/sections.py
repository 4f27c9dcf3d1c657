"""The panel's sections: how each is asked for, how it begins, and what may be done in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentbay_kernel.panel import contexts, files, labels, machine, others, own

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agentbay_kernel.panel.model import Act, PanelModel

    Read = Callable[[PanelModel], Awaitable[dict[str, Any]]]

NAMES = ("header", "link", "labels", "contexts", "meters", "files", "sessions")
OF_SESSION = ("labels", "contexts", "meters", "files")
"""Those that say nothing where there is no session, and then ask for nothing."""

READ: dict[str, Read] = {
    "header": own.read,
    "labels": labels.read,
    "contexts": contexts.read,
    "meters": machine.read,
    "files": files.read,
    "sessions": others.read,
}
ACTIONS: dict[str, Act] = {
    **own.ACTIONS,
    **labels.ACTIONS,
    **contexts.ACTIONS,
    **files.ACTIONS,
    **others.ACTIONS,
}
EMPTY: dict[str, dict[str, Any]] = {
    "link": own.NO_LINK,
    "labels": labels.EMPTY,
    "contexts": contexts.EMPTY,
    "meters": machine.EMPTY,
    "files": files.EMPTY,
    "sessions": others.EMPTY,
}
"""What is known of a session nobody has asked about."""
