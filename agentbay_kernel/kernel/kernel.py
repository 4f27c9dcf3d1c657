"""The kernel: execute requests become events of a session, the rest is ipykernel's."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from traitlets import Instance, default

from agentbay_kernel import __version__, live, magics
from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.engine import Cell, Engine, Outcome, Route
from agentbay_kernel.events import CellError, Stream
from agentbay_kernel.kernel.interrupts import Interrupts
from agentbay_kernel.kernel.requests import RequestsKernel

if TYPE_CHECKING:
    from agentbay_kernel.cells import CellMagic, LineMagic
    from agentbay_kernel.events import Emit

SHUTDOWN_SECONDS = 2.0
TERMINATE_SECONDS = 1.5


class AgentBayKernel(RequestsKernel):
    """An IPython kernel whose cells run in a session."""

    implementation = "agentbay-kernel"
    implementation_version = __version__

    options = Instance(AgentBayOptions)

    @default("options")
    def _default_options(self) -> AgentBayOptions:
        return AgentBayOptions(parent=self)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.engine = Engine(
            self.options,
            getattr(self.parent, "connection_file", ""),
            front=self.front,
            run_magic=self._run_magic,
            run_local=self._run_local,
            warn=self._warn,
        )
        self.manager = self.engine.manager
        self.bridges = self.engine.bridges
        self.interrupts = Interrupts()
        self._payload: list[dict[str, Any]] = []
        self._preloaded = False
        live.publish(self.manager)

    @property
    def banner(self) -> str:
        """What a console shows at the start."""
        return (
            f"AgentBay kernel {__version__}: cells run in a session of {self.engine.place()}. "
            "%agentbay shows its state, %%local runs a cell here.\n"
        )

    @property
    def kernel_info(self) -> dict[str, Any]:
        """ipykernel's facts without the debugger, which cannot reach a session."""
        info = dict(super().kernel_info)
        info["supported_features"] = [f for f in info["supported_features"] if f != "debugger"]
        return info

    def start(self) -> None:
        """Start ipykernel's channels, and take over what a former process left."""
        super().start()
        signal.signal(signal.SIGTERM, self._on_sigterm)
        self.io_loop.add_callback(self._on_loop)

    def _on_loop(self) -> None:
        self._main_loop = asyncio.get_running_loop()
        self.manager.claim()

    async def kernel_info_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Answer, then import the SDK in the background, once."""
        await super().kernel_info_request(stream, ident, parent)
        if not self._preloaded:
            self._preloaded = True
            self.engine.preload()

    async def execute_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Handle an execute request; a Stop counts from its first moment."""
        with self.interrupts.request():
            await super().execute_request(stream, ident, parent)

    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
        *,
        cell_meta: Any = None,
        cell_id: Any = None,
    ) -> dict[str, Any]:
        """Run a cell where it belongs and give the content of its reply."""
        where, answer = self.engine.route(
            code, silent=silent, store_history=store_history, allow_stdin=allow_stdin
        )
        if where is Route.LOCAL:
            with self.interrupts.local():
                reply: dict[str, Any] = await super().do_execute(
                    code, silent, store_history, user_expressions, allow_stdin
                )
            return reply
        parent = self.get_parent("shell")
        count = self.shell.execution_count
        publisher = self.front.under(parent, count)
        if where is Route.NOWHERE:
            for event in answer:
                publisher(event)
            return self._reply(Outcome())
        ident = self._get_shell_context_var(self._shell_parent_ident)
        self.front.allow_input(ident if allow_stdin else None, parent)
        emit: Emit = (lambda _event: None) if silent else publisher
        cell = Cell(
            code,
            request=parent["header"]["msg_id"],
            count=count,
            store=store_history and not silent,
            silent=silent,
            allow_stdin=allow_stdin,
            expressions=user_expressions or {},
            cell_id=cell_id or "",
        )
        # A tool that keeps no history compares outputs, so it gets the cell's own only.
        outcome = await self._on_main(self._run_cell(cell, emit, progress=store_history))
        publisher.flush()
        if cell.store:
            self.shell.history_manager.store_inputs(count, code, code)
            self.shell.execution_count = count + 1
        return self._reply(outcome)

    async def _run_cell(self, cell: Cell, emit: Emit, *, progress: bool) -> Outcome:
        with self.interrupts.running(self.engine.stop):
            outcome = await self.engine.run(cell, emit, progress=progress)
        if cell.expressions and outcome.error is None and not outcome.user_expressions:
            outcome.user_expressions = await self.bridges.expressions(cell.expressions)
        return outcome

    def _is_executing(self) -> bool:
        return self.interrupts.is_executing()

    async def _run_magic(self, magic: LineMagic, emit: Emit) -> None:
        context = magics.Context(self.manager, emit, self.shell.user_ns.__setitem__)
        page = await magics.run(magic.name, magic.line, context)
        if page:
            self._payload.append({"source": "page", "data": {"text/plain": page}, "start": 0})

    async def _run_local(self, magic: CellMagic) -> CellError | None:
        # Without history IPython shows an Out under the number before.
        self.shell.execution_count += 1
        try:
            with self.interrupts.local():
                reply = await super().do_execute(magic.body, False, False, {}, self._allow_stdin)
        finally:
            self.shell.execution_count -= 1
        self._payload += reply.get("payload", [])
        if reply["status"] == "ok":
            return None
        return CellError(reply["ename"], reply["evalue"], tuple(reply["traceback"]))

    def _reply(self, outcome: Outcome) -> dict[str, Any]:
        payload, self._payload = [*outcome.payload, *self._payload], []
        error = outcome.error
        reply: dict[str, Any] = {
            "status": "ok" if error is None else "error",
            "execution_count": self.shell.execution_count - 1,
            "payload": payload,
            "user_expressions": dict(outcome.user_expressions) if error is None else {},
        }
        if error is not None:
            reply |= {"ename": error.ename, "evalue": error.evalue}
            reply["traceback"] = list(error.traceback)
        return reply

    async def complete_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Complete; a user is there."""
        self.manager.touch()
        await super().complete_request(stream, ident, parent)

    async def interrupt_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Stop what runs; while idle there is nothing to stop, and no signal is sent."""
        if not self.interrupts.press():
            await super().interrupt_request(stream, ident, parent)
            return
        self.session.send(stream, "interrupt_reply", {"status": "ok"}, parent, ident=ident)

    async def do_debug_request(self, msg: dict[str, Any]) -> dict[str, Any]:
        """Refuse in the debug protocol's words."""
        return {
            "type": "response",
            "request_seq": msg.get("seq", 0),
            "success": False,
            "command": msg.get("command", ""),
            "message": "Code in a session cannot be debugged.",
            "body": {},
        }

    async def do_shutdown(self, restart: bool) -> dict[str, Any]:
        """Let the session go by the policy within the time that a shutdown has."""
        await asyncio.to_thread(self._close, restart, SHUTDOWN_SECONDS)
        reply: dict[str, Any] = super().do_shutdown(restart)
        return reply

    def _close(self, restart: bool, seconds: float) -> None:
        if self._main_loop is None:
            return
        closing = self.manager.close(restart=restart)
        future = asyncio.run_coroutine_threadsafe(closing, self._main_loop)
        try:
            future.result(seconds)
        except Exception:
            self.log.warning("the session's end is left to its guardian", exc_info=True)

    def _on_sigterm(self, _signum: int, _frame: Any) -> None:
        threading.Thread(target=self._terminate, name="terminate", daemon=True).start()

    def _terminate(self) -> None:
        self._close(False, TERMINATE_SECONDS)
        os._exit(0)

    def _warn(self, text: str) -> None:
        self.front.publish("", Stream("stderr", text + "\n"))
