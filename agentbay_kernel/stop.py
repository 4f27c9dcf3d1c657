"""The ladder from a Stop to the end of a running cell, each rung said and bounded in time."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from agentbay_kernel import interpreter
from agentbay_kernel.errors import KernelError, Unreachable
from agentbay_kernel.events import CellError, Emit, Stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agentbay_kernel.session import Session

log = logging.getLogger("agentbay_kernel.stop")

# A signal that reaches the interpreter before it has begun the cell has no effect. Where it is not
# known when that is, this long is taken for the beginning.
BEGINNING_SECONDS = 1.0
REPEAT_SECONDS = 0.3

KILLED = "The interpreter was killed: its names are gone, the session and its files are kept."
NO_ANSWER = (
    "The session does not answer: the code may still be running there. "
    "See %agentbay, or start over with %agentbay new --yes."
)
GOES_ON = "The cell goes on after the interrupt. Stop again to kill its interpreter.\n"
STARTING = "Stopped while the session was starting; it is there for the next cell."


class Ladder:
    """Ends one `run_code` in a session: SIGINT, then SIGKILL, then waiting no longer.

    `interrupt` is a quicker way to send SIGINT; False when it is not there. `begun` tells whether
    the interpreter has begun with the code, None where that is not known. `language` says whose
    interpreter it is.
    """

    def __init__(
        self,
        session: Session,
        run: asyncio.Task[Any],
        emit: Emit,
        *,
        interrupt: Callable[[], Awaitable[bool]],
        begun: Callable[[], bool | None] = lambda: None,
        grace: float,
        language: str = "python",
    ) -> None:
        self._session = session
        self._language = language
        self._quick = interrupt
        self._begun = begun
        self._run = run
        self._emit = emit
        self._grace = grace
        self._began = time.monotonic()
        self._first: float | None = None
        self._certain = False
        self._climb: asyncio.Task[None] | None = None
        self.ended_by = ""

    def press(self) -> None:
        """A Stop; the first ones interrupt, one after the grace time kills the interpreter."""
        now = time.monotonic()
        kill = self._first is not None and now - self._first >= self._grace
        self._first = self._first or now
        if self._climb is None or self._climb.done() or kill:
            self._cancel()
            self._climb = asyncio.ensure_future(self._kill() if kill else self._interrupt())

    async def settle(self) -> None:
        """Wait until no signal is under way that could hit the next cell."""
        if self._climb is not None and not self._climb.done():
            await asyncio.wait([self._climb], timeout=self._grace)
            self._cancel()

    def _cancel(self) -> None:
        if self._climb is not None:
            self._climb.cancel()

    async def _interrupt(self) -> None:
        while await self._signal("INT"):
            # The interpreter itself says that the cell runs: a second signal could hit the display
            # of the first one's traceback.
            early = not self._certain and self._is_early()
            if await self._ends(REPEAT_SECONDS if early else self._grace):
                return
            if not early:
                self._emit(Stream("stderr", GOES_ON))
                return

    def _is_early(self) -> bool:
        begun = self._begun()
        if begun is None:
            return time.monotonic() - self._began < BEGINNING_SECONDS
        return not begun

    async def _kill(self) -> None:
        self.ended_by = KILLED
        if await self._signal("KILL") and not await self._ends(self._grace):
            self._give_up()

    async def _signal(self, name: str) -> bool:
        """Whether the signal was sent or the run is over; else the run is given up."""
        try:
            async with asyncio.timeout(self._grace):
                while not self._run.done() and not await self._sent(name):
                    await self._ends(REPEAT_SECONDS)
                return True
        except (KernelError, TimeoutError) as error:
            log.warning("signal %s did not reach the session: %s", name, error)
            self._give_up()
            return False

    async def _sent(self, name: str) -> bool:
        """Whether the signal is at the interpreter; a network may come back in a moment."""
        self._certain = name == "INT" and await self._quick()
        if self._certain:
            log.info("the interrupt went over the control channel")
            return True
        try:
            return bool((await interpreter.signal(self._session, name, self._language)).pid)
        except Unreachable as error:
            log.info("signal %s: %s", name, error)
            return False

    async def _ends(self, seconds: float) -> bool:
        await asyncio.wait([self._run], timeout=seconds)
        return self._run.done()

    def _give_up(self) -> None:
        if not self._run.done():
            self.ended_by = NO_ANSWER
            self._run.cancel()


def stopped(text: str) -> CellError:
    """The KeyboardInterrupt of a cell that did not raise one itself."""
    return CellError("KeyboardInterrupt", text, (f"\x1b[31mKeyboardInterrupt\x1b[39m: {text}",))
