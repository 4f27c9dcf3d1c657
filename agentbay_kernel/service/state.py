"""The sessions of the service: their states, labels and listing, without HTTP or processes."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from agentbay_kernel.service import lifecycle
from agentbay_kernel.service.errors import ApiError, BadParameter, SessionNotFound, WrongState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from agentbay_kernel.service.clock import Clock
    from agentbay_kernel.service.mounts import Binding, SyncItem
    from agentbay_kernel.service.port import Sandbox
    from agentbay_kernel.service.terminals import Terminals

_REMEMBERED = 256
_HISTORY = 200


class Status(StrEnum):
    """A session's state, in the wire's words; FINISH is what a deleted session answers."""

    CREATING = "CREATING"
    RUNNING = "RUNNING"
    PAUSING = "PAUSING"
    PAUSED = "PAUSED"
    RESUMING = "RESUMING"
    DELETING = "DELETING"
    FINISH = "FINISH"


_MOVES: Mapping[Status, frozenset[Status]] = {
    Status.CREATING: frozenset({Status.RUNNING, Status.DELETING}),
    Status.RUNNING: frozenset({Status.PAUSING, Status.DELETING}),
    Status.PAUSING: frozenset({Status.PAUSED, Status.RUNNING, Status.DELETING}),
    Status.PAUSED: frozenset({Status.RESUMING, Status.DELETING}),
    Status.RESUMING: frozenset({Status.RUNNING, Status.PAUSED, Status.DELETING}),
    Status.DELETING: frozenset({Status.FINISH}),
    Status.FINISH: frozenset(),
}


@dataclass(eq=False, slots=True)
class Session:
    """One session and what the service keeps for it."""

    id: str
    number: int
    image: str
    token: str
    page_token: str
    labels: dict[str, str]
    policy: lifecycle.Lifecycle
    created: float
    created_wall: float
    active: float
    on_change: Callable[[], None]
    status: Status = Status.CREATING
    runs: int = 0
    has_store: bool = False
    bindings: list[Binding] = field(default_factory=list)
    syncs: dict[tuple[str, str, str], SyncItem] = field(default_factory=dict)
    history: list[tuple[float, str]] = field(default_factory=list)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    ending: asyncio.Task[None] | None = None
    box: Sandbox | None = None
    shared_terminals: Terminals | None = None

    @property
    def sandbox(self) -> Sandbox:
        """The session's sandbox, once there is one."""
        if self.box is None:
            raise WrongState(self.id, "be used", self.status)
        return self.box

    def move(self, to: Status) -> None:
        """Change the state; a move that is not allowed is refused, naming both."""
        if to not in _MOVES[self.status]:
            raise WrongState(self.id, f"become {to}", self.status)
        self.status = to
        self.on_change()

    def need_running(self) -> None:
        """Refuse what only a running session can do."""
        if self.status is not Status.RUNNING:
            raise WrongState(self.id, "be used", self.status)

    def end(self) -> lifecycle.End | None:
        """When the session ends if nothing more is asked of it."""
        if self.status in (Status.CREATING, Status.DELETING, Status.FINISH):
            return None
        resting = self.runs == 0 and self.status is Status.RUNNING
        return lifecycle.end(self.policy, created=self.created, active=self.active, resting=resting)

    def note(self, when: float, what: str) -> None:
        """Keep a line for the resource page's log: never code, output or label values."""
        self.history.append((when, what))
        del self.history[:-_HISTORY]


@dataclass(frozen=True, slots=True)
class Query:
    """What ListSession asks for."""

    labels: Mapping[str, str] = field(default_factory=dict)
    status: str = ""
    image: str = ""
    limit: int = 10
    token: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing."""

    items: list[Session]
    total: int
    next_token: str


def new_id() -> str:
    """An id that no session has had."""
    return "s-" + secrets.token_hex(8)


class Sessions:
    """All live sessions, and the reasons why the latest ones ended."""

    def __init__(self, clock: Clock, limit: int, on_change: Callable[[], None]) -> None:
        self._clock = clock
        self._limit = limit
        self._on_change = on_change
        self._live: dict[str, Session] = {}
        self._ended: OrderedDict[str, str] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._live.values()))

    def add(
        self,
        image: str,
        labels: dict[str, str],
        policy: lifecycle.Lifecycle,
        session_id: str = "",
    ) -> Session:
        """A new session in the state CREATING, unless there are as many as allowed [?: code]."""
        if self._limit and len(self._live) >= self._limit:
            raise ApiError(
                "QuotaExceeded.Session", f"There are {self._limit} sessions, the most allowed"
            )
        self._count += 1
        now = self._clock.monotonic()
        session = Session(
            id=session_id or new_id(),
            number=self._count,
            image=image,
            token=secrets.token_urlsafe(32),
            page_token=secrets.token_urlsafe(24),
            labels=labels,
            policy=policy,
            created=now,
            created_wall=self._clock.wall(),
            active=now,
            on_change=self._on_change,
        )
        self._live[session.id] = session
        return session

    def get(self, session_id: str) -> Session:
        """The live session of an id; one that is being deleted counts as live."""
        try:
            return self._live[session_id]
        except KeyError:
            raise SessionNotFound(session_id) from None

    def touch(self, session: Session) -> None:
        """Note that the session was asked for something."""
        session.active = self._clock.monotonic()

    def bury(self, session: Session, reason: str) -> None:
        """Forget a session but for the reason of its end."""
        self._live.pop(session.id, None)
        self._ended[session.id] = reason
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        session.finished.set()
        self._on_change()

    def end_reason(self, session_id: str) -> str | None:
        """Why a session ended, if it is one of the latest."""
        return self._ended.get(session_id)

    def page(self, query: Query) -> Page:
        """One page, newest first; the token names the last session seen, so that sessions that
        come or go in between neither repeat nor hide another."""
        below = _decode(query.token) if query.token else self._count + 1
        found = [s for s in self._live.values() if _matches(s, query)]
        found.sort(key=lambda session: -session.number)
        rest = [session for session in found if session.number < below]
        items = rest[: query.limit]
        more = len(rest) > len(items)
        return Page(items, len(found), _encode(items[-1].number) if more else "")

    def next_end(self) -> lifecycle.End | None:
        """The first end of any session."""
        ends = [end for session in self._live.values() if (end := session.end())]
        return min(ends, key=lambda item: item.at, default=None)

    def due(self) -> list[tuple[Session, str]]:
        """The sessions whose time is over, with the reasons."""
        now = self._clock.monotonic()
        pairs = [(session, session.end()) for session in self]
        return [(session, end.reason) for session, end in pairs if end and end.at <= now]


def _matches(session: Session, query: Query) -> bool:
    # Only active sessions are listed; one that has begun to end is no longer one.
    if session.status in (Status.CREATING, Status.FINISH):
        return False
    status = query.status or session.status.value
    if session.status is Status.DELETING and not query.status:
        return False
    return (
        status == session.status.value
        and (query.image or session.image) == session.image
        and query.labels.items() <= session.labels.items()
    )


def _encode(number: int) -> str:
    return base64.urlsafe_b64encode(f"before:{number}".encode()).decode()


def _decode(token: str) -> int:
    try:
        word, number = base64.urlsafe_b64decode(token.encode()).decode().split(":")
        if word == "before":
            return int(number)
    except ValueError:
        pass
    raise BadParameter("NextToken", "is none of this service's tokens")
