"""The control channel into a session's interpreter: requests with answers, and what it says."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import shlex
from typing import TYPE_CHECKING, Any

from agentbay_kernel.bridge.demux import Demux
from agentbay_kernel.errors import BridgeError, KernelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentbay_kernel.session import Session, Terminal

log = logging.getLogger("agentbay_kernel.bridge")

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 10.0

Message = dict[str, Any]


class Channel:
    """Joins the interpreter's socket through a terminal of the session.

    `on_message` gets every message that answers no request. All runs on the kernel's loop.
    """

    def __init__(
        self,
        session: Session,
        nonce: str,
        on_message: Callable[[Message], None],
        on_end: Callable[[], None],
    ) -> None:
        self._session = session
        self._nonce = nonce
        self._on_message = on_message
        self._on_end = on_end
        self._terminal: Terminal | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._ready = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent now."""
        return self._terminal is not None and self._ready.is_set()

    async def open(self, executable: str, relay: str, path: str) -> None:
        """Join the socket at `path`; raises BridgeError when nobody answers there."""
        demux = Demux(self._nonce, lambda name, text: None, self._take)
        terminal = await self._session.open_terminal(demux.feed, self._ended)
        try:
            # A space keeps it out of the shell's history; what the terminal echoes is no frame.
            command = f" stty raw -echo; exec {shlex.join([executable, '-IS', relay, path])}\n"
            await terminal.send(command)
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._ready.wait()
        except (TimeoutError, asyncio.CancelledError) as error:
            await terminal.close()
            if isinstance(error, TimeoutError):
                raise BridgeError("The interpreter's control channel did not answer") from None
            raise
        self._terminal = terminal

    async def ask(
        self, operation: str, *, timeout: float | None = ANSWER_SECONDS, **rest: Any
    ) -> Any:
        """Send a request and wait for its answer; raises BridgeError."""
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self.post(operation, r=number, **rest)
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError:
            raise BridgeError(f"The interpreter did not answer ({operation})") from None
        finally:
            del self._waiting[number]

    async def post(self, operation: str, **rest: Any) -> None:
        """Send a request that needs no answer."""
        if self._terminal is None:
            raise BridgeError("There is no control channel")
        await self._terminal.send(json.dumps({"op": operation, **rest}) + "\n")

    async def close(self) -> None:
        """End the terminal."""
        terminal, self._terminal = self._terminal, None
        if terminal is not None:
            try:
                await terminal.close()
            except KernelError as error:
                log.debug("the terminal was not closed: %s", error)

    def _take(self, message: Message) -> None:
        kind = message.get("t")
        if kind == "ready":
            self._ready.set()
        elif kind in ("answer", "refusal"):
            waiting = self._waiting.get(message.get("r") or 0)
            if waiting is None or waiting.done():
                return
            if kind == "answer":
                waiting.set_result(message.get("c"))
            else:
                waiting.set_exception(BridgeError(str(message.get("c"))))
        else:
            self._on_message(message)

    def _ended(self) -> None:
        self._terminal = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(BridgeError("The control channel has ended"))
        self._on_end()
