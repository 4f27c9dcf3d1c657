"""Makes, pauses and ends sessions: where states, sandboxes, contexts and time meet."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from agentbay_kernel.service import mounts, tools
from agentbay_kernel.service.boxes import Boxes, local_sandbox
from agentbay_kernel.service.clock import Clock
from agentbay_kernel.service.contexts import ContextStore
from agentbay_kernel.service.errors import ApiError, WrongState
from agentbay_kernel.service.port import Limits, Sandbox, SandboxGone, SandboxSpec, ToolFailure
from agentbay_kernel.service.state import Session, Sessions, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from pathlib import Path

    from agentbay_kernel.service.lifecycle import Lifecycle
    from agentbay_kernel.service.objects import Buckets

_T = TypeVar("_T")

log = logging.getLogger("agentbay_kernel.service")

# A create or delete that takes longer goes on behind the answer, as in the cloud.
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the program was started with; 0 means no limit."""

    linger_seconds: float = 30.0
    memory_limit_mb: int = 4096
    process_limit: int = 256
    cpu_limit: float = 0.0
    max_sessions: int = 20
    engine: str = "pipe"
    spare: bool = True

    def limits(self) -> Limits:
        """The limits of one session."""
        return Limits(
            memory_bytes=self.memory_limit_mb << 20,
            processes=self.process_limit,
            cpus=self.cpu_limit,
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new session is to be."""

    policy: Lifecycle
    image: str = tools.DEFAULT_IMAGE
    labels: Mapping[str, str] | None = None
    bindings: Sequence[mounts.Binding] = ()


class Host:
    """The sessions and contexts of one service."""

    def __init__(
        self,
        folder: Path,
        options: Options,
        *,
        clock: Clock | None = None,
        make: Callable[[SandboxSpec], Sandbox] = local_sandbox,
    ) -> None:
        self.options = options
        self.clock = clock or Clock()
        self.changed = asyncio.Event()
        self.sessions = Sessions(self.clock, options.max_sessions, self.changed.set)
        self.contexts = ContextStore(folder / "contexts", folder / "transfers", self.clock)
        self.folder = folder
        self.buckets: Buckets | None = None
        self.on_end: list[Callable[[Session], None]] = []
        self._boxes = Boxes(folder / "sessions", options.limits(), options.engine, make)
        self._tasks: set[asyncio.Task[Any]] = set()

    def expect_session(self) -> None:
        """Start what the first session needs before it is asked for."""
        if self.options.spare:
            self._boxes.keep_spare(after=0)

    async def create(self, wish: Wish) -> Session:
        """A running session, its contexts downloaded as far as there was time."""
        tools.check_image(wish.image)
        mounts.check(self.contexts, wish.bindings)
        spare = None if wish.bindings or self._is_full() else await self._boxes.take()
        session = self.sessions.add(
            wish.image, dict(wish.labels or {}), wish.policy, spare.session_id if spare else ""
        )
        try:
            if spare:
                session.box = spare.box
            else:
                await self._start(session, wish.bindings)
            session.move(Status.RUNNING)
        except BaseException as error:
            await self._abandon(session)
            if isinstance(error, (SandboxGone, ToolFailure, OSError)):
                raise ApiError("SessionCreateFailed", f"No sandbox: {error}") from error
            raise
        self.sessions.touch(session)
        if self.options.spare:
            self._boxes.keep_spare()
        self.say(session, f"created: {wish.image}, {session.sandbox.isolation}")
        return session

    def _is_full(self) -> bool:
        return 0 < self.options.max_sessions <= len(self.sessions)

    async def _start(self, session: Session, bindings: Sequence[mounts.Binding]) -> None:
        root = self._boxes.root(session.id)
        root.mkdir(mode=0o700, parents=True)
        placed = mounts.place(root / "mounts", 0, bindings, self.clock.stamp())
        mounts.attach(self.contexts, session, placed)
        loads = [
            self.spawn(mounts.load(self.contexts, session, binding), "context download")
            for binding in placed
        ]
        places = {binding.path: binding.source for binding in placed}
        session.box = self._boxes.make(session.id, places)
        await session.box.start()
        if loads:
            await asyncio.wait(loads, timeout=_PATIENCE)

    async def _abandon(self, session: Session) -> None:
        mounts.detach(self.contexts, session)
        await self._boxes.remove(session.id, session.box)
        self.sessions.bury(session, "it could not be started")

    async def bind(self, session: Session, bindings: Sequence[mounts.Binding]) -> None:
        """Mount further contexts in a running session."""
        folder = self._boxes.root(session.id) / "mounts"
        first = await asyncio.to_thread(mounts.count, folder)
        placed = mounts.place(folder, first, bindings, self.clock.stamp())
        mounts.attach(self.contexts, session, placed)
        for binding in placed:
            await mounts.load(self.contexts, session, binding)
            try:
                await self.guarded(session, session.sandbox.bind(binding.path, binding.source))
            except ToolFailure as error:
                mounts.detach_one(self.contexts, session, binding)
                raise ApiError("BindFailed", str(error)) from error

    def end(self, session: Session, reason: str) -> asyncio.Task[None]:
        """Begin to end a session: contexts uploaded, processes ended, files removed."""
        if session.ending is None:
            session.move(Status.DELETING)
            session.ending = self.spawn(self._end(session, reason), "session end")
        return session.ending

    def delete(self, session: Session) -> None:
        """End a session on request; a paused one must be resumed first, as in the cloud."""
        if session.status is Status.PAUSED:
            raise WrongState(session.id, "be deleted", session.status)
        self.end(session, "deleted")

    async def _end(self, session: Session, reason: str) -> None:
        try:
            await mounts.save_all(self.contexts, session)
        finally:
            try:
                if session.box is not None:
                    await session.box.close()
            finally:
                await self._forget(session, reason)

    async def _forget(self, session: Session, reason: str) -> None:
        self.contexts.drop_transfer(session.id)
        for leave in self.on_end:
            leave(session)
        # Gone for everybody before its files are: nobody waits for their removal.
        session.move(Status.FINISH)
        self.sessions.bury(session, reason)
        log.info("session %s ended: %s", session.id, reason)
        await self._boxes.remove(session.id, None)

    async def pause(self, session: Session) -> None:
        """Stop a session's processes."""
        session.move(Status.PAUSING)
        try:
            await self.guarded(session, session.sandbox.pause())
        except ToolFailure as error:
            session.move(Status.RUNNING)
            raise ApiError("PauseFailed", str(error)) from error
        session.move(Status.PAUSED)
        self.say(session, "paused")

    async def resume(self, session: Session) -> None:
        """Let a session's processes go on."""
        session.move(Status.RESUMING)
        try:
            await self.guarded(session, session.sandbox.resume())
        except ToolFailure as error:
            session.move(Status.PAUSED)
            raise ApiError("ResumeFailed", str(error)) from error
        session.move(Status.RUNNING)
        self.sessions.touch(session)
        self.say(session, "resumed")

    async def guarded(self, session: Session, work: Coroutine[Any, Any, _T]) -> _T:
        """Await the sandbox; one that has died ends its session."""
        try:
            return await work
        except SandboxGone as error:
            if session.ending is None:
                self.end(session, f"its sandbox died: {error}")
            raise

    async def finished(self, session: Session) -> None:
        """Wait a little for a session that is being deleted to be gone."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await session.finished.wait()
        except TimeoutError:
            return

    async def reap(self) -> None:
        """End each session when its time is over; runs as long as the service."""
        while True:
            self.changed.clear()
            for session, reason in self.sessions.due():
                self.end(session, reason)
            end = self.sessions.next_end()
            # An hour at most: a laptop's sleep is no waiting time on this clock.
            wait = min(3600.0, end.at - self.clock.monotonic()) if end else 3600.0
            try:
                async with asyncio.timeout(max(0.01, wait)):
                    await self.changed.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        """End every session and wait until that is done."""
        ends = [self.end(session, "the service ended") for session in self.sessions]
        if ends:
            await asyncio.wait(ends, timeout=30)
        await self._boxes.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def say(self, session: Session, what: str) -> None:
        """Note an event of a session in the log and for its resource page."""
        session.note(self.clock.wall(), what)
        log.info("session %s %s", session.id, what)

    def spawn(self, work: Coroutine[Any, Any, _T], name: str) -> asyncio.Task[_T]:
        """Run something that outlives the request; a failure is logged."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s failed", task.get_name(), exc_info=error)
