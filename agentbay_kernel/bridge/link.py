"""The way to one interpreter: which channel there is, opened when needed and again after a cut."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from agentbay_kernel.bridge import handshake
from agentbay_kernel.bridge.channel import Channel
from agentbay_kernel.bridge.shell import ShellChannel
from agentbay_kernel.errors import (
    BridgeError,
    ChannelEnded,
    InterpreterGone,
    KernelError,
    NotSupported,
    SessionGone,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from agentbay_kernel.bridge.channel import Message, Way
    from agentbay_kernel.bridge.messages import Hello
    from agentbay_kernel.errors import ConnectionLost
    from agentbay_kernel.session import Session

log = logging.getLogger("agentbay_kernel.bridge")

GOT_SECONDS = 0.2
"""How long messages are gathered before the interpreter is told that they have come."""
REOPEN_SECONDS = (0.2, 30.0)

SHELL = "shell tool: slower completion and widgets, because {0}"


class Link:
    """Opens channels, and tells which messages are new.

    `on_message` gets what the interpreter says outside of a run, once each; `on_gone` is called
    when it has died, or its session has ended; `has_more` tells whether it may have something to
    say. `threads`: some that the user's code has started live.
    """

    def __init__(
        self,
        session: Session,
        on_message: Callable[[Message], None],
        on_gone: Callable[[InterpreterGone | SessionGone], None],
        has_more: Callable[[], bool],
    ) -> None:
        self._session = session
        self._on_message = on_message
        self._on_gone = on_gone
        self._has_more = has_more
        self.threads = False
        self._nonce = ""
        self._hello: Hello | None = None
        self._channel: Way | None = None
        self._no_terminal = ""
        self._failure = ""
        self._opening = asyncio.Lock()
        self._seen = 0
        self._telling: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def current(self) -> Way | None:
        """The channel, if it is open now."""
        return self._channel if self._channel is not None and self._channel.is_open else None

    @property
    def fact(self) -> str:
        """Which channel it is, and why."""
        if self._no_terminal:
            return SHELL.format(self._no_terminal)
        return f"none: {self._failure}" if self._failure else "terminal"

    async def find(self, nonce: str, lost: ConnectionLost) -> Mapping[str, Any]:
        """The hello of hooks that have been sent, when it was lost on its way."""
        return await handshake.found(self._session, nonce, lost)

    def meet(self, nonce: str, hello: Hello) -> None:
        """An interpreter that has said where it listens."""
        self._nonce, self._hello = nonce, hello
        self._seen = 0
        self._failure = ""

    def leave(self) -> None:
        """That interpreter is not to be talked to any more."""
        self._hello = None
        self.threads = False
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self.drop()

    def drop(self) -> None:
        """Close the channel; the next one who needs it opens another."""
        channel, self._channel = self._channel, None
        if channel is not None:
            self.spawn(channel.close())

    async def open(self) -> Way:
        """The open channel; raises BridgeError where there can be none now."""
        async with self._opening:
            if (channel := self.current) is not None:
                return channel
            if self._hello is None:
                raise BridgeError("No cell has run in this interpreter yet")
            try:
                channel = await self._open(self._hello)
            except (InterpreterGone, SessionGone):
                raise
            except KernelError as error:
                self._failure = error.message
                raise
            self._channel, self._failure = channel, ""
            return channel

    async def begin(self) -> None:
        """Open the first channel, again if it ends meanwhile; tells of an end for good."""
        try:
            await self._open_there()
        except ChannelEnded:
            await self._reopen()
        except (InterpreterGone, SessionGone) as error:
            self._on_gone(error)

    async def _open(self, hello: Hello) -> Way:
        if not self._no_terminal:
            channel: Way = Channel(self._session, self._nonce, self._take, self._on_end)
            try:
                await channel.open(hello)
                return channel
            except NotSupported as error:
                if not self._session.capabilities.shell:
                    raise
                log.info("the control channel goes through the shell tool: %s", error)
                self._no_terminal = error.message
        channel = ShellChannel(
            self._session, self._nonce, self._take, self._has_more, self._on_threads
        )
        await channel.open(hello)
        return channel

    def _on_threads(self, live: bool) -> None:
        self.threads = live

    async def ask(self, operation: str, *, timeout: float | None = 10.0, **rest: Any) -> Any:
        """Ask what may be asked twice, once more when the channel ends meanwhile."""
        try:
            return await (await self.open()).ask(operation, timeout=timeout, **rest)
        except ChannelEnded:
            return await (await self.open()).ask(operation, timeout=timeout, **rest)

    def tell(self, operation: str, **rest: Any) -> None:
        """Send what needs no answer, if that is possible now."""
        if (channel := self.current) is not None:
            self.spawn(channel.post(operation, **rest))

    def look(self) -> None:
        """Look for what the interpreter says, where it does not come by itself."""
        if isinstance(self._channel, ShellChannel):
            self._channel.look()

    def is_new(self, message: Mapping[str, Any]) -> bool:
        """Whether a message has not come before; the interpreter repeats those after a cut."""
        number = message.get("s")
        if not isinstance(number, int):
            return True
        if self._telling is None:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_later(GOT_SECONDS, self._tell_seen)
        if number <= self._seen:
            return False
        self._seen = number
        return True

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let something go on by itself; its failure is logged."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.info("%s: %s", type(error).__name__, error)

    def _tell_seen(self) -> None:
        self._telling = None
        self.tell("got", number=self._seen)

    def _take(self, message: Message) -> None:
        if self.is_new(message):
            self._on_message(message)

    def _on_end(self) -> None:
        self._channel = None
        if self._hello is not None:
            self.spawn(self._reopen())

    async def _open_there(self) -> None:
        """Open a channel; what a session that has ended answers to that may be anything."""
        try:
            await self.open()
        except InterpreterGone:
            raise
        except KernelError:
            await self._session.status()
            raise

    async def _reopen(self) -> None:
        pause, longest = REOPEN_SECONDS
        while self._hello is not None:
            try:
                await self._open_there()
                return
            except (InterpreterGone, SessionGone) as error:
                self._on_gone(error)
                return
            except KernelError as error:
                log.info("the control channel is not open again: %s", error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)
