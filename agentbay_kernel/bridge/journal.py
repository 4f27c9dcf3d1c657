"""Reads on in a run whose stream broke, from the journal that the session keeps of it."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import BridgeError, ConnectionLost, KernelError, SessionGone
from agentbay_kernel.events import DisplayData, Stream, UpdateDisplayData

if TYPE_CHECKING:
    from agentbay_kernel.bridge.run import Run
    from agentbay_kernel.events import Emit

log = logging.getLogger("agentbay_kernel.bridge")

POLL_SECONDS = 0.1
RETRY_SECONDS = 1.0
GIVE_UP_SECONDS = 120.0
"""How long a session may be out of reach before its cell is given up."""

Ask = Callable[..., Awaitable[Any]]


class Recovery:
    """Says that the connection is lost, reads the rest of the run, says that it is whole again."""

    def __init__(self, run: Run, ask: Ask, emit: Emit) -> None:
        self._run = run
        self._ask = ask
        self._emit = emit
        self._display = secrets.token_hex(8)
        self._began = time.monotonic()

    async def read(self, lost: ConnectionLost) -> None:
        """Feed the run until it is complete; raises `lost` when that is not to be had."""
        text = "The connection to the session broke. The cell goes on there; reconnecting…"
        self._emit(DisplayData({"text/plain": text}, display_id=self._display))
        last = time.monotonic()
        while True:
            try:
                complete = await self._step()
                last = time.monotonic()
                if complete:
                    break
            except SessionGone:
                raise
            except KernelError as error:
                log.info("the journal is out of reach: %s", error)
                refused = isinstance(error, BridgeError) and "another has begun" in error.message
                if refused or time.monotonic() - last > GIVE_UP_SECONDS:
                    self._say("The connection to the session broke, and its output is not whole.")
                    raise lost from None
                await asyncio.sleep(RETRY_SECONDS)
        seconds = time.monotonic() - self._began
        self._say(f"The connection to the session broke for {seconds:.0f} s; nothing is missing.")

    async def _step(self) -> bool:
        """Read one piece; whether it was the last."""
        position = self._run.demux.position
        answer = await self._ask("tail", run=self._run.cell.request, at=position)
        start, text, complete = answer["start"], answer["text"], answer["complete"]
        if start > position:
            lost = f"[{start - position} characters of output are lost: the journal was full]\n"
            self._emit(Stream("stderr", lost))
        if text:
            self._run.demux.feed(text)
        elif not complete:
            await asyncio.sleep(POLL_SECONDS)
        return bool(complete)

    def _say(self, text: str) -> None:
        self._emit(UpdateDisplayData({"text/plain": text}, self._display))
