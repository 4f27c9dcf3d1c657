"""The control channel into a session's interpreter: requests with answers, and what it says."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import shlex
from typing import TYPE_CHECKING, Any, Protocol

from agentbay_kernel.bridge.demux import Demux
from agentbay_kernel.errors import BridgeError, ChannelEnded, InterpreterGone, KernelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentbay_kernel.bridge.messages import Hello
    from agentbay_kernel.session import Session, Terminal

log = logging.getLogger("agentbay_kernel.bridge")

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 10.0
REFUSED = "agentbay-relay: ConnectionRefusedError"
"""What the relay says when the interpreter that made the socket has died."""

Message = dict[str, Any]


class Way(Protocol):
    """What a bridge needs of a channel, of whichever kind."""

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent now."""

    async def open(self, hello: Hello) -> None:
        """Join the interpreter; raises InterpreterGone, BridgeError, NotSupported."""

    async def ask(self, operation: str, *, timeout: float | None = ..., **rest: Any) -> Any:
        """Send a request and wait for its answer; raises BridgeError."""

    async def post(self, operation: str, **rest: Any) -> None:
        """Send a request that needs no answer."""

    async def close(self) -> None:
        """Let it go."""


class Channel:
    """Joins the interpreter's socket through a terminal of the session.

    `on_message` gets every message that answers no request, `on_end` is called when it ends by
    itself. All runs on the kernel's loop.
    """

    def __init__(
        self,
        session: Session,
        nonce: str,
        on_message: Callable[[Message], None],
        on_end: Callable[[], None],
    ) -> None:
        self._session = session
        self._demux = Demux(nonce, self._heard, self._take)
        self._on_message = on_message
        self._on_end = on_end
        self._terminal: Terminal | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent now."""
        return self._terminal is not None

    async def open(self, hello: Hello) -> None:
        """Join the interpreter's socket; raises BridgeError when nobody answers there."""
        terminal = await self._session.open_terminal(self._demux.feed, self._ended)
        try:
            # A space keeps it out of the shell's history; what the terminal echoes is no frame.
            words = [hello.executable, "-IS", hello.relay, hello.control]
            await terminal.send(f" stty raw -echo; exec {shlex.join(words)}\n")
            async with asyncio.timeout(CONNECT_SECONDS):
                await asyncio.shield(self._ready)
        except TimeoutError:
            self._fail(BridgeError("The interpreter's control channel did not answer"))
            await terminal.close()
            await self._ready
        except BaseException:
            await terminal.close()
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
            raise ChannelEnded("The control channel has ended")
        await self._terminal.send(json.dumps({"op": operation, **rest}) + "\n")

    async def close(self) -> None:
        """End the terminal."""
        terminal, self._terminal = self._terminal, None
        self._fail(ChannelEnded("The control channel was closed"))
        if terminal is not None:
            try:
                await terminal.close()
            except KernelError as error:
                log.debug("the terminal was not closed: %s", error)

    def _heard(self, _name: str, text: str) -> None:
        if REFUSED in text:
            self._fail(InterpreterGone("The session's interpreter has died"))

    def _take(self, message: Message) -> None:
        kind = message.get("t")
        if kind == "ready":
            if not self._ready.done():
                self._ready.set_result(None)
        elif kind in ("answer", "refusal"):
            number = message.get("r")
            waiting = self._waiting.get(number) if isinstance(number, int) else None
            if waiting is None or waiting.done():
                return
            if kind == "answer":
                waiting.set_result(message.get("c"))
            else:
                waiting.set_exception(BridgeError(str(message.get("c"))))
        else:
            self._on_message(message)

    def _ended(self) -> None:
        was_open, self._terminal = self._terminal is not None, None
        self._fail(ChannelEnded("The control channel has ended"))
        if was_open:
            self._on_end()

    def _fail(self, error: BridgeError) -> None:
        for waiting in (self._ready, *self._waiting.values()):
            if not waiting.done():
                waiting.set_exception(error)
                waiting.exception()  # whoever waits gets it; asyncio is not to report the rest
