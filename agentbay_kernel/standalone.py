"""Sessions for a process that is no kernel of ours: plain IPython, another kernel, a script."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import logging
import queue
import sys
from functools import cached_property, partial
from getpass import getpass
from typing import TYPE_CHECKING, Any, Protocol

from agentbay_kernel import magics
from agentbay_kernel.cells import CellMagic
from agentbay_kernel.engine import Cell, Engine, Outcome
from agentbay_kernel.errors import UsageError
from agentbay_kernel.events import CellError, DisplayData, Event, ExecuteResult, Stream
from agentbay_kernel.portal import Portal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentbay_kernel.cells import LineMagic
    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.events import Emit
    from agentbay_kernel.execution import Inside
    from agentbay_kernel.introspection import Matches
    from agentbay_kernel.panel.panel import Panel

log = logging.getLogger("agentbay_kernel.standalone")
# A program without logging would print what goes to a kernel's log.
logging.getLogger("agentbay_kernel").addHandler(logging.NullHandler())

CLOSE_SECONDS = 10.0
COMPLETE_SECONDS = 2.0


class Face(Protocol):
    """Where a cell's output goes and its prompts are answered, all in the calling thread."""

    def show(self, event: Event) -> None:
        """Show what a running cell emits."""

    def ask(self, prompt: str, password: bool) -> str:
        """The answer to a prompt."""

    def page(self, text: str) -> None:
        """Show a page of help."""

    def keep(self, name: str, value: Any) -> None:
        """Put a value into the caller's namespace."""

    @property
    def names(self) -> Mapping[str, Any]:
        """The caller's namespace."""


class Terminal:
    """The face of a script: what a session says goes to the script's own output."""

    def show(self, event: Event) -> None:
        """Show text and errors."""
        if isinstance(event, Stream):
            stream = sys.stderr if event.name == "stderr" else sys.stdout
            stream.write(event.text)
            stream.flush()
        elif isinstance(event, CellError):
            sys.stderr.write("\n".join(event.traceback) + "\n")
        elif isinstance(event, DisplayData | ExecuteResult):
            sys.stdout.write(event.data.get("text/plain", "") + "\n")

    def ask(self, prompt: str, password: bool) -> str:
        """Ask on the terminal."""
        return getpass(prompt) if password else input(prompt)

    def page(self, text: str) -> None:
        """Print a page of help."""
        sys.stdout.write(text)

    def keep(self, name: str, value: Any) -> None:
        """Forget a value: a script has no namespace of a user's."""

    @property
    def names(self) -> Mapping[str, Any]:
        """None, for the same reason."""
        return {}


class Standalone:
    """The engine on a thread of its own, for callers that have no loop.

    The sessions end with the process, by the same policy as a kernel's.
    """

    def __init__(self, options: AgentBayOptions, face: Face) -> None:
        self._face = face
        self._portal = Portal("agentbay-kernel")
        self._said: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.engine = Engine(
            options,
            "",
            front=_Front(self._say, self._ask),
            run_magic=self._run_magic,
            run_local=self._run_local,
            warn=lambda text: self._say(Stream("stderr", text + "\n")),
        )
        self._portal.call(self._claim)
        atexit.register(self.close)

    async def _claim(self) -> None:
        self.engine.places.claim()

    def run(self, code: str, count: int = 1) -> CellError | None:
        """Run a cell to its end, and give its error, which has been shown; Ctrl-C stops it."""
        cell = Cell(code, request=f"standalone-{count}", count=count, store=False, allow_stdin=True)
        running = self._portal.submit(self._execute, cell)
        running.add_done_callback(lambda _: self._said.put(lambda: None))
        while not running.done() or not self._said.empty():
            try:
                self._said.get()()
            except KeyboardInterrupt:
                self._portal.submit(self._stop)
        return running.result().error

    async def _execute(self, cell: Cell) -> Outcome:
        return await self.engine.run(cell, self._say)

    async def _stop(self) -> None:
        self.engine.stop()

    def start(self) -> None:
        """Start a session when there is none."""
        self._portal.call(self._ensure)

    async def _ensure(self) -> None:
        await self.engine.manager.ensure()

    def complete(self, text: str) -> Matches | None:
        """What may stand at the end of a line of one of our magics; bounded in time."""
        asked = self._portal.submit(magics.complete, text, len(text), self._context(lambda _: None))
        with contextlib.suppress(concurrent.futures.TimeoutError):
            return asked.result(COMPLETE_SECONDS)
        asked.cancel()
        return None

    def close(self) -> None:
        """End the sessions, by the policy of the options; safe to call twice."""
        atexit.unregister(self.close)
        if self._portal.closed:
            return
        try:
            closing = self._portal.submit(self.engine.places.close, restart=False)
            closing.result(CLOSE_SECONDS)
        except Exception:
            log.warning("the sessions' end is left to their guardians", exc_info=True)
        self._portal.close()

    def _say(self, event: Event) -> None:
        self._said.put(partial(self._face.show, event))

    async def _ask(self, prompt: str, password: bool) -> str:
        answer: concurrent.futures.Future[str] = concurrent.futures.Future()

        def ask() -> None:
            try:
                answer.set_result(self._face.ask(prompt, password))
            except BaseException as error:
                answer.set_exception(error if isinstance(error, EOFError) else EOFError())
                raise

        self._said.put(ask)
        return await asyncio.wrap_future(answer)

    def _context(self, emit: Emit, inside: Inside | None = None) -> magics.Context:
        return magics.Context.of(
            self.engine.places,
            emit,
            self._face.keep,
            inside,
            put=self._face.keep,
            question=self._ask,
            names=self._face.names,
            panel=lambda: self.panel.display(),
        )

    @cached_property
    def panel(self) -> Panel:
        """The panel of these sessions; it lives on their loop."""
        from agentbay_kernel.panel.panel import Panel

        return Panel(self.engine.places, self._context, self._portal.loop)

    async def _run_magic(
        self, magic: LineMagic | CellMagic, emit: Emit, inside: Inside
    ) -> CellError | None:
        body = magic.body if isinstance(magic, CellMagic) else None
        done = await magics.run(magic.name, magic.line, self._context(emit, inside), body)
        if done.page:
            self._said.put(partial(self._face.page, done.page))
        return done.error

    async def _run_local(self, _magic: CellMagic) -> CellError | None:
        raise UsageError(
            "%%local is for notebooks of the AgentBay kernel: all cells are local here"
        )


class _Front:
    """What a session's code may reach: the output and the prompts of whoever runs a cell."""

    def __init__(self, say: Emit, ask: Callable[[str, bool], Any]) -> None:
        self._say = say
        self._ask = ask

    def publish(self, _parent: str, event: Event) -> None:
        """Show what came of an earlier cell, when the next one runs."""
        self._say(event)

    async def ask_user(self, prompt: str, *, password: bool) -> str:
        """The answer to a prompt."""
        answer: str = await self._ask(prompt, password)
        return answer

    def is_local_comm(self, _comm_id: str) -> bool:
        """Whether a comm lives in this process: none does."""
        return False
