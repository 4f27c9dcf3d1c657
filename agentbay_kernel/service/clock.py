"""The two clocks of the service, passed in so that tests can turn them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Clock:
    """`monotonic` measures limits and waits; `wall` is what people and the wire are shown."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time

    def stamp(self) -> str:
        """The wall time as the wire writes it: UTC, with a Z."""
        return stamp(self.wall())


def stamp(seconds: float) -> str:
    """Seconds since the epoch as the wire writes them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
