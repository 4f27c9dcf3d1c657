"""Makes sandboxes, one of them ahead of its need, and removes what they leave."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentbay_kernel.service.port import Limits, Sandbox, SandboxSpec
from agentbay_kernel.service.state import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

log = logging.getLogger("agentbay_kernel.service")

# Long enough to leave the processor to the first cell of the session that was just made.
SPARE_AFTER = 1.0
SPARE_STAYS = 600.0


def local_sandbox(spec: SandboxSpec) -> Sandbox:
    """The sandbox of this computer."""
    from agentbay_kernel.service.sandbox import LocalSandbox

    return LocalSandbox(spec)


@dataclass(frozen=True, slots=True)
class Spare:
    """A started sandbox that no session has yet, and the id of the one that will."""

    session_id: str
    box: Sandbox


class Boxes:
    """The sandboxes of one service; each has a folder of its session's name."""

    def __init__(
        self, folder: Path, limits: Limits, engine: str, make: Callable[[SandboxSpec], Sandbox]
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._engine = engine
        self._make = make
        self._spare: Spare | None = None
        self._starting: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None

    def root(self, session_id: str) -> Path:
        """The folder of a session."""
        return self._folder / session_id

    def make(self, session_id: str, mounts: Mapping[str, Path]) -> Sandbox:
        """A sandbox that is not started."""
        root = self.root(session_id)
        return self._make(
            SandboxSpec(session_id, root, mounts=mounts, limits=self._limits, engine=self._engine)
        )

    async def take(self) -> Spare | None:
        """The spare, if there is one and it lives; one that is just starting is waited for."""
        if self._starting is not None:
            await asyncio.wait([self._starting])
        spare, self._spare = self._spare, None
        if spare is not None and not spare.box.pids():
            return None
        return spare

    def keep_spare(self, after: float | None = None) -> None:
        """Have another sandbox started soon, and ended again when nobody comes for it."""
        if self._keeping is not None:
            self._keeping.cancel()
        delay = SPARE_AFTER if after is None else after
        self._keeping = asyncio.create_task(self._keep(delay), name="spare sandbox")

    async def _keep(self, delay: float) -> None:
        await asyncio.sleep(delay)
        if self._spare is None and self._starting is None:
            self._starting = asyncio.create_task(self._start(), name="spare sandbox's start")
        if self._starting is not None:
            await asyncio.wait([self._starting])
        await asyncio.sleep(SPARE_STAYS)
        await self._drop()

    async def _start(self) -> None:
        session_id = new_id()
        box = self.make(session_id, {})
        try:
            await asyncio.to_thread(self.root(session_id).mkdir, mode=0o700, parents=True)
            await box.start()
            self._spare = Spare(session_id, box)
        except BaseException as error:
            await self.remove(session_id, box)
            if not isinstance(error, Exception):
                raise
            log.warning("no spare sandbox: %s", error)
        finally:
            self._starting = None

    async def _drop(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None:
            await self.remove(spare.session_id, spare.box)

    async def remove(self, session_id: str, box: Sandbox | None) -> None:
        """End a sandbox and remove its folder."""
        if box is not None:
            await box.close()
        await asyncio.to_thread(shutil.rmtree, self.root(session_id), ignore_errors=True)

    async def close(self) -> None:
        """End the spare."""
        for task in (self._keeping, self._starting):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._drop()
