"""The kernel's session for code that runs beside it: `%%local` cells, what they import, scripts."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from agentbay_kernel import providers
from agentbay_kernel.errors import UsageError
from agentbay_kernel.portal import Portal

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentbay_kernel.session import Provider, Session
    from agentbay_kernel.sessions import SessionManager


class Face:
    """A session or one of its groups of calls, with plain functions in place of coroutines."""

    def __init__(self, portal: Portal, target: Any) -> None:
        self._portal = portal
        self._target = target

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if inspect.iscoroutinefunction(value):
            return functools.wraps(value)(functools.partial(self._portal.call, value))
        return Face(self._portal, value) if _has_coroutines(value) else value

    def __dir__(self) -> list[str]:
        return [name for name in dir(self._target) if not name.startswith("_")]

    def __repr__(self) -> str:
        return f"<{getattr(self._target, 'session_id', type(self._target).__name__)}>"


class SessionFace(Face):
    """A session, and the vendor's own object for it."""

    def __init__(self, portal: Portal, target: Session, provider: Provider) -> None:
        super().__init__(portal, target)
        self._provider = provider

    @functools.cached_property
    def sdk(self) -> Any:
        """The vendor's own live object of this session, unmodified, whose functions block.

        >>> current().sdk.command.execute_command("date").output  # doctest: +SKIP
        """
        return self._portal.call(self._provider.vendor_session, self._target.session_id)


class _Place:
    """Who has this process's session, and a connection of our own to it."""

    manager: Callable[[], SessionManager] | None = None
    start: Callable[[], None] | None = None
    panel: Callable[[], Any] | None = None
    portal: Portal | None = None
    face: SessionFace | None = None


def publish(
    manager: Callable[[], SessionManager] | None,
    *,
    start: Callable[[], None] | None = None,
    panel: Callable[[], Any] | None = None,
) -> None:
    """Make somebody's current session the one that `current` gives.

    `start` begins one; without it, as in a kernel, whose loop waits for the caller, nobody can.
    `panel` gives its panel's widget.
    """
    _Place.manager, _Place.start, _Place.panel = manager, start, panel


def in_kernel() -> bool:
    """Whether this process is a kernel of ours."""
    return _Place.manager is not None and _Place.start is None


def current() -> Any:
    """The session, with the methods of `agentbay_kernel.session.Session` as functions.

    >>> current().files.read("/workspace/data.csv")  # doctest: +SKIP

    In a kernel it is the one that cells run in now: raises UsageError when there is none yet. In a
    script or in plain IPython one is started, which ends with the process. `.sdk` is the vendor's
    own object for it.
    """
    if _Place.manager is None:
        _begin()
    assert _Place.manager is not None
    if _Place.manager().session is None and _Place.start is not None:
        _Place.start()
    session = _Place.manager().session
    if session is None:
        raise UsageError("There is no session yet", next_step="Run a cell in it first")
    if _Place.face is None or _Place.face.session_id != session.session_id:
        _Place.portal = _Place.portal or Portal("agentbay-kernel-current")
        _Place.face = _Place.portal.call(
            _connect, _Place.portal, _Place.manager(), session.session_id
        )
    return _Place.face


def panel() -> Any:
    """The panel's widget, live wherever it is displayed, as by `%agentbay panel`.

    For `%%local` cells and, after `%load_ext agentbay_kernel`, for other kernels.
    """
    if _Place.panel is None:
        raise UsageError(
            "There is no kernel of ours in this process", next_step="Use %agentbay panel"
        )
    return _Place.panel()


def _begin() -> None:
    """Give a script a session of its own."""
    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.standalone import Standalone, Terminal

    own = Standalone(AgentBayOptions(), Terminal())
    publish(lambda: own.engine.manager, start=own.start)


async def _connect(portal: Portal, manager: SessionManager, session_id: str) -> SessionFace:
    """The session on the portal's loop: the kernel's own belongs to a loop that is waiting."""
    provider = providers.make(manager.options)
    return SessionFace(portal, await provider.get(session_id), provider)


def _has_coroutines(value: Any) -> bool:
    kind = type(value)
    ours = kind.__module__.startswith("agentbay_kernel.providers")
    return ours and any(inspect.iscoroutinefunction(each) for each in vars(kind).values())
