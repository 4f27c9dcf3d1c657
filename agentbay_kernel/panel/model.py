"""What the panel shows and what it can do, without anything to be seen."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from traitlets import Dict, HasTraits

from agentbay_kernel import magics
from agentbay_kernel.errors import KernelError, SessionGone, UsageError
from agentbay_kernel.panel import copies, sections, snapshot

if TYPE_CHECKING:
    from agentbay_kernel.events import Emit
    from agentbay_kernel.places import Places
    from agentbay_kernel.session import Session
    from agentbay_kernel.sessions import SessionManager

log = logging.getLogger("agentbay_kernel.panel")

Args = Mapping[str, Any]
Act = Callable[["PanelModel", Args, Sequence[bytes]], Awaitable[Any]]


class PanelModel(HasTraits):
    """One trait a section, all of them plain data that may be seen, saved and sent.

    Each section but the header has an `error` where its last request failed. No trait ever holds a
    link, a ticket or a key. All of it lives on the loop of the sessions.
    """

    header = Dict()
    link = Dict()
    labels = Dict()
    contexts = Dict()
    meters = Dict()
    files = Dict()
    sessions = Dict()

    def __init__(
        self,
        places: Places,
        make_context: Callable[[Emit], magics.Context],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.places = places
        self.clock = clock
        self.downloads = copies.Underway[copies.Download]()
        self.uploads = copies.Underway[copies.Upload]()
        self._make_context = make_context
        self._session_id = ""
        self._empty(*sections.EMPTY)
        self.look()

    @property
    def manager(self) -> SessionManager:
        """The manager of the current place's session."""
        return self.places.current.manager

    @property
    def session(self) -> Session | None:
        """The current session, if there is one and it is awake."""
        return None if self.manager.paused else self.manager.session

    def need(self) -> Session:
        """The current session; raises UsageError where there is none."""
        if self.manager.session is None:
            raise UsageError("There is no session", next_step="Start one, or run a cell")
        return self.manager.session

    def context(self, emit: Emit = lambda event: None) -> magics.Context:
        """What our magics work with; what they show goes to `emit`."""
        return self._make_context(emit)

    async def ask(self, magic: str, name: str, *words: str, emit: Emit | None = None) -> Any:
        """The value of one of our magics' commands."""
        context = self.context(emit) if emit is not None else self.context()
        return await magics.value(magic, name, words, context)

    def update(self, section: str, **values: Any) -> None:
        """Change some of what a section says."""
        now = getattr(self, section)
        changed = {**now, **values}
        if changed != now:
            setattr(self, section, changed)

    def look(self) -> bool:
        """Bring the header up to date, which asks nobody; whether the session is another one."""
        self.header = snapshot.take(self.places)
        other: bool = self._session_id != self.header["session_id"]
        if other:
            self._session_id = self.header["session_id"]
            self.downloads.close()
            self.uploads.close()
            self._empty(*sections.OF_SESSION, "link")
        return other

    async def refresh(self, section: str) -> bool:
        """Ask for a section anew; False where that failed, which it then says in its place."""
        if section in sections.OF_SESSION and self.session is None:
            return True
        before = self._session_id
        try:
            found = await sections.READ[section](self)
        except SessionGone as gone:
            if not await self.gone(gone, before):
                self.update(section, error=snapshot.told(gone))
            return False
        except KernelError as error:
            self.update(section, error=snapshot.told(error))
            return False
        except Exception as error:
            log.exception("the panel failed at %s", section)
            self.update(section, error=snapshot.fault(error))
            return False
        if section not in sections.OF_SESSION or before == self._session_id:
            self.update(section, **found, error=None)
        return True

    async def gone(self, error: SessionGone, session_id: str) -> bool:
        """A request says that a session has ended; whether its state says so too.

        A gateway may refuse a single request, and a session that is given up is lost.
        """
        session = self.manager.session
        ended = session is None or session.session_id != session_id or await _has_ended(session)
        if ended and session is not None and self.manager.session is session:
            self.manager.vanished(error)
        self.look()
        return ended

    async def act(self, action: str, args: Args, buffers: Sequence[bytes] = ()) -> Any:
        """Do what a user asks for and give its value as plain data; raises KernelError."""
        found = sections.ACTIONS.get(action)
        if found is None:
            raise UsageError(f"The panel cannot do {action!r}")
        self.places.touch()
        before = self._session_id
        try:
            return await found(self, args, buffers)
        except SessionGone as gone:
            if before:
                await self.gone(gone, before)
            raise
        finally:
            self.look()

    def _empty(self, *names: str) -> None:
        for name in names:
            setattr(self, name, {**sections.EMPTY[name]})


async def _has_ended(session: Session) -> bool:
    try:
        await session.status()
    except SessionGone:
        return True
    except KernelError:
        return False
    return False
