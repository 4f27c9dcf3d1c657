"""When which section of a visible panel is asked for anew; knows no clock, no network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

BURST = 8.0
RATE = 0.36
"""Requests that may go out at once, and a second: never 30 in a minute, whatever is open."""
SHORTEST = 0.05
LONGEST = 120.0
"""Seconds that are waited at least, and at most for a section that fails again and again."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A section's wish: every so many seconds, by so many requests."""

    every: float
    calls: int = 1


BEATS = {
    "header": Beat(30),
    "meters": Beat(6),
    "contexts": Beat(30, calls=2),
    "labels": Beat(60),
    "files": Beat(20),
    "sessions": Beat(30),
}


@dataclass(slots=True)
class Schedule:
    """Chooses what to ask next, the longest overdue first, within the allowance of requests."""

    beats: Mapping[str, Beat] = field(default_factory=lambda: BEATS)
    left: float = BURST
    filled: float = 0.0
    due: dict[str, float] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    hurried: Counter[str] = field(default_factory=Counter)

    def next(self, shown: Collection[str], now: float) -> tuple[str, float]:
        """The section to ask for now, or an empty name and how many seconds to wait."""
        self.left = min(BURST, self.left + (now - self.filled) * RATE)
        self.filled = now
        known = [name for name in self.beats if name in shown]
        if not known:
            return "", LONGEST
        name = min(known, key=lambda each: self.due.get(each, 0.0))
        wait = self.due.get(name, 0.0) - now
        calls = self.beats[name].calls
        wait = max(wait, (calls - self.left) / RATE)
        if wait > 0:
            return "", max(wait, SHORTEST)
        self.left -= calls
        return name, 0.0

    def done(self, name: str, now: float, *, well: bool) -> None:
        """A section was asked for; one that failed is asked less and less often."""
        self.failures[name] = 0 if well else self.failures.get(name, 0) + 1
        pause = self.beats[name].every * 2 ** min(self.failures[name], 8)
        self.due[name] = now + (self.beats[name].every if well else min(pause, LONGEST))

    def hurry(self, now: float, *names: str) -> None:
        """What was known of some sections, or of all, may not be true any more."""
        for name in names or self.beats:
            self.due[name] = min(now, self.due.get(name, now))
            self.hurried[name] += 1
            self.failures.pop(name, None)
