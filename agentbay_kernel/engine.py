"""What stands behind the kernel's messages: which code runs where, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentbay_kernel import probes, providers, upload
from agentbay_kernel.bridges import Bridges, Front
from agentbay_kernel.execution import Cell, Execution, Outcome, RunLocal, RunMagic, Running
from agentbay_kernel.identity import identify
from agentbay_kernel.ledger import Ledger
from agentbay_kernel.sessions import SessionManager

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentbay_kernel.bridge.bridge import Bridge
    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.events import Emit, Event
    from agentbay_kernel.session import Session

__all__ = ["Cell", "Engine", "Outcome", "Route"]

Route = probes.Route
WORKSPACE = "/workspace"


class Engine:
    """One kernel's session and the cells that run in it."""

    def __init__(
        self,
        options: AgentBayOptions,
        connection_file: str,
        *,
        front: Front,
        run_magic: RunMagic,
        run_local: RunLocal,
        warn: Callable[[str], None],
    ) -> None:
        self.options = options
        self._warn = warn
        self.manager = SessionManager(
            options,
            identify(connection_file),
            providers.make,
            Ledger.of_user(),
            warn=warn,
            prepare=self._prepare,
        )
        self.bridges = Bridges(front, untrusted_output=options.untrusted_output)
        self.manager.on_forget = self.bridges.leave
        self._lasting: dict[str, str] = {}
        self._execution = Execution(self.manager, self.bridges.of, run_magic, run_local)

    def stop(self) -> None:
        """Interrupt the running cell."""
        self._execution.stop()

    def route(
        self, code: str, *, silent: bool, store_history: bool, allow_stdin: bool
    ) -> tuple[Route, tuple[Event, ...]]:
        """Where a request's code runs now, and the answer when that is nowhere."""
        self._note(code)
        if silent or not store_history:
            self._lasting |= probes.lasting(code)
        where, answer = probes.route(
            code, silent=silent, store_history=store_history, allow_stdin=allow_stdin
        )
        if where is Route.ALIVE:
            where = Route.SESSION if self.manager.alive else Route.NOWHERE
        return where, answer

    async def run(self, cell: Cell, emit: Emit, *, progress: bool = True) -> Outcome:
        """Run a cell; its error has been emitted. `progress` tells of a slow start."""
        cell = replace(cell, start=tuple(self._lasting.values()))
        return await self._execution.run(cell, emit, progress=progress)

    async def handle(
        self,
        bridge: Bridge,
        message: Mapping[str, Any],
        emit: Emit,
        *,
        aside: bool,
        running: Running,
    ) -> None:
        """Let the session handle a comm message; for the time of `running` a Stop ends that."""
        await self._execution.handle(bridge, message, emit, aside=aside, running=running)

    def preload(self) -> None:
        """Import the provider's SDK in the background."""
        # It puts another module in its place: nobody may import it while the thread does.
        import_module("pygments.lexers")

        providers.preload(self.options)

    def _note(self, code: str) -> None:
        """Take from a front end's code what it tells about the notebook."""
        notebook = probes.notebook_path(code)
        if notebook and not self.manager.identity.notebook:
            self.manager.identity.notebook = notebook
            self.manager.claim()
        self.manager.touch()

    async def _prepare(self, session: Session) -> None:
        if self.options.upload == "notebook-folder":
            limit = self.options.upload_limit_mb
            self._warn(await upload.send_folder(session, Path.cwd(), WORKSPACE, limit))
