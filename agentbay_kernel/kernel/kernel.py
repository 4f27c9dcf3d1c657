"""The kernel: execute requests become events of a session, the rest is ipykernel's."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

from traitlets import Float, Instance, default

from agentbay_kernel import __version__, languages, providers
from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.kernel import overhead
from agentbay_kernel.kernel.interrupts import Interrupts
from agentbay_kernel.kernel.requests import RequestsKernel

if TYPE_CHECKING:
    from agentbay_kernel.bridge.bridge import Bridge
    from agentbay_kernel.bridges import Bridges
    from agentbay_kernel.events import Emit
    from agentbay_kernel.kernel.lab_comm import LabComm
    from agentbay_kernel.kernel.runner import CellRunner
    from agentbay_kernel.magics import Context

PRELOAD_SECONDS = 0.5
SHUTDOWN_SECONDS = 2.0
LAB = "agentbay"
"""The target of the comm that JupyterLab's extension opens."""
TERMINATE_SECONDS = 1.5


class AgentBayKernel(RequestsKernel):
    """An IPython kernel whose cells run in a session."""

    implementation = "agentbay-kernel"
    implementation_version = __version__

    options = Instance(AgentBayOptions)
    # ipykernel waits this long, in seconds, for its output to leave before each reply. Ours is on
    # its way in the same queue.
    _execute_sleep = Float(0.0).tag(config=True)

    @default("options")
    def _default_options(self) -> AgentBayOptions:
        return AgentBayOptions(parent=self)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.interrupts = Interrupts()
        self._answered = False
        self.comm_manager.register_target(LAB, self._on_lab_comm)

    @cached_property
    def runner(self) -> CellRunner:
        """What runs cells; its modules are imported when the front end has its first answer."""
        from agentbay_kernel.kernel.runner import CellRunner

        runner = CellRunner(self, self.interrupts, self.options, super().do_execute)
        runner.engine.places.claim()
        return runner

    @cached_property
    def lab(self) -> LabComm:
        """What answers JupyterLab's extension."""
        from agentbay_kernel.kernel.lab_comm import LabComm

        return LabComm(self.runner.panel)

    def _on_lab_comm(self, comm: Any, message: Any) -> None:
        from agentbay_kernel.kernel import lab_comm

        if self._main_loop is not None:
            lab_comm.opened(comm, message, self._main_loop, lambda: self.lab)

    @property
    def bridges(self) -> Bridges:
        """The bridge to the session's interpreter."""
        return self.runner.engine.bridges

    def all_bridges(self) -> list[Bridge]:
        """The bridges to the interpreters of all sessions."""
        found = [each.bridges.current for each in self.runner.engine.places]
        return [each for each in found if each is not None]

    def magic_context(self) -> Context:
        """What completion of our magics may ask; nothing is shown and nothing runs."""
        return self.runner.magic_context(lambda event: None)

    @property
    def banner(self) -> str:
        """What a console shows at the start."""
        choice = providers.choose(self.options)
        place = f"{choice.name} ({choice.reason})"
        return (
            f"AgentBay kernel {__version__}: cells run in a session of {place}. "
            "%agentbay shows its state, %%local runs a cell here.\n"
        )

    @property
    def kernel_info(self) -> dict[str, Any]:
        """ipykernel's facts without the debugger, which cannot reach a session."""
        info = dict(super().kernel_info)
        info["supported_features"] = [f for f in info["supported_features"] if f != "debugger"]
        return {**info, **languages.info_of(self.options.language)}

    @property
    def speaks_python(self) -> bool:
        """Whether a cell's names are Python's."""
        return bool(self.options.language == "python")

    def do_is_complete(self, code: str) -> Any:
        """Whether a cell is whole, in the kernel's language."""
        return languages.is_complete(self.options.language, code) or super().do_is_complete(code)

    def start(self) -> None:
        """Start ipykernel's channels."""
        super().start()
        signal.signal(signal.SIGTERM, self._on_sigterm)
        overhead.reduce(self)
        self.io_loop.add_callback(self._on_loop)

    def _on_loop(self) -> None:
        self._main_loop = asyncio.get_running_loop()
        gc.freeze()  # what is there now stays to the end
        gc.enable()

    async def kernel_info_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Answer; after the first time load the rest, and take over what a former process left."""
        await super().kernel_info_request(stream, ident, parent)
        if not self._answered:
            self._answered = True
            self.io_loop.add_callback(self._load)

    def _load(self) -> None:
        overhead.keep_memory()
        self.runner.engine  # noqa: B018 - its modules are imported now
        self.io_loop.call_later(PRELOAD_SECONDS, self._preload)

    def _preload(self) -> None:
        """Import the SDK, unless a front end's own start-up code runs, which that would slow."""
        if self.interrupts.is_executing():
            self.io_loop.call_later(PRELOAD_SECONDS, self._preload)
        else:
            self.runner.engine.preload()

    async def dispatch_shell(
        self, msg: Any, /, subshell_id: str | None = None, *, concurrent: bool = False
    ) -> None:
        """Handle a message; a Stop counts from the first moment at which a cell is seen to run."""
        runs = self._asks_to_run(msg)
        if runs and subshell_id is None and self._main_loop is not None and self._is_warm():
            self.held.start(self._main_loop)
        with self.interrupts.request() if runs else contextlib.nullcontext():
            await super().dispatch_shell(msg, subshell_id, concurrent=concurrent)

    def _asks_to_run(self, message: Any) -> bool:
        if len(message) == 1:  # a word of ipykernel's to itself
            return False
        _, parts = self.session.feed_identities(message, copy=False)
        return b'"execute_request"' in bytes(parts[1].buffer)

    def _is_warm(self) -> bool:
        return "runner" in vars(self) and self.bridges.is_ready

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
        return await self.runner.execute(
            code,
            silent=silent,
            store_history=store_history,
            user_expressions=user_expressions or {},
            allow_stdin=allow_stdin,
            cell_id=cell_id or "",
            cell_meta=cell_meta or {},
        )

    async def _give(
        self, bridge: Bridge, message: dict[str, Any], emit: Emit, *, aside: bool
    ) -> None:
        await self.runner.give(bridge, message, emit, aside=aside)

    async def complete_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Complete; a user is there."""
        self.runner.engine.places.touch()
        await super().complete_request(stream, ident, parent)

    async def interrupt_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Stop what runs; while idle there is nothing to stop, and no signal is sent."""
        if not self.interrupts.press():
            await super().interrupt_request(stream, ident, parent)
            return
        self.session.send(stream, "interrupt_reply", {"status": "ok"}, parent, ident=ident)

    async def poll_stopped_queue(self) -> None:
        """Wait for nothing: there is no debugger."""

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
        if self._main_loop is None or "runner" not in vars(self):
            return
        closing = self.runner.engine.places.close(restart=restart)
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
