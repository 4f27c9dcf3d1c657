"""What can wait until a cell is on its way to the session."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

HOLD_SECONDS = 0.001
"""How long a cell takes to leave; what was held back is done while the session works."""


class Held:
    """Calls of one thread, made at once or, for a moment, held back and then made in order."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._calls: list[Callable[[], None]] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hold back calls until `release`, or for `HOLD_SECONDS`."""
        self.release()
        self._calls = []
        self._timer = loop.call_later(HOLD_SECONDS, self.release)

    def __call__(self, call: Callable[[], None]) -> None:
        """Make a call, or hold it back."""
        if self._calls is None or threading.get_ident() != self._thread:
            call()
        else:
            self._calls.append(call)

    def release(self) -> None:
        """Make the calls that are held back; other threads have none."""
        if threading.get_ident() != self._thread:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        calls, self._calls = self._calls, None
        with contextlib.ExitStack() as made:  # one that raises keeps none of the others back
            for call in reversed(calls or ()):
                made.callback(call)
