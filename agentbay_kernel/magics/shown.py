"""What long work shows: a line that changes in its place, at most some times a second."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from agentbay_kernel.events import DisplayData, UpdateDisplayData

if TYPE_CHECKING:
    from agentbay_kernel.events import Emit

REFRESH_SECONDS = 0.25


def size_of(count: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


class Bytes:
    """The course of one file, with rate and rest; `seen` is called with done and total."""

    def __init__(self, emit: Emit, title: str) -> None:
        self._emit = emit
        self._title = title
        self._began = self._shown = time.monotonic()
        self._id = ""

    def seen(self, done: int, total: int) -> None:
        """Show it, when it is time."""
        now = time.monotonic()
        if done < total and now - self._shown >= REFRESH_SECONDS:
            self._shown = now
            rate = done / (now - self._began)
            rest = f", {(total - done) / rate:.0f} s left" if rate else ""
            self._show(f"{size_of(done)} of {size_of(total)}, {size_of(rate)}/s{rest}")

    def end(self, size: int) -> None:
        """The last words."""
        self._show(size_of(size))

    def _show(self, text: str) -> None:
        data = {"text/plain": f"{self._title}: {text}"}
        if self._id:
            self._emit(UpdateDisplayData(data, self._id))
        else:
            self._id = uuid.uuid4().hex
            self._emit(DisplayData(data, display_id=self._id))
