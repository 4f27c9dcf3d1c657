"""The sessions of one notebook by name, each with its bridge, and which of them is current."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agentbay_kernel.bridges import Bridges
from agentbay_kernel.changes import Changes
from agentbay_kernel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agentbay_kernel.bridges import Front
    from agentbay_kernel.sessions import SessionManager

MAIN = "main"
"""What a user calls the place that every kernel has."""


@dataclass(slots=True, eq=False)
class Place:
    """Somewhere that cells run: a session and the bridge to its interpreter.

    `missed` are the cells, by their numbers, that its session's history has not got yet.
    """

    name: str
    manager: SessionManager
    bridges: Bridges
    missed: list[tuple[int, str]] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, manager: SessionManager, front: Front, **options: Any) -> Place:
        """A place with bridges of its own, which `options` are for."""
        bridges = Bridges(front, **options)
        manager.on_forget = bridges.leave
        bridges.is_asleep = lambda: manager.paused
        return cls(name, manager, bridges)


class Places:
    """A kernel's places; leaving one keeps its interpreter, names and comms.

    `make` gives a place of a name, which no session stands behind yet.
    """

    def __init__(self, make: Callable[[str], Place]) -> None:
        self.changes = Changes()
        self._make = make
        self._known = {MAIN: self._made(MAIN)}
        self._chosen = MAIN
        self._visited: list[str] = []

    def __iter__(self) -> Iterator[Place]:
        return iter(list(self._known.values()))

    def __contains__(self, name: str) -> bool:
        return name in self._known

    @property
    def main(self) -> Place:
        """The place that is there from the start and never goes."""
        return self._known[MAIN]

    @property
    def current(self) -> Place:
        """Where cells run now."""
        name = self._visited[-1] if self._visited else self._chosen
        return self._known.get(name) or self.main

    def get(self, name: str) -> Place:
        """The place of a name; raises UsageError, naming the nearest."""
        if name in self._known:
            return self._known[name]
        near = difflib.get_close_matches(name, self._known, n=1)
        hint = f"Did you mean {near[0]}" if near else f"%agentbay new --name {name} starts one"
        known = ", ".join(self._known)
        raise UsageError(f"No session is named {name!r}, only {known}", next_step=hint)

    def add(self, name: str) -> Place:
        """The place of a name, made when there is none; raises UsageError for what is no name."""
        if name in self._known:
            return self._known[name]
        if not name.isprintable() or name != name.strip() or name.startswith("-") or not name:
            raise UsageError(f"{name!r} is no name for a session", next_step="Write it as gpu")
        self._known[name] = self._made(name)
        return self._known[name]

    def _made(self, name: str) -> Place:
        place = self._make(name)
        place.manager.on_change = self.changes
        return place

    def drop(self, name: str) -> None:
        """Forget a named place, whose session has ended; the current one becomes the main."""
        if name != MAIN:
            self._known.pop(name, None)
            self._chosen = MAIN if self._chosen == name else self._chosen
            self.changes()

    def use(self, name: str) -> Place:
        """Let cells run in another place from now on."""
        place = self.get(name)
        self._chosen = name
        self.changes()
        return place

    @contextlib.contextmanager
    def at(self, name: str) -> Iterator[Place]:
        """The time in which a place is the current one, whatever is chosen meanwhile."""
        place = self.get(name)
        self._visited.append(name)
        self.changes()
        try:
            yield place
        finally:
            self._visited.pop()
            self.changes()

    def holding(self, session_id: str) -> Place | None:
        """The place whose session has an id."""
        for place in self:
            session = place.manager.session
            if session is not None and session.session_id == session_id:
                return place
        return None

    def has_comm(self, comm_id: str, *, but: str = "") -> bool:
        """Whether a comm lives in the session of a place, one place left out."""
        bridges = (place.bridges.current for place in self if place.name != but)
        return any(bridge is not None and comm_id in bridge.comms for bridge in bridges)

    def claim(self) -> None:
        """Take over what an earlier process of this kernel left, by all its names."""
        self.main.manager.claim()
        for name in self.main.manager.left_names():
            known = name in self
            if not self.add(name).manager.claim() and not known:
                self.drop(name)  # another process of the same notebook has it

    def note(self, notebook: str | None) -> None:
        """The notebook became known, by which sessions of an earlier process are found."""
        identity = self.main.manager.identity
        if not notebook or identity.notebook:
            return
        for place in self:
            place.manager.identity.notebook = notebook
        self.changes()
        self.claim()

    def touch(self) -> None:
        """A front end did something."""
        for place in self:
            place.manager.touch()

    def miss(self, count: int, code: str) -> None:
        """Remember a cell for the history of every session."""
        for place in self:
            place.missed.append((count, code))

    async def close(self, *, restart: bool) -> None:
        """The kernel ends: let every session go by the policy, side by side."""
        await _all(place.manager.close(restart=restart) for place in self)


async def _all(waited: Iterable[object]) -> None:
    found = await asyncio.gather(*waited, return_exceptions=True)  # type: ignore[call-overload]
    for each in found:
        if isinstance(each, BaseException):
            raise each
