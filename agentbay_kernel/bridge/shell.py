"""The control channel where a session has no terminal: one shell command for each request."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import logging
import posixpath
import secrets
import shlex
from typing import TYPE_CHECKING, Any

from agentbay_kernel.bridge.channel import ANSWER_SECONDS, REFUSED, Message
from agentbay_kernel.bridge.demux import Demux
from agentbay_kernel.errors import BridgeError, InterpreterGone, KernelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentbay_kernel.bridge.messages import Hello
    from agentbay_kernel.session import Session

log = logging.getLogger("agentbay_kernel.bridge")

LONGEST_SECONDS = 50.0
"""Of one command; the gateways end a request after 60."""
LONGEST_WORD = 60_000
"""Characters of a command's argument; a longer request goes as a file."""
POLL_SECONDS = (0.5, 10.0)
"""Between two looks for what the interpreter has to say: at first, and after long silence."""


class ShellChannel:
    """Asks the interpreter's socket by the shell tool, each time anew.

    What the interpreter has to say between two requests is looked for while `has_more`;
    `on_threads` is told whether threads or other work of the user's code live.
    """

    def __init__(
        self,
        session: Session,
        nonce: str,
        on_message: Callable[[Message], None],
        has_more: Callable[[], bool],
        on_threads: Callable[[bool], None],
    ) -> None:
        self._session = session
        self._nonce = nonce
        self._on_message = on_message
        self._has_more = has_more
        self._on_threads = on_threads
        self._hello: Hello | None = None
        self._files = itertools.count(1)
        self._turns = itertools.count()
        self._sender = secrets.token_hex(4)
        self._poll: asyncio.Task[None] | None = None
        self._heard = False

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent now."""
        return self._hello is not None

    async def open(self, hello: Hello) -> None:
        """See whether the interpreter answers; raises BridgeError when it does not."""
        self._hello = hello
        try:
            await self.ask("ping")
        except BaseException:
            self._hello = None
            raise

    async def ask(
        self, operation: str, *, timeout: float | None = ANSWER_SECONDS, **rest: Any
    ) -> Any:
        """Send a request and wait for its answer; raises BridgeError."""
        hello = self._hello
        if hello is None:
            raise BridgeError("There is no control channel")
        if operation == "comm" and not rest.get("aside"):
            # Each goes by a connection of its own, of which the later may be the faster.
            rest["turn"] = [self._sender, next(self._turns)]
        line = (json.dumps({"op": operation, "r": 1, **rest}) + "\n").encode()
        words = [hello.executable, "-IS", hello.relay, hello.control, *await self._word(line)]
        seconds = min(timeout or LONGEST_SECONDS, LONGEST_SECONDS)
        done = await self._session.shell(shlex.join(words), timeout=seconds)
        answers: list[Message] = []
        demux = Demux(self._nonce, lambda name, text: None, lambda each: self._sort(each, answers))
        demux.feed(done.stdout)
        self.look()
        if not answers:
            kind = InterpreterGone if REFUSED in done.stderr else BridgeError
            raise kind(f"The interpreter did not answer ({operation})")
        if answers[0].get("t") == "refusal":
            raise BridgeError(str(answers[0].get("c")))
        return answers[0].get("c")

    async def post(self, operation: str, **rest: Any) -> None:
        """Send a request that needs no answer."""
        await self.ask(operation, **rest)

    async def close(self) -> None:
        """Look no more."""
        self._hello = None
        if self._poll is not None:
            self._poll.cancel()

    def look(self) -> None:
        """Begin to look for what the interpreter says, as long as there may be something."""
        if self._has_more() and (self._poll is None or self._poll.done()):
            self._poll = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        pause, longest = POLL_SECONDS
        while True:
            await asyncio.sleep(pause)
            if not (self.is_open and self._has_more()):
                return
            self._heard = False
            try:
                self._on_threads((await self.ask("ping"))["threads"] is True)
            except KernelError as error:
                log.info("the interpreter was not asked for what it says: %s", error)
            pause = POLL_SECONDS[0] if self._heard else min(pause * 1.5, longest)

    async def _word(self, line: bytes) -> tuple[str, str]:
        assert self._hello is not None
        text = base64.b64encode(line).decode()
        if len(text) <= LONGEST_WORD:
            return "request", text
        path = posixpath.join(self._hello.folder, f"request-{next(self._files)}")
        await self._session.files.write(path, line)
        return "file", path

    def _sort(self, message: Message, answers: list[Message]) -> None:
        if message.get("t") in ("answer", "refusal"):
            answers.append(message)
        elif message.get("t") != "ready":
            self._heard = True
            self._on_message(message)
