"""Run a cell: its segments in order, each turned into events, until the end or the first error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentbay_kernel import cells
from agentbay_kernel.bridge import payloads
from agentbay_kernel.bridge.run import Cell
from agentbay_kernel.errors import KernelError, SessionGone
from agentbay_kernel.events import CellError, ClearOutput, DisplayData, Emit, Event
from agentbay_kernel.hints import with_hint
from agentbay_kernel.stop import STARTING, Ladder, stopped

if TYPE_CHECKING:
    from agentbay_kernel.bridge.bridge import Bridge
    from agentbay_kernel.bridge.messages import Reply
    from agentbay_kernel.places import Places
    from agentbay_kernel.session import Session
    from agentbay_kernel.sessions import SessionManager

__all__ = [
    "Cell",
    "Execution",
    "Inside",
    "Outcome",
    "RunLocal",
    "RunMagic",
    "Running",
    "error_of",
]

log = logging.getLogger("agentbay_kernel.execution")

PROGRESS_SECONDS = 0.15
GLANCE_SECONDS = 0.02
"""How long it takes to see whether a service must be started or an SDK imported."""

RunMagic = Callable[
    ["cells.LineMagic | cells.CellMagic", Emit, "Inside"], Awaitable["CellError | None"]
]
Running = Callable[[Callable[[], None]], AbstractContextManager[None]]
RunLocal = Callable[[cells.CellMagic], Awaitable[CellError | None]]


@dataclass(slots=True)
class Outcome:
    """What a cell's reply says; the error has been emitted."""

    error: CellError | None = None
    payload: list[Mapping[str, Any]] = field(default_factory=list)
    user_expressions: Mapping[str, Any] = field(default_factory=dict)


