"""The live table of a pool at work, and what its items say."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from typing import TYPE_CHECKING

from agentbay_kernel.bridge import values
from agentbay_kernel.bridge.untrusted import passive
from agentbay_kernel.events import DisplayData, Stream, UpdateDisplayData
from agentbay_kernel.magics import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentbay_kernel.events import Emit, Event
    from agentbay_kernel.pool.batch import Batch
    from agentbay_kernel.pool.pool import Pool

REFRESH_SECONDS = 0.25
COLUMNS = ("session", "id", "state", "work", "done", "lost")


class Progress:
    """Shows a table that is updated while the pool works, and its end."""

    def __init__(self, emit: Emit, total: int, *, untrusted: bool) -> None:
        self._emit = emit
        self._total = total
        self._untrusted = untrusted
        self._began = time.monotonic()
        self._name = uuid.uuid4().hex
        self._changed = asyncio.Event()
        self._lines: dict[int, str] = {}

    def changed(self) -> None:
        """Something in the table is different."""
        self._changed.set()

    def output(self, number: int, event: Event | None) -> None:
        """Show what an item says, its text by lines and behind its number."""
        if isinstance(event, Stream):
            text = self._lines.pop(number, "") + values.clean(event.text)
            *lines, rest = text.split("\n")
            if rest:
                self._lines[number] = rest
            if lines:
                shown = "".join(f"[{number}] {line}\n" for line in lines)
                self._emit(Stream(event.name, shown))
        elif event is None:
            if rest := self._lines.pop(number, ""):
                self._emit(Stream("stdout", f"[{number}] {rest}\n"))
        elif (shown_event := passive(event) if self._untrusted else event) is not None:
            self._emit(shown_event)

    @contextlib.contextmanager
    def watching(self, pool: Pool, batch: Batch) -> Iterator[None]:
        """Keep the table up to date meanwhile."""
        self._show(pool, batch, first=True)
        refreshing = asyncio.ensure_future(self._refresh(pool, batch))
        try:
            yield
        finally:
            refreshing.cancel()

    def end(self, pool: Pool, batch: Batch, *, deleted: bool) -> None:
        """Show the last state and what there is to say of the whole."""
        words = [self._count(batch), f"{time.monotonic() - self._began:.1f} s"]
        if lost := sum(member.lost for member in pool.members):
            words.append(f"{lost} {'session was' if lost == 1 else 'sessions were'} lost")
        if batch.repeated:
            words.append(f"{batch.repeated} runs repeated")
        if pool.problem is not None:
            words.append(f"fewer sessions than asked for: {pool.problem.message}")
        words.append("all sessions deleted" if deleted else "the sessions are still being deleted")
        self._show(pool, batch, note="; ".join(words))

    async def _refresh(self, pool: Pool, batch: Batch) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            self._show(pool, batch)
            await asyncio.sleep(REFRESH_SECONDS)

    def _show(self, pool: Pool, batch: Batch, *, note: str = "", first: bool = False) -> None:
        rows = [
            (
                member.number,
                member.session_id,
                member.state,
                member.work,
                member.done,
                member.lost or "",
            )
            for member in pool.members
        ]
        made = render.table(COLUMNS, rows, note or self._count(batch))
        if first:
            self._emit(DisplayData(made.data, display_id=self._name))
        else:
            self._emit(UpdateDisplayData(made.data, display_id=self._name))

    def _count(self, batch: Batch) -> str:
        text = f"{batch.done} of {self._total} items done"
        return text + (f", {batch.failed} failed" if batch.failed else "")
