"""Runs cells in a session's interpreter as an ipykernel would, over plain `run_code`."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from typing import TYPE_CHECKING, Any, Protocol

from agentbay_kernel.bridge import archive, messages
from agentbay_kernel.bridge.comms import Comms
from agentbay_kernel.bridge.journal import Recovery
from agentbay_kernel.bridge.link import Link
from agentbay_kernel.bridge.run import Cell, Run
from agentbay_kernel.errors import BridgeError, ConnectionLost, InterpreterGone, KernelError
from agentbay_kernel.events import CellError, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentbay_kernel.errors import SessionGone
    from agentbay_kernel.events import Emit, Event
    from agentbay_kernel.session import Session

log = logging.getLogger("agentbay_kernel.bridge")

MOST_PROMPTS = 32

SIGNAL_SECONDS = 0.3
TAIL_SECONDS = 5.0
PATIENCE_SECONDS = 120.0
REPLACED = (
    "The session's Python interpreter was replaced: the names of earlier cells are gone, "
    "files are kept.\n"
)
ENDS = ("InterpreterDied", "MemoryLimit", "TimeoutError")
"""Errors by which an interpreter ends, whatever it was doing."""
BEFORE = "Stopped before the cell began."
DIED_UNSEEN = "Python ended while the connection to it was broken"
DIED = (
    "The session and its files are kept; the names of all cells are gone. The next cell runs in a "
    "new interpreter."
)


class Front(Protocol):
    """The kernel, as the bridge needs it."""

    def publish(self, parent: str, event: Event) -> None:
        """Publish an event under an earlier request, known by its message id."""

    async def ask_user(self, prompt: str, *, password: bool) -> str:
        """The answer to a prompt; raises EOFError, or BridgeError where nobody can be asked."""

    def is_local_comm(self, comm_id: str) -> bool:
        """Whether a comm lives in the kernel's own process."""


