"""Reads on in a run whose stream broke, from the journal that the session keeps of it."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import BridgeError, InterpreterGone, KernelError, SessionGone
from agentbay_kernel.events import DisplayData, Stream, UpdateDisplayData

if TYPE_CHECKING:
    from agentbay_kernel.bridge.run import Run
    from agentbay_kernel.errors import ConnectionLost
    from agentbay_kernel.events import Emit

log = logging.getLogger("agentbay_kernel.bridge")

POLL_SECONDS = 0.1
RETRY_SECONDS = 0.5
BEGIN_SECONDS = 10.0
"""How long an idle interpreter may take to begin a cell that was sent to it."""

BROKE = "The connection to the session broke. The cell goes on there; reconnecting…"
SILENT = (
    "The connection to the session broke and is back. The interpreter is too busy to answer; "
    "what the cell writes comes later."
)
WHOLE = "The connection to the session was broken for {0:.0f} s; nothing is missing."
LESS = "The connection to the session was broken for {0:.0f} s; {1} characters of output are lost."
GIVEN_UP = "The connection to the session broke and has not come back: the rest is not shown."
DIED = "The connection to the session broke, and its interpreter has died meanwhile."
OVERFLOWN = "[{0} characters of output are lost: the session keeps 64 MB while nobody reads]\n"

Ask = Callable[..., Awaitable[Any]]


class Recovery:
    """Says that the connection is lost, reads the rest of the run, says that it is whole again.

    `reached` raises what keeps the session out of reach; for `patience` seconds that is waited for.
    """

    def __init__(
        self,
        run: Run,
        ask: Ask,
        reached: Callable[[], Awaitable[Any]],
        emit: Emit,
        patience: float,
    ) -> None:
        self._run = run
        self._ask = ask
        self._reached = reached
        self._emit = emit
        self._patience = patience
        self._display = secrets.token_hex(8)
        self._shown = BROKE
        self._began = self._idle = time.monotonic()
        self._down = True
        self._lost = 0

    async def read(self, lost: ConnectionLost) -> None:
        """Feed the run until it is complete; raises `lost` when that is not to be had."""
        self._emit(DisplayData({"text/plain": BROKE}, display_id=self._display))
        last = time.monotonic()
        while not await self._step(lost):
            if not self._down:
                self._down, self._began = True, time.monotonic()
                self._say(BROKE)
            try:
                await self._reached()
                last = time.monotonic()
                self._say(SILENT)
            except SessionGone:
                raise
            except KernelError as error:
                log.info("the session is out of reach: %s", error)
                if time.monotonic() - last > self._patience:
                    self._say(GIVEN_UP)
                    raise lost from None
            await asyncio.sleep(RETRY_SECONDS)

    def _back(self) -> None:
        """All that was written meanwhile is here."""
        if self._down:
            self._down = False
            seconds = time.monotonic() - self._began
            self._say(LESS.format(seconds, self._lost) if self._lost else WHOLE.format(seconds))

    async def _step(self, lost: ConnectionLost) -> bool:
        """Read until the run is complete, or until that fails."""
        try:
            while not await self._piece(lost):
                pass
            return True
        except InterpreterGone:
            self._say(DIED)
            raise
        except BridgeError as error:
            log.info("the journal was not read: %s", error)
        except SessionGone:
            raise
        except KernelError as error:
            if error is lost:
                self._say(GIVEN_UP)
                raise
            log.info("the journal is out of reach: %s", error)
        return False

    async def _piece(self, lost: ConnectionLost) -> bool:
        """Read one piece; whether it was the last."""
        if not self._run.begun:
            self._run.demux.skip_to(0)  # what came before was of the hooks' own run
        position = self._run.position
        answer = await self._ask("tail", run=self._run.cell.request, at=position)
        if answer.get("other") is True:
            await self._wait_for_begin(answer.get("idle") is True, lost)
            return False
        start, text, complete = answer["start"], answer["text"], answer["complete"]
        if start > position:
            self._lost += start - position
            self._run.demux.skip_to(start)
            self._emit(Stream("stderr", OVERFLOWN.format(start - position)))
        if text:
            self._run.demux.feed(text)
            self._run.acknowledge()
        if complete or not text:
            self._back()
        if not complete and not text:
            await asyncio.sleep(POLL_SECONDS)
        return bool(complete)

    async def _wait_for_begin(self, idle: bool, lost: ConnectionLost) -> None:
        """Another run is the interpreter's last: ours comes after it, or was lost on its way."""
        if self._run.begun or (idle and time.monotonic() - self._idle > BEGIN_SECONDS):
            raise lost
        if not idle:
            self._idle = time.monotonic()
        await asyncio.sleep(POLL_SECONDS)

    def _say(self, text: str) -> None:
        if text != self._shown:
            self._shown = text
            self._emit(UpdateDisplayData({"text/plain": text}, self._display))
