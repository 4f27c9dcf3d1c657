"""When a session ends and when to refresh it, by a clock that is given as an argument."""

from __future__ import annotations

import math
from dataclasses import dataclass

MINUTE = 60.0


@dataclass(slots=True)
class Lifetime:
    """One session's times in seconds of one monotonic clock, limits in minutes.

    The provider ends the session `idle` minutes after the last request and `limit` minutes after
    `created`. Our requests start the idle time anew, for `keep_alive` minutes after the last
    activity of a front end. One that is paused is not idle, and nothing is asked of it.
    """

    created: float
    idle: float
    limit: float
    keep_alive: float
    warn: float
    refreshed: float = 0.0
    active: float = 0.0
    warned: frozenset[str] = frozenset()
    paused: bool = False

    def __post_init__(self) -> None:
        self.refreshed = self.refreshed or self.created
        self.active = self.active or self.created

    @property
    def idle_end(self) -> float:
        """When the provider ends the session if nothing more is asked of it."""
        return math.inf if self.paused else self.refreshed + self.idle * MINUTE

    @property
    def hard_end(self) -> float:
        """When the provider ends the session in any case."""
        return self.created + self.limit * MINUTE

    @property
    def end(self) -> float:
        """The nearer of the two ends."""
        return min(self.idle_end, self.hard_end)

    def ended(self, now: float) -> bool:
        """Whether the session is over."""
        return now >= self.end

    def wanted(self, now: float, *, busy: bool) -> bool:
        """Whether a cell or somebody at a front end needs the session."""
        return not self.paused and (busy or now < self.active + self.keep_alive * MINUTE)

    def refresh_due(self, now: float, *, busy: bool) -> bool:
        """Whether the session shall be kept alive and half of its idle time is over."""
        return self.wanted(now, busy=busy) and now >= self.refreshed + self.idle * MINUTE / 2

    def warning(self, now: float, *, busy: bool) -> str:
        """The warning that is due, once for each end; empty when there is none."""
        kept = busy or now < self.active + self.keep_alive * MINUTE
        if now >= self.hard_end - self.warn * MINUTE and "hard" not in self.warned:
            self.warned |= {"hard"}
            return (
                f"This session reaches its maximum life in {_minutes(self.hard_end - now)}. "
                "Its names and files end with it: save them with %fs get, or in a context."
            )
        if kept:
            return ""
        if now >= self.idle_end - self.warn * MINUTE and "idle" not in self.warned:
            self.warned |= {"idle"}
            return (
                f"This session ends in {_minutes(self.idle_end - now)} unless it is used. "
                "Run any cell to keep it."
            )
        return ""

    def touch(self, now: float) -> None:
        """A front end did something."""
        self.active = now
        self.warned -= {"idle"}

    def refresh(self, now: float) -> None:
        """The provider answered a request for the session."""
        self.refreshed = now
        self.warned -= {"idle"}

    def next_check(self, now: float) -> float:
        """Seconds until the next thing that may be due, between 1 and 60."""
        marks = (
            self.refreshed + self.idle * MINUTE / 2,
            self.idle_end - self.warn * MINUTE,
            self.hard_end - self.warn * MINUTE,
            self.end,
        )
        return min(60.0, max(1.0, min((mark - now for mark in marks if mark > now), default=60.0)))


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / MINUTE))
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