class Execution:
    """Runs one cell at a time; `stop` may be called on the loop at any moment."""

    def __init__(
        self,
        places: Places,
        run_magic: RunMagic,
        run_local: RunLocal,
        parse: Callable[[str], list[cells.Segment]] | None = None,
    ) -> None:
        self._places = places
        self._parse = parse or cells.parse
        self._run_magic = run_magic
        self._run_local = run_local
        self._task: asyncio.Task[CellError | None] | None = None
        self._ladder: Ladder | None = None
        self._outcome = Outcome()
        self._told: SessionGone | None = None
        self._stopped = False
        self._quiet = True
        self._progress = True

    @property
    def _manager(self) -> SessionManager:
        return self._places.current.manager

    def stop(self) -> None:
        """Interrupt what runs now; nothing happens when nothing does."""
        if self._task is None or self._task.done():
            return
        self._stopped = True
        if self._ladder is not None:
            self._ladder.press()
        else:
            self._task.cancel()

    async def handle(
        self,
        bridge: Bridge,
        message: Mapping[str, Any],
        emit: Emit,
        *,
        aside: bool,
        running: Running,
    ) -> None:
        """Let the session handle a comm message; for the time of `running` a Stop ends that."""
        name = message["header"]["msg_id"]
        handling = asyncio.ensure_future(bridge.send_comm(message, aside=aside))
        grace = self._manager.options.interrupt_grace_seconds
        ladder = Ladder(
            bridge.session, handling, emit, interrupt=lambda: bridge.interrupt(name), grace=grace
        )
        try:
            with running(ladder.press):
                await handling
        except (KernelError, asyncio.CancelledError):
            if not ladder.ended_by:
                raise
            emit(stopped(ladder.ended_by))

    async def run(self, cell: Cell, emit: Emit, *, progress: bool = True) -> Outcome:
        """Run a cell; `progress` tells of a slow start."""
        try:
            segments = self._parse(cell.code)
        except (cells.CellRefused, SyntaxError) as refusal:
            self._miss(cell)
            error = error_of(refusal)
            emit(error)
            return Outcome(error)
        self._stopped, self._quiet, self._progress = False, True, progress
        self._ladder = None
        self._outcome = outcome = Outcome()
        emit = self._noting(emit)
        self._task = asyncio.ensure_future(self._run_all(segments, cell, emit))
        try:
            outcome.error = await self._task
            return outcome
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            outcome.error = stopped(self._stop_text())
        except KernelError as failure:
            outcome.error = self._failure(failure)
        except Exception as failure:
            log.exception("this must not happen")
            outcome.error = _internal(failure)
        finally:
            self._task = None
        emit(outcome.error)
        return outcome

    def _noting(self, emit: Emit) -> Emit:
        def note(event: Event) -> None:
            self._quiet = False
            emit(event)

        return note

    def _stop_text(self) -> str:
        if self._ladder is not None:
            return self._ladder.ended_by
        return STARTING if self._manager.state.value == "starting" else "Stopped."

    async def _run_all(
        self, segments: Sequence[cells.Segment], cell: Cell, emit: Emit
    ) -> CellError | None:
        self._miss(cell)
        return await self._run_segments(segments, cell, emit)

    async def _run_segments(
        self, segments: Sequence[cells.Segment], cell: Cell, emit: Emit
    ) -> CellError | None:
        error = None
        remote = [each for each in segments if isinstance(each, cells.Remote)]
        for segment in segments:
            if isinstance(segment, cells.Remote):
                piece = self._piece(cell, segment, last=segment is remote[-1])
                if segment is not segments[-1]:
                    piece = replace(piece, expressions={})
                error = await self._run_remote(piece, emit)
            elif isinstance(segment, cells.CellMagic) and segment.name == cells.LOCAL:
                error = await self._run_local(segment)
            else:
                error = await self._run_magic(segment, emit, Inside(self, cell, emit))
            if error is not None:
                break
        return error

    def _miss(self, cell: Cell) -> None:
        """Remember a cell until the session, which shares its number, has it in its history."""
        if cell.store:
            self._places.miss(cell.count, cell.code)

    def _piece(self, cell: Cell, segment: cells.Remote, *, last: bool) -> Cell:
        """What goes to the session for one segment; only the last one is kept in its history."""
        return replace(
            cell,
            code=segment.code,
            store=cell.store and last,
            missed=tuple(each for each in self._places.current.missed if each[0] != cell.count),
            typed="" if segment.code == cell.code else cell.code,
        )

    async def run_inside(self, code: str, cell: Cell, emit: Emit) -> CellError | None:
        """Run code of ours in the current place, as a part of `cell`; no history keeps it."""
        piece = replace(
            cell, code=code, store=False, silent=True, expressions={}, missed=(), typed=""
        )
        return await self._run_remote(piece, emit)

    async def run_at(self, name: str, code: str, cell: Cell, emit: Emit) -> CellError | None:
        """Run the end of a cell's text in another place."""
        above = cell.code.removesuffix(code).count("\n")
        python = self._parse is cells.parse
        shifted = "#\n" * above + code if python and not code.startswith("%%") else code
        with self._places.at(name):
            try:
                return await self._run_segments(self._parse(shifted), cell, emit)
            except (cells.CellRefused, SyntaxError) as refusal:
                error = error_of(refusal)
                emit(error)
                return error
            except SessionGone as gone:
                # Whoever handles it further up stands in another place.
                self._lose(gone)
                raise

    async def _run_remote(self, cell: Cell, emit: Emit) -> CellError | None:
        # A session that is there is asked for too: its life may have ended by the clock.
        session = await (self._manager.ensure() if self._manager.session else self._start(emit))
        if not session.capabilities.stream:
            # The prompt would come with the cell's end, which waits for the answer.
            cell = replace(cell, allow_stdin=False)
        held: list[CellError] = []

        def sort(event: Event) -> None:
            # The error that ends the cell may get a hint; one shown on the way stays as it is.
            while held:
                emit(held.pop())
            if isinstance(event, CellError):
                held.append(event)
            else:
                emit(event)

        reply = await self._run_bridged(session, cell, sort)
        self._outcome.payload += payloads.passed(reply.payload, emit)
        self._outcome.user_expressions = reply.user_expressions
        shown = held.pop() if held else None
        if reply.ok:
            if shown is not None:
                emit(shown)
            return None
        if self._ladder is not None and self._ladder.ended_by:
            shown = stopped(self._ladder.ended_by)
        error = shown or reply.error or CellError("ExecutionError", "no reason given", ())
        error = self._hinted(error)
        # IPython shows some errors as text: what was not shown as an error there is not shown here.
        if shown is not None:
            emit(error)
        return error

    async def _run_bridged(self, session: Session, cell: Cell, emit: Emit) -> Reply:
        manager, options = self._manager, self._manager.options
        bridge = self._places.current.bridges.of(session)
        if cell.store:
            self._places.current.missed.clear()
        limits = {"timeout": options.cell_timeout_seconds, "patience": options.reconnect_seconds}
        run = asyncio.ensure_future(bridge.run(cell, emit, **limits))
        grace = options.interrupt_grace_seconds
        self._ladder = Ladder(
            session, run, emit, interrupt=bridge.interrupt, begun=bridge.has_begun, grace=grace
        )
        manager.busy = True
        try:
            reply = await run
            manager.used()
            await self._ladder.settle()
            self._ladder = self._ladder if self._ladder.ended_by else None
            return reply
        finally:
            manager.busy = False

    def _hinted(self, error: CellError) -> CellError:
        return with_hint(error, None if self._manager.options.upload == "never" else Path.cwd())

    async def _start(self, emit: Emit) -> Session:
        """The session, with a line of progress while it takes long."""
        quiet = self._quiet
        waiting = asyncio.ensure_future(self._manager.ensure())
        try:
            await asyncio.wait([waiting], timeout=GLANCE_SECONDS)
            if self._manager.at_hand:
                await asyncio.wait([waiting], timeout=PROGRESS_SECONDS - GLANCE_SECONDS)
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
            self._lose(failure)
        log.warning("the cell failed", exc_info=failure)
        return error_of(failure)

    def _lose(self, gone: SessionGone) -> None:
        if gone is not self._told:
            self._told = gone
            self._manager.lost(gone)


class Inside:
    """What one of our magics may run in sessions, as a part of the cell that it stands in."""

    def __init__(self, execution: Execution, cell: Cell, emit: Emit) -> None:
        self._execution = execution
        self._cell = cell
        self._emit = emit

    async def __call__(self, code: str, emit: Emit) -> CellError | None:
        """Run code in the current place, kept in no history; an error has been emitted."""
        return await self._execution.run_inside(code, self._cell, emit)

    async def run_at(self, name: str, code: str) -> CellError | None:
        """Run the end of the cell in the place of a name, as a user's cell."""
        return await self._execution.run_at(name, code, self._cell, self._emit)


def _internal(failure: Exception) -> CellError:
    """An error of this package itself: what it was, and where the rest of it stands."""
    shown = error_of(failure)
    line = "This is a fault of agentbay-kernel. The session is kept; kernel.log has the traceback."
    return CellError(shown.ename, shown.evalue, (*shown.traceback, line))


def error_of(failure: Exception) -> CellError:
    """An error of ours as a notebook shows it: one short message, no traceback."""
    name = type(failure).__name__
    return CellError(name, str(failure), (f"\x1b[31m{name}\x1b[39m: {failure}",))
