"""Runs execute requests: in the session, in the kernel's process, or nowhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from agentbay_kernel import live, magics
from agentbay_kernel.engine import Cell, Engine, Outcome, Route
from agentbay_kernel.events import CellError, Stream

if TYPE_CHECKING:
    from agentbay_kernel.cells import CellMagic, LineMagic
    from agentbay_kernel.events import Emit
    from agentbay_kernel.kernel.interrupts import Interrupts
    from agentbay_kernel.kernel.requests import RequestsKernel

RunHere = Callable[..., Awaitable[dict[str, Any]]]


class CellRunner:
    """The engine of one kernel, and the replies to its execute requests.

    `run_here` is ipykernel's own `do_execute`.
    """

    def __init__(
        self, kernel: RequestsKernel, interrupts: Interrupts, options: Any, run_here: RunHere
    ) -> None:
        self._kernel = kernel
        self._interrupts = interrupts
        self._run_here = run_here
        self._payload: list[dict[str, Any]] = []
        self.engine = Engine(
            options,
            getattr(kernel.parent, "connection_file", ""),
            front=kernel.front,
            run_magic=self._run_magic,
            run_local=self._run_local,
            warn=self._warn,
        )
        live.publish(self.engine.manager)

    async def execute(
        self,
        code: str,
        *,
        silent: bool,
        store_history: bool,
        user_expressions: dict[str, str],
        allow_stdin: bool,
        cell_id: str,
    ) -> dict[str, Any]:
        """Run a cell where it belongs and give the content of its reply."""
        kernel = self._kernel
        where, answer = self.engine.route(
            code, silent=silent, store_history=store_history, allow_stdin=allow_stdin
        )
        if where is Route.LOCAL:
            with self._interrupts.local():
                return await self._run_here(
                    code, silent, store_history, user_expressions, allow_stdin
                )
        parent = kernel.get_parent("shell")
        count = kernel.shell.execution_count
        publisher = kernel.front.under(parent, count)
        if where is Route.NOWHERE:
            for event in answer:
                publisher(event)
            return self._reply(Outcome())
        kernel.front.allow_input(kernel.shell_ident() if allow_stdin else None, parent)
        cell = Cell(
            code,
            request=parent["header"]["msg_id"],
            count=count,
            store=store_history and not silent,
            silent=silent,
            allow_stdin=allow_stdin,
            expressions=user_expressions,
            cell_id=cell_id,
        )
        emit: Emit = (lambda _event: None) if silent else publisher
        # A tool that keeps no history compares outputs, so it gets the cell's own only.
        outcome = await kernel.on_main(self._run_cell(cell, emit, progress=store_history))
        publisher.flush()
        if cell.store:
            kernel.shell.history_manager.store_inputs(count, code, code)
            kernel.shell.execution_count = count + 1
        return self._reply(outcome)

    async def _run_cell(self, cell: Cell, emit: Emit, *, progress: bool) -> Outcome:
        with self._interrupts.running(self.engine.stop):
            outcome = await self.engine.run(cell, emit, progress=progress)
        if cell.expressions and outcome.error is None and not outcome.user_expressions:
            found = await self.engine.bridges.expressions(cell.expressions)
            outcome.user_expressions = found
        return outcome

    async def _run_magic(self, magic: LineMagic, emit: Emit) -> None:
        keep = self._kernel.shell.user_ns.__setitem__
        context = magics.Context(self.engine.manager, emit, keep)
        page = await magics.run(magic.name, magic.line, context)
        if page:
            self._payload.append({"source": "page", "data": {"text/plain": page}, "start": 0})

    async def _run_local(self, magic: CellMagic) -> CellError | None:
        shell = self._kernel.shell
        # Without history IPython shows an Out under the number before.
        shell.execution_count += 1
        try:
            with self._interrupts.local():
                allow_stdin = self._kernel._allow_stdin
                reply = await self._run_here(magic.body, False, False, {}, allow_stdin)
        finally:
            shell.execution_count -= 1
        self._payload += reply.get("payload", [])
        if reply["status"] == "ok":
            return None
        return CellError(reply["ename"], reply["evalue"], tuple(reply["traceback"]))

    def _reply(self, outcome: Outcome) -> dict[str, Any]:
        payload, self._payload = [*outcome.payload, *self._payload], []
        error = outcome.error
        reply: dict[str, Any] = {
            "status": "ok" if error is None else "error",
            "execution_count": self._kernel.shell.execution_count - 1,
            "payload": payload,
            "user_expressions": dict(outcome.user_expressions) if error is None else {},
        }
        if error is not None:
            reply |= {"ename": error.ename, "evalue": error.evalue}
            reply["traceback"] = list(error.traceback)
        return reply

    def _warn(self, text: str) -> None:
        self._kernel.front.publish("", Stream("stderr", text + "\n"))
