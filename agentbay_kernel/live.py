"""The kernel's session for code that runs beside it: `%%local` cells and what they import."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from agentbay_kernel import providers
from agentbay_kernel.errors import UsageError
from agentbay_kernel.portal import Portal

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentbay_kernel.session import Session
    from agentbay_kernel.sessions import SessionManager


class Face:
    """A session or its files with plain functions in place of coroutines."""

    def __init__(self, portal: Portal, target: Any) -> None:
        self._portal = portal
        self._target = target

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if inspect.iscoroutinefunction(value):
            return functools.wraps(value)(functools.partial(self._portal.call, value))
        return Face(self._portal, value) if name == "files" else value

    def __repr__(self) -> str:
        return f"<{getattr(self._target, 'session_id', type(self._target).__name__)}>"


class _Place:
    """The manager of this process's kernel, and a connection of our own to its session."""

    manager: Callable[[], SessionManager] | None = None
    portal: Portal | None = None
    face: Face | None = None


def publish(manager: Callable[[], SessionManager]) -> None:
    """Make a kernel's current session the one that `current` gives."""
    _Place.manager = manager


def current() -> Any:
    """The kernel's session, with the methods of `agentbay_kernel.session.Session` as functions.

    >>> current().files.read("/workspace/data.csv")  # doctest: +SKIP

    Raises UsageError where no kernel of ours runs or it has no session yet.
    """
    manager = _Place.manager() if _Place.manager is not None else None
    if manager is None or manager.session is None:
        raise UsageError("There is no session yet", next_step="Run a cell in it first")
    wanted = manager.session.session_id
    if _Place.face is None or _Place.face.session_id != wanted:
        _Place.portal = _Place.portal or Portal("agentbay-kernel-current")
        session = _Place.portal.call(_connect, manager, wanted)
        _Place.face = Face(_Place.portal, session)
    return _Place.face


async def _connect(manager: SessionManager, session_id: str) -> Session:
    """The session on the portal's loop: the kernel's own belongs to a loop that is waiting."""
    return await providers.make(manager.options).get(session_id)
