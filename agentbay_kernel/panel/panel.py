"""A kernel's one panel: its model, who sees it, and what is asked of the provider meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from agentbay_kernel.events import DisplayData
from agentbay_kernel.panel import static, words
from agentbay_kernel.panel.model import PanelModel
from agentbay_kernel.panel.requests import Requests
from agentbay_kernel.panel.schedule import Schedule
from agentbay_kernel.panel.sections import OF_SESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agentbay_kernel import magics
    from agentbay_kernel.events import Emit
    from agentbay_kernel.panel.view import PanelView
    from agentbay_kernel.places import Places

LEASE_SECONDS = 45.0
"""How long a view counts as seen after its last word; a page may close without one."""
COALESCE_SECONDS = 0.25
TICK_SECONDS = 1.0
CHANGED_BY_CELLS = ("labels", "contexts", "files")


class Panel:
    """Keeps a model true while somebody sees it, and lets requests act on it.

    It lives on `loop`, where the sessions are. Nothing is asked while no view says that it is seen.
    """

    def __init__(
        self,
        places: Places,
        make_context: Callable[[Emit], magics.Context],
        loop: asyncio.AbstractEventLoop,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model = PanelModel(places, make_context)
        self.schedule = Schedule()
        self.loop = loop
        self.requests = Requests(self.act, self.loop)
        self._clock = clock
        self._seen: dict[str, tuple[float, frozenset[str]]] = {}
        self._wake = asyncio.Event()
        self._polling: asyncio.Task[None] | None = None
        self._telling: asyncio.TimerHandle | None = None
        self._heard: list[Callable[[dict[str, Any]], None]] = []
        self._told = self.model.header
        self._used = self.model.header["session_id"], 0.0
        self._sessions: set[str] = set()
        self._view: PanelView | None = None
        places.changes.listen(self._changed)
        self.model.observe(lambda change: self._changed(), "header")

    @property
    def view(self) -> PanelView:
        """The widget, one for all places where it is shown; made anew when it was closed."""
        # Only now are ipywidgets needed.
        from agentbay_kernel.panel.view import PanelView

        if self._view is None or self._view.closed:
            if self._view is not None:
                self._view.close()
            self._view = PanelView(self.model, self.requests)
        return self._view

    async def display(self) -> DisplayData:
        """What shows the panel in a notebook: the live view, and what is true now for the rest."""
        self.model.look()
        await asyncio.gather(*map(self.model.refresh, static.TOLD))
        return DisplayData(self.view._repr_mimebundle_())

    def listen(self, heard: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Tell `heard` of each other state from now on; what is returned ends that."""
        self._heard.append(heard)
        return lambda: self._heard.remove(heard) if heard in self._heard else None

    async def act(self, action: str, args: Mapping[str, Any], buffers: Sequence[bytes]) -> Any:
        """Answer a request of a front end."""
        if action == "visible":
            return self.see(words.text(args, "view"), args.get("sections"))
        if action == "refresh":
            section = words.text(args, "section")
            if section in self.schedule.beats:
                await self._refresh(section)
            return {}
        try:
            return await self.model.act(action, args, buffers)
        finally:
            self._wake.set()

    def see(self, view: str, sections: Any) -> dict[str, Any]:
        """A view tells which sections are on the screen, none when it is hidden or closed."""
        known = self.schedule.beats.keys()
        shown = frozenset(known & set(sections if isinstance(sections, list) else []))
        if shown:
            self._seen[view[:64]] = self._clock() + LEASE_SECONDS, shown
        else:
            self._seen.pop(view[:64], None)
        self._wake.set()
        if shown and (self._polling is None or self._polling.done()):
            self.model.look()
            self._polling = asyncio.ensure_future(self._poll())
        return {"sections": sorted(shown)}

    def shown(self) -> set[str]:
        """The sections that somebody sees now."""
        now = self._clock()
        self._seen = {name: seen for name, seen in self._seen.items() if seen[0] > now}
        return {section for _, sections in self._seen.values() for section in sections}

    async def _poll(self) -> None:
        while shown := self.shown():
            # With a session that is not there, sleeps or is only starting there is nothing to ask;
            # and what is asked would keep one alive that nobody needs.
            alone = self.model.session is None or not self.model.manager.attended
            away = {*OF_SESSION, "header"} if alone else set()
            name, wait = self.schedule.next(shown - away, self._clock())
            if name:
                await self._refresh(name)
                continue
            if self.model.manager.busy:
                self._changed()  # a connection that breaks tells nobody
                wait = min(wait, TICK_SECONDS)
            await self.rest(min(wait, LEASE_SECONDS))

    async def rest(self, seconds: float) -> None:
        """Wait until something may have to be asked for."""
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _refresh(self, name: str) -> None:
        hurried = self.schedule.hurried[name]
        well = await self.model.refresh(name)
        if well and name != "sessions" and self.model.session is not None:
            manager = self.model.manager
            manager.used(quietly=True)
            if self._used[0] == self.model.header["session_id"] and manager.lifetime is not None:
                self._used = self._used[0], manager.lifetime.refreshed
        if name == "header":
            self._changed()
        if not well or hurried == self.schedule.hurried[name]:
            self.schedule.done(name, self._clock(), well=well)

    def _changed(self) -> None:
        if self._telling is None:
            self._telling = self.loop.call_later(COALESCE_SECONDS, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self.model.look()
        header, lifetime = self.model.header, self.model.manager.lifetime
        used = header["session_id"], lifetime.refreshed if lifetime is not None else 0.0
        sessions = self._held()
        if (header, used, sessions) != (self._told, self._used, self._sessions):
            self._wake.set()
        if used[0] != self._used[0]:
            self.schedule.hurry(self._clock())
        elif used != self._used:
            # A cell or a command has used the session.
            self.schedule.hurry(self._clock(), *CHANGED_BY_CELLS)
        self._used = used
        if sessions != self._sessions:
            self._sessions = sessions
            self.schedule.hurry(self._clock(), "sessions")
        if header != self._told:
            self._told = header
            for heard in [*self._heard]:
                heard(header)

    def _held(self) -> set[str]:
        """The sessions of this notebook, which come and go with its cells."""
        managers = (place.manager for place in self.model.places)
        return {each.session.session_id for each in managers if each.session is not None}