class Bridge:
    """The hooks in one session's interpreter and the talk with them; on the kernel's loop."""

    def __init__(
        self,
        session: Session,
        front: Front,
        filtered: Callable[[Event], Event | None] = lambda event: event,
    ) -> None:
        self.session = session
        self.comms = Comms(lambda comm_id: front.is_local_comm(comm_id))
        self.hello: messages.Hello | None = None
        self.plain_because = ""
        self.reconnecting = False
        self._front = front
        self._filtered = filtered
        self._nonce = secrets.token_hex(6)
        self._run: Run | None = None
        self._link = Link(session, self._on_message, self._on_gone, self._has_more)
        self._replaced = False
        self._started: set[str] = set()
        self._prompts: set[asyncio.Task[None]] = set()

    @property
    def facts(self) -> dict[str, str]:
        """What the bridge stands on, and what is slower for want of something better."""
        hello = self.hello
        if hello is None:
            return {"bridge": f"none: {self.plain_because}"} if self.plain_because else {}
        shell = "an inner ipykernel" if hello.inner_kernel else "IPython's plain shell"
        return {
            "bridge": f"IPython {hello.ipython} on Python {hello.python}, {shell}",
            "control channel": self._link.fact,
        }

    async def run(
        self, cell: Cell, emit: Emit, *, timeout: float, patience: float = PATIENCE_SECONDS
    ) -> messages.Reply:
        """Run a cell and give its reply; its error has not been emitted only if it has no hooks.

        A session out of reach is waited for during `patience` seconds. Raises what
        `Session.run_code` raises.
        """
        if self.plain_because:
            return await self._run_plain(cell, emit, timeout)
        first = self.hello is None
        if self._replaced:
            self._replaced = False
            emit(Stream("stderr", REPLACED))
        run = self._run = self._make_run(cell, emit)
        text = cell.text(self._nonce, self._to_start(cell))
        if first:
            text = archive.first(self._nonce, text)
        try:
            await self.session.run_code(text, run.on_event, timeout=timeout)
        except ConnectionLost as lost:
            try:
                await self._recover(run, lost, emit, patience)
            except InterpreterGone:
                run.error = CellError("InterpreterDied", DIED_UNSEEN, ())
        finally:
            self._run = None
            self._end_prompts()
        run.demux.end()
        if run.reply is None:
            return await self._without_reply(run, emit, timeout, first=first)
        self._started.update(cell.start)
        self._link.threads = run.reply.threads
        if first:
            self._link.spawn(self._link.begin())
        self._link.look()
        return run.reply

    async def ask(self, question: str, *, aside: bool = False, **arguments: Any) -> Any:
        """Ask about the live namespace; raises BridgeError."""
        self._need_hooks()
        return await self._link.ask("ask", question=question, arguments=arguments, aside=aside)

    async def send_comm(self, message: Mapping[str, Any], *, aside: bool) -> None:
        """Give the interpreter a comm message and wait until it was handled."""
        self._need_hooks()
        await self._link.ask("comm", message=message, aside=aside, timeout=None)
        self._link.look()

    def has_begun(self) -> bool | None:
        """Whether the interpreter has begun with the running cell; None where nothing tells."""
        return self._run.begun if self._run is not None and not self.plain_because else None

    async def interrupt(self, request: str = "") -> bool:
        """Interrupt the cell, or the handling of the comm message that `request` names.

        That goes over an open channel; False when it did not succeed.
        """
        channel, run = self._link.current, self._run
        name = request or (run.cell.request if run is not None else "")
        if channel is None or not name:
            return False
        try:
            answer = await channel.ask("signal", run=name, timeout=SIGNAL_SECONDS)
        except KernelError:
            return False
        return isinstance(answer, dict) and answer.get("sent") is True

    async def close(self) -> None:
        """Let the channel go; the interpreter stays."""
        self._end_prompts()
        self._link.leave()

    def forget(self) -> None:
        """The interpreter is gone, and with it the hooks and all comms."""
        self.hello = None
        self._nonce = secrets.token_hex(6)
        self._started.clear()
        self._link.leave()
        for event in self.comms.close_all():
            self._front.publish("", event)

    def _need_hooks(self) -> None:
        if self.hello is None:
            raise BridgeError(self.plain_because or "No cell has run in this session yet")

    def _to_start(self, cell: Cell) -> list[str]:
        return [each for each in cell.start if each not in self._started and each != cell.code]

    def _make_run(self, cell: Cell, emit: Emit) -> Run:
        def admitted(event: Event) -> None:
            if (allowed := self._allowed(event)) is not None:
                emit(allowed)

        return Run(
            self._nonce,
            cell,
            admitted,
            publish=self._publish,
            on_input=self._on_input,
            on_hello=self._on_hello,
            on_arrived=self._on_arrived,
            is_new=self._link.is_new,
        )

    async def _run_plain(self, cell: Cell, emit: Emit, timeout: float) -> messages.Reply:
        errors: list[CellError] = []

        def sort(event: Event) -> None:
            if isinstance(event, CellError):
                errors.append(event)
            elif (allowed := self._allowed(event)) is not None:
                emit(allowed)

        result = await self.session.run_code(cell.code, sort, timeout=timeout)
        if errors:
            emit(errors[-1])
        return messages.Reply(result.ok or not errors, errors[-1] if errors else None)

    async def _without_reply(
        self, run: Run, emit: Emit, timeout: float, *, first: bool
    ) -> messages.Reply:
        """What it means that the hooks did not tell the cell's end."""
        error = run.error or CellError("InterpreterDied", "The cell had no end", ())
        if error.ename == "KeyboardInterrupt":
            if not run.begun:
                line = f"\x1b[31m{error.ename}\x1b[39m: {BEFORE}"
                error = CellError(error.ename, BEFORE, (line,))
            emit(error)  # it hit the hooks themselves, before or after the user's code
            return messages.Reply(False, error)
        refused = error.ename == "SyntaxError" and not run.begun
        if refused and not first:
            self.forget()
            self._replaced = True
            return await self.run(run.cell, emit, timeout=timeout)
        if first and self.hello is None and error.ename not in ENDS:
            self.plain_because = f"the interpreter did not take the hooks ({error.ename})"
            log.warning("%s: %s", self.plain_because, error.evalue)
            return await self._run_plain(run.cell, emit, timeout)
        self.forget()
        self._replaced = True
        error = _died(error)
        emit(error)
        return messages.Reply(False, error)

    async def _recover(self, run: Run, lost: ConnectionLost, emit: Emit, patience: float) -> None:
        self._link.drop()

        async def ask(operation: str, **rest: Any) -> Any:
            if self.hello is None:
                self._on_hello(await self._link.find(self._nonce, lost))
            return await self._link.ask(operation, timeout=TAIL_SECONDS, **rest)

        async def reached() -> None:
            self._link.drop()
            await self.session.status()

        self.reconnecting = True
        try:
            await Recovery(run, ask, reached, emit, patience).read(lost)
        finally:
            self.reconnecting = False
            if self.hello is None:
                self._nonce = secrets.token_hex(6)

    def _on_hello(self, content: Mapping[str, Any]) -> None:
        if self.hello is None:
            self.hello = messages.to_hello(content)
            self._link.meet(self._nonce, self.hello)

    def _on_arrived(self, position: int) -> None:
        if self._run is not None:
            self._link.tell("ack", run=self._run.cell.request, at=position)

    def _on_gone(self, error: InterpreterGone | SessionGone) -> None:
        """The interpreter has died, or all of its session; what ran in it tells so itself."""
        if self._run is None and self.hello is not None:
            died = isinstance(error, InterpreterGone)
            log.info("the %s while idle", "interpreter has died" if died else "session has ended")
            self.forget()
            self._replaced = died

    def _has_more(self) -> bool:
        return self._run is None and (self._link.threads or bool(self.comms.open_ones))

    def _publish(self, parent: str, event: Event) -> None:
        if (allowed := self._allowed(event)) is not None:
            self._front.publish(parent, allowed)

    def _allowed(self, event: Event) -> Event | None:
        return self._filtered(event) if self.comms.admit(event) else None

    def _on_message(self, message: Mapping[str, Any]) -> None:
        """Take what the interpreter says outside of a cell's stream."""
        try:
            event = messages.to_event(message)
        except messages.Malformed as error:
            log.warning("the session sent a message that is none: %s", error)
            return
        self._publish(str(message.get("p") or ""), event)

    def _on_input(self, request: messages.InputRequest) -> None:
        if len(self._prompts) >= MOST_PROMPTS:
            log.warning("the session asks more at once than anybody can answer")
            return
        task = asyncio.ensure_future(self._answer(request))
        self._prompts.add(task)
        task.add_done_callback(self._prompts.discard)

    async def _answer(self, request: messages.InputRequest) -> None:
        reply: dict[str, Any]
        try:
            value = await self._front.ask_user(request.prompt, password=request.password)
            reply = {"value": value}
        except EOFError:
            reply = {"eof": True}
        except BridgeError as error:
            reply = {"error": error.message}
        try:
            channel = await self._link.open()
            await channel.post("input", id=request.number, reply=reply)
        except KernelError:
            log.info("the answer goes as a file", exc_info=True)
            await self._answer_by_file(request, reply)

    async def _answer_by_file(
        self, request: messages.InputRequest, reply: Mapping[str, Any]
    ) -> None:
        hello = self.hello
        if hello is None or not request.place.startswith(f"{hello.folder}/input-"):
            return
        await self.session.files.write(request.place, (json.dumps(reply) + "\n").encode())

    def _end_prompts(self) -> None:
        for task in self._prompts:
            task.cancel()


def _died(error: CellError) -> CellError:
    """An interpreter's end as a notebook shows it: how it came, and what is left."""
    line = f"\x1b[31m{error.ename}\x1b[39m: {error.evalue}"
    return CellError(error.ename, error.evalue, (line, DIED))
