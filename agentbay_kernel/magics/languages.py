"""`%%r`, `%%java`, `%%node`: cells in the session's other languages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agentbay_kernel.bridge.untrusted import passive
from agentbay_kernel.errors import UsageError
from agentbay_kernel.events import CellError, Event
from agentbay_kernel.magics.registry import Context, argument, command
from agentbay_kernel.stop import Ladder, stopped

if TYPE_CHECKING:
    from agentbay_kernel.session import RunResult, Session

LIMIT = argument(
    "--timeout", type=float, default=None, metavar="SECONDS", help="how long the cell may run"
)


@command("%%r", "", LIMIT)
async def r(context: Context, args: Any) -> CellError | None:
    """Run the cell as R in the session.

    There is one R for the whole session: what a cell defines is there in the next. The last value
    is the cell's result, plots are shown as pictures.
    """
    return await run(context, "r", args)


@command("%%java", "", LIMIT)
async def java(context: Context, args: Any) -> CellError | None:
    """Run the cell as Java in the session, as JShell does.

    There is one JShell for the whole session: what a cell defines is there in the next. The value
    of a last expression is the cell's result.
    """
    return await run(context, "java", args)


@command("%%node", "", LIMIT)
async def node(context: Context, args: Any) -> CellError | None:
    """Run the cell as JavaScript in the session.

    Each cell has a Node.js of its own: what it defines ends with it. The last value is the result.
    """
    return await run(context, "javascript", args)


async def run(context: Context, language: str, args: Any) -> CellError | None:
    """Run the lines below the magic's own; a Stop interrupts them, a later one kills."""
    manager = context.manager
    if args.timeout is not None and args.timeout <= 0:
        raise UsageError("--timeout is a number of seconds above 0")
    if not args.body.strip():
        return None
    session = await manager.ensure()
    manager.busy = True
    try:
        limit = args.timeout or manager.options.cell_timeout_seconds
        return await _Running(context, session, language).run(args.body, limit)
    finally:
        manager.busy = False
        manager.used()


class _Running:
    """One run, its error held back until it is known whether a Stop was its reason."""

    def __init__(self, context: Context, session: Session, language: str) -> None:
        self._context = context
        self._session = session
        self._language = language
        self._error: CellError | None = None
        self._filter = passive if context.manager.options.untrusted_output else _unchanged

    async def run(self, code: str, limit: float) -> CellError | None:
        running = asyncio.ensure_future(
            self._session.run_code(code, self._take, language=self._language, timeout=limit)
        )
        ladder = Ladder(
            self._session,
            running,
            self._context.emit,
            interrupt=_no_quicker_way,
            grace=self._context.manager.options.interrupt_grace_seconds,
            language=self._language,
        )
        was_stopped = False
        while not running.done():
            try:
                await asyncio.wait([running])
            except asyncio.CancelledError:
                was_stopped = True
                ladder.press()
        await ladder.settle()
        return self._ended(running, ladder.ended_by, was_stopped=was_stopped)

    def _ended(
        self, running: asyncio.Task[RunResult], ended_by: str, *, was_stopped: bool
    ) -> CellError | None:
        ok = not running.cancelled() and running.result().ok
        error = self._error
        if was_stopped and not ok and (error is None or error.ename != "KeyboardInterrupt"):
            error = stopped(ended_by or "Stopped.")
        if error is not None:
            self._context.emit(error)
        return error

    def _take(self, event: Event) -> None:
        if isinstance(event, CellError):
            self._error = event
        elif (shown := self._filter(event)) is not None:
            self._context.emit(shown)


async def _no_quicker_way() -> bool:
    return False


def _unchanged(event: Event) -> Event | None:
    return event
