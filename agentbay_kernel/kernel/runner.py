"""Runs execute requests: in the session, in the kernel's process, or nowhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from agentbay_kernel import languages, live, magics, probes
from agentbay_kernel.cells import CellMagic
from agentbay_kernel.engine import Cell, Engine, Outcome, Route
from agentbay_kernel.events import CellError, Stream

if TYPE_CHECKING:
    from agentbay_kernel.bridge.bridge import Bridge
    from agentbay_kernel.cells import LineMagic
    from agentbay_kernel.events import Emit
    from agentbay_kernel.execution import Inside
    from agentbay_kernel.kernel.interrupts import Interrupts
    from agentbay_kernel.kernel.publisher import Publisher
    from agentbay_kernel.kernel.requests import RequestsKernel
    from agentbay_kernel.panel.panel import Panel

STAYS = (
    "The kernel stays until the front end shuts it down; %agentbay delete ends the session now.\n"
)

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
        self._cell = Cell("")
        # Those of subshells wait too: a session's interpreter runs one after the other.
        self._turn = asyncio.Lock()
        self.engine = Engine(
            options,
            getattr(kernel.parent, "connection_file", ""),
            front=kernel.front,
            run_magic=self._run_magic,
            run_local=self._run_local,
            parse=languages.parser(options.language),
            warn=self._warn,
        )
        live.publish(lambda: self.engine.manager, panel=lambda: self.panel.view)

    async def execute(
        self,
        code: str,
        *,
        silent: bool,
        store_history: bool,
        user_expressions: dict[str, str],
        allow_stdin: bool,
        cell_id: str,
        cell_meta: dict[str, Any],
    ) -> dict[str, Any]:
        """Run a cell where it belongs and give the content of its reply."""
        where, answer = self.engine.route(
            code, silent=silent, store_history=store_history, allow_stdin=allow_stdin
        )
        kernel = self._kernel
        if where is Route.LOCAL:
            kernel.held.release()
            with self._interrupts.local():
                return await self._run_here(
                    code, silent, store_history, user_expressions, allow_stdin
                )
        parent = kernel.get_parent("shell")
        cell = Cell(
            code,
            request=parent["header"]["msg_id"],
            count=kernel.shell.execution_count,
            store=store_history and not silent and bool(code.strip()),
            silent=silent,
            allow_stdin=allow_stdin,
            expressions=user_expressions,
            cell_id=cell_id,
            metadata=cell_meta,
        )
        if cell.store:
            kernel.held(partial(kernel.history.remember, cell))
        # IPython numbers what is not kept like the cell before.
        publisher = kernel.front.under(parent, cell.count - (not cell.store))
        if where is Route.NOWHERE:
            for event in answer:
                publisher(event)
            outcome = Outcome(next((each for each in answer if isinstance(each, CellError)), None))
            if user_expressions:
                asked = self.engine.bridges.expressions(user_expressions)
                outcome.user_expressions = await kernel.on_main(asked)
            return self._reply(cell, outcome, publisher)
        # A tool that keeps no history compares outputs, so it gets the cell's own only.
        asker = (kernel.shell_ident() if allow_stdin else None, parent)
        running = self._run_cell(cell, publisher, progress=store_history, asker=asker)
        return dict(await kernel.on_main(running))

    async def give(
        self, bridge: Bridge, message: dict[str, Any], emit: Emit, *, aside: bool
    ) -> None:
        """Let the session handle a comm message; without a running cell a Stop ends that."""
        interrupts = self._interrupts
        running = (
            (lambda _: contextlib.nullcontext())
            if interrupts.is_executing()
            else interrupts.running
        )
        await self.engine.handle(bridge, message, emit, aside=aside, running=running)

    async def _run_cell(
        self, cell: Cell, publisher: Publisher, *, progress: bool, asker: tuple[Any, Any]
    ) -> dict[str, Any]:
        async with self._turn:
            self._cell = cell
            self._kernel.front.allow_input(*asker)
            await self._kernel.settle()
            with self._interrupts.running(self.engine.stop):
                outcome = await self.engine.run(cell, publisher, progress=progress)
            self._kernel.held.release()
            if cell.expressions and outcome.error is None and not outcome.user_expressions:
                found = await self.engine.bridges.expressions(cell.expressions)
                outcome.user_expressions = found
            return self._reply(cell, outcome, publisher)

    def magic_context(self, emit: Emit, inside: Inside | None = None) -> magics.Context:
        """What one of our magics works with; nothing runs in the session without `inside`."""
        names = self._kernel.shell.user_ns
        return magics.Context.of(
            self.engine.places,
            emit,
            names.__setitem__,
            inside,
            question=self._kernel.front.ask_user,
            names=names,
            panel=lambda: self.panel.display(),
        )

    @cached_property
    def panel(self) -> Panel:
        """The panel of this kernel's sessions, made when somebody wants to see it."""
        from agentbay_kernel.panel.panel import Panel

        return Panel(self.engine.places, self.magic_context, self._kernel.main_loop)

    async def _run_magic(
        self, magic: LineMagic | CellMagic, emit: Emit, inside: Inside
    ) -> CellError | None:
        self._kernel.held.release()
        context = self.magic_context(emit, inside)
        body = magic.body if isinstance(magic, CellMagic) else None
        done = await magics.run(magic.name, magic.line, context, body)
        if done.page:
            self._payload.append(_page(done.page))
        return done.error

    async def _run_local(self, magic: CellMagic) -> CellError | None:
        self._kernel.held.release()
        if magic.line.startswith("?"):
            self._payload.append(_page(magics.help_of(magic.name)))
            return None
        body, above = magic.body, self._cell.code.removesuffix(magic.body)
        if not body.startswith("%%"):
            body = "#\n" * above.count("\n") + body  # line numbers are the cell's
        with self._as_last_input(body), self._interrupts.local():
            reply = await self._run_here(body, False, True, {}, self._cell.allow_stdin)
        self._payload += reply.get("payload", [])
        if reply["status"] == "ok":
            return None
        return CellError(reply["ename"], reply["evalue"], tuple(reply["traceback"]))

    @contextlib.contextmanager
    def _as_last_input(self, body: str) -> Iterator[None]:
        """Let IPython number the running cell, in whose last input it looks for a `;`."""
        shell, own = self._kernel.shell, self._cell.count
        manager, count = shell.history_manager, shell.execution_count
        lines, store = manager.input_hist_parsed, manager.store_inputs
        last, parsed = len(lines) - 1, lines[-1]
        shell.execution_count, lines[last] = own, self._kernel.history.python(body)
        # It is stored as typed.
        manager.store_inputs = lambda number, *texts: number == own or store(number, *texts)
        try:
            yield
        finally:
            del manager.store_inputs
            shell.execution_count, lines[last] = count, parsed

    def _reply(self, cell: Cell, outcome: Outcome, publisher: Publisher) -> dict[str, Any]:
        payload, self._payload = [*outcome.payload, *self._payload], []
        error = outcome.error
        if cell.store and probes.leaves(cell.code) and error is None and not publisher.used:
            publisher(Stream("stderr", STAYS))
            payload.append({"source": "ask_exit", "keepkernel": False})
        publisher.flush()
        reply: dict[str, Any] = {
            "status": "ok" if error is None else "error",
            "execution_count": cell.count - (not cell.store),
            "payload": payload,
            "user_expressions": dict(outcome.user_expressions) if error is None else {},
        }
        if error is not None:
            reply |= {"ename": error.ename, "evalue": error.evalue}
            reply["traceback"] = list(error.traceback)
        return reply

    def _warn(self, text: str) -> None:
        self._kernel.front.publish("", Stream("stderr", text + "\n"))


def _page(text: str) -> dict[str, Any]:
    return {"source": "page", "data": {"text/plain": text}, "start": 0}
