"""What stands behind the kernel's messages: which code runs where, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentbay_kernel import probes, providers, upload
from agentbay_kernel.execution import Cell, Execution, Outcome, RunLocal, RunMagic, Running
from agentbay_kernel.identity import identify
from agentbay_kernel.ledger import Ledger
from agentbay_kernel.places import MAIN, Place, Places
from agentbay_kernel.sessions import SessionManager

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentbay_kernel.bridge.bridge import Bridge
    from agentbay_kernel.bridges import Bridges, Front
    from agentbay_kernel.cells import Segment
    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.events import Emit, Event
    from agentbay_kernel.session import Session

__all__ = ["Cell", "Engine", "Outcome", "Route"]

Route = probes.Route
WORKSPACE = "/workspace"


class Engine:
    """One kernel's sessions and the cells that run in them."""

    def __init__(
        self,
        options: AgentBayOptions,
        connection_file: str,
        *,
        front: Front,
        run_magic: RunMagic,
        run_local: RunLocal,
        warn: Callable[[str], None],
        parse: Callable[[str], list[Segment]] | None = None,
    ) -> None:
        self.options = options
        self._warn = warn
        self._front = front
        self._identity = identify(connection_file)
        self._ledger = Ledger.of_user()
        self.places = Places(self._place)
        self._lasting: dict[str, str] = {}
        self._execution = Execution(self.places, run_magic, run_local, parse)

    @property
    def manager(self) -> SessionManager:
        """The manager of the current place's session."""
        return self.places.current.manager

    @property
    def bridges(self) -> Bridges:
        """The bridge to the current place's interpreter."""
        return self.places.current.bridges

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
        for place in self.places:
            if place.bridges.current is bridge:
                await place.manager.wake()
        await self._execution.handle(bridge, message, emit, aside=aside, running=running)

    def preload(self) -> None:
        """Import the provider's SDK in the background."""
        # It puts another module in its place: nobody may import it while the thread does.
        import_module("pygments.lexers")

        providers.preload(self.options)

    def _note(self, code: str) -> None:
        """Take from a front end's code what it tells about the notebook."""
        self.places.note(probes.notebook_path(code))
        self.places.touch()

    def _place(self, name: str) -> Place:
        # What became known of the notebook since the start stands with the first place.
        known = self.places.main.manager.identity if name != MAIN else self._identity
        manager = SessionManager(
            self.options,
            known.named("" if name == MAIN else name),
            providers.make,
            self._ledger,
            warn=self._warn,
            prepare=self._prepare,
        )
        return Place.of(
            name,
            manager,
            self._front,
            untrusted_output=self.options.untrusted_output,
            is_taken=lambda comm_id: self.places.has_comm(comm_id, but=name),
        )

    async def _prepare(self, session: Session) -> None:
        if self.options.upload == "notebook-folder":
            limit = self.options.upload_limit_mb
            self._warn(await upload.send_folder(session, Path.cwd(), WORKSPACE, limit))
