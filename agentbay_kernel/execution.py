"""Run a cell: its segments in order, each turned into events, until the end or the first error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agentbay_kernel import cells
from agentbay_kernel.errors import KernelError, SessionGone
from agentbay_kernel.events import CellError, ClearOutput, DisplayData, Emit, Event
from agentbay_kernel.hints import with_hint
from agentbay_kernel.stop import STARTING, Ladder, stopped

if TYPE_CHECKING:
    from agentbay_kernel.session import Session
    from agentbay_kernel.sessions import SessionManager

log = logging.getLogger("agentbay_kernel.execution")

PROGRESS_SECONDS = 0.15

RunMagic = Callable[[cells.LineMagic, Emit], Awaitable[None]]
RunLocal = Callable[[cells.CellMagic], Awaitable[CellError | None]]


class Execution:
    """Runs one cell at a time; `stop` may be called on the loop at any moment."""

    def __init__(self, manager: SessionManager, run_magic: RunMagic, run_local: RunLocal) -> None:
        self._manager = manager
        self._run_magic = run_magic
        self._run_local = run_local
        self._task: asyncio.Task[CellError | None] | None = None
        self._ladder: Ladder | None = None
        self._stopped = False
        self._quiet = True
        self._progress = True

    def stop(self) -> None:
        """Interrupt what runs now; nothing happens when nothing does."""
        if self._task is None or self._task.done():
            return
        self._stopped = True
        if self._ladder is not None:
            self._ladder.press()
        else:
            self._task.cancel()

    async def run(
        self, segments: Sequence[cells.Segment], emit: Emit, *, progress: bool = True
    ) -> CellError | None:
        """The cell's error, already emitted, or None; `progress` tells of a slow start."""
        self._stopped, self._quiet, self._progress = False, True, progress
        self._ladder = None
        self._task = asyncio.ensure_future(self._run_all(segments, self._noting(emit)))
        try:
            error = await self._task
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            error = stopped(self._stop_text())
        except KernelError as failure:
            error = self._failure(failure)
        except Exception as failure:
            log.exception("this must not happen")
            error = _internal(failure)
        finally:
            self._task = None
        if error is not None:
            emit(error)
        return error

    def _noting(self, emit: Emit) -> Emit:
        def note(event: Event) -> None:
            self._quiet = False
            emit(event)

        return note

    def _stop_text(self) -> str:
        if self._ladder is not None:
            return self._ladder.ended_by
        return STARTING if self._manager.state.value == "starting" else "Stopped."

    async def _run_all(self, segments: Sequence[cells.Segment], emit: Emit) -> CellError | None:
        error = None
        for segment in segments:
            if isinstance(segment, cells.Remote):
                error = await self._run_remote(segment.code, emit)
            elif isinstance(segment, cells.LineMagic):
                await self._run_magic(segment, emit)
            else:
                error = await self._run_local(segment)
            if error is not None:
                break
        return error

    async def _run_remote(self, code: str, emit: Emit) -> CellError | None:
        # A session that is there is asked for too: its life may have ended by the clock.
        session = await (self._manager.ensure() if self._manager.session else self._start(emit))
        errors: list[CellError] = []

        def sort(event: Event) -> None:
            if isinstance(event, CellError):
                errors.append(event)
            else:
                emit(event)

        result = await self._run_code(session, code, sort)
        if result or not errors:
            return None
        if self._ladder is not None and self._ladder.ended_by:
            return stopped(self._ladder.ended_by)
        return self._hinted(errors[-1])

    async def _run_code(self, session: Session, code: str, emit: Emit) -> bool:
        timeout = self._manager.options.cell_timeout_seconds
        run = asyncio.ensure_future(session.run_code(code, emit, timeout=timeout))
        self._ladder = Ladder(
            session, run, emit, grace=self._manager.options.interrupt_grace_seconds
        )
        self._manager.busy = True
        try:
            result = await run
            self._manager.used()
            await self._ladder.settle()
            self._ladder = self._ladder if self._ladder.ended_by else None
            return result.ok
        finally:
            self._manager.busy = False

    def _hinted(self, error: CellError) -> CellError:
        return error if self._manager.options.upload == "never" else with_hint(error, Path.cwd())

    async def _start(self, emit: Emit) -> Session:
        """The session, with a line of progress while it takes long."""
        quiet = self._quiet
        waiting = asyncio.ensure_future(self._manager.ensure())
        try:
            await asyncio.wait([waiting], timeout=PROGRESS_SECONDS)
            shown = self._progress and not waiting.done()
            if shown:
                emit(DisplayData({"text/plain": "Starting a session…"}))
            session = await waiting
        except asyncio.CancelledError:
            waiting.cancel()
            raise
        if shown and quiet:
            emit(ClearOutput())
            self._quiet = True
        return session

    def _failure(self, failure: KernelError) -> CellError:
        if isinstance(failure, SessionGone):
            self._manager.lost(failure)
        log.warning("the cell failed", exc_info=failure)
        return error_of(failure)


def _internal(failure: Exception) -> CellError:
    """An error of this package itself: what it was, and where the rest of it stands."""
    shown = error_of(failure)
    line = "This is a fault of agentbay-kernel. The session is kept; kernel.log has the traceback."
    return CellError(shown.ename, shown.evalue, (*shown.traceback, line))


def error_of(failure: Exception) -> CellError:
    """An error of ours as a notebook shows it: one short message, no traceback."""
    name = type(failure).__name__
    return CellError(name, str(failure), (f"\x1b[31m{name}\x1b[39m: {failure}",))
