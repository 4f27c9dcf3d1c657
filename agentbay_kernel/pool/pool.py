"""Sessions for many pieces of work: made as it comes in, replaced when lost, ended together."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from agentbay_kernel.errors import CellTimeout, ConnectionLost, KernelError, SessionGone
from agentbay_kernel.guardian import Guardian
from agentbay_kernel.identity import RESERVED, Identity
from agentbay_kernel.ledger import Ledger, Row
from agentbay_kernel.session import Provider, Session, SessionSpec

if TYPE_CHECKING:
    from agentbay_kernel.config import AgentBayOptions

log = logging.getLogger("agentbay_kernel.pool")

T = TypeVar("T")
Work = Callable[["Member", Session], Awaitable[T]]

LABEL = f"{RESERVED}pool"
MOST_LOSSES = 3
"""Sessions that one piece of work may lose; it may be what ends them."""
LOST = (SessionGone, ConnectionLost, CellTimeout)
"""Errors after which nothing else may run in a session: its code may go on, or it has ended."""


@dataclass(slots=True)
class Member:
    """One place of the pool and what goes on there; its session may be replaced.

    `notes` is for the work: what it has put into the session, empty in a new one. `session_id` is
    that of its last session.
    """

    number: int
    session_id: str = ""
    session: Session | None = None
    state: str = "starting"
    work: str = ""
    done: int = 0
    lost: int = 0
    notes: dict[str, Any] = field(default_factory=dict)
    starting: asyncio.Task[Session] | None = None


@dataclass(slots=True)
class _Job:
    name: str
    work: Work[Any]
    future: asyncio.Future[Any]
    losses: int = 0


class Pool:
    """At most `size` sessions, all labelled with the pool's name; its methods run on one loop.

    A session is written into the ledger, and should this process be killed, its guardian ends all
    that have the label. `changed` is called whenever a member's state does.
    """

    def __init__(
        self,
        provider: Provider,
        options: AgentBayOptions,
        make_spec: Callable[[Mapping[str, str]], SessionSpec],
        size: int,
        *,
        ledger: Ledger | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = uuid.uuid4().hex
        self.members: list[Member] = []
        self.problem: KernelError | None = None
        self._provider = provider
        self._options = options
        self._make_spec = make_spec
        self._wanted = self._size = size
        self._ledger = ledger or Ledger.of_user()
        self._changed = changed
        self._guardian = Guardian()
        self._queue: deque[_Job] = deque()
        self._free: list[Member] = []
        self._numbers = 0
        self._workers: set[asyncio.Task[None]] = set()
        self._endings: set[asyncio.Task[bool]] = set()
        self._closing: asyncio.Task[None] | None = None

    def submit(self, name: str, work: Work[T]) -> asyncio.Future[T]:
        """Have work done in some session; again in another one when its session is lost."""
        if self._closing is not None:
            raise RuntimeError("the pool is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append(_Job(name, work, future))
        self._spawn()
        return future

    async def close(self) -> None:
        """Cancel what waits and runs, and end every session; a cancelled wait lets it go on."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    def _spawn(self) -> None:
        if self._free:
            member = self._free.pop()
        elif len(self.members) < self._size:
            self._numbers += 1
            member = Member(self._numbers)
            self.members.append(member)
        else:
            return
        task = asyncio.ensure_future(self._serve(member))
        self._workers.add(task)
        task.add_done_callback(self._workers.discard)

    async def _serve(self, member: Member) -> None:
        while self._queue:
            job = self._queue.popleft()
            if job.future.done():
                continue
            try:
                session = await self._session(member)
            except asyncio.CancelledError:
                job.future.cancel()
                raise
            except Exception as error:
                known = error if isinstance(error, KernelError) else KernelError(str(error))
                self._retire(member, job, known)
                return
            await self._do(member, session, job)
        self._show(member, "free")
        self._free.append(member)

    async def _do(self, member: Member, session: Session, job: _Job) -> None:
        self._show(member, "busy", job.name)
        keeping = asyncio.ensure_future(self._keep(session))
        try:
            value = await job.work(member, session)
        except LOST as error:
            self._lose(member, job, error)
        except asyncio.CancelledError:
            job.future.cancel()
            raise
        except Exception as error:
            _settle(job, error=error)
        else:
            member.done += 1
            _settle(job, value)
        finally:
            keeping.cancel()

    async def _session(self, member: Member) -> Session:
        if member.session is not None:
            return member.session
        if member.starting is None:
            self._show(member, "starting")
            member.starting = asyncio.ensure_future(self._start(member))
        # A session that was asked for comes, and must be ended, whatever becomes of its work.
        return await asyncio.shield(member.starting)

    async def _start(self, member: Member) -> Session:
        self._guardian.watch(
            self._key, self._provider.name, self._options, labels={LABEL: self.name}
        )
        self._guardian.ending()
        try:
            session = await asyncio.wait_for(
                self._provider.create(self._make_spec({LABEL: self.name})),
                self._options.create_timeout_seconds,
            )
        except TimeoutError:
            raise KernelError("A session of the pool did not start in time") from None
        finally:
            member.starting = None
        member.session, member.session_id, member.notes = session, session.session_id, {}
        try:
            self._ledger.put(self._row(session))
        except OSError:
            log.warning("session %s is not in the ledger", session.session_id, exc_info=True)
        return session

    def _retire(self, member: Member, job: _Job, error: KernelError) -> None:
        """Go on with fewer sessions; without any, what waits fails."""
        log.warning("a session of the pool did not start: %s", error)
        self.members.remove(member)
        self._size -= 1
        self.problem = error
        if self._size > 0:
            self._queue.appendleft(job)
            self._spawn()
        else:
            self._size = self._wanted
            for each in (job, *self._queue):
                _settle(each, error=error)
            self._queue.clear()
        self._changed()

    def _lose(self, member: Member, job: _Job, error: KernelError) -> None:
        log.warning("session %d of the pool was lost: %s", member.number, error)
        job.losses += 1
        member.lost += 1
        session, member.session = member.session, None
        if session is not None:
            ending = asyncio.ensure_future(self._end(session))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
        if job.losses < MOST_LOSSES and not isinstance(error, CellTimeout):
            self._queue.appendleft(job)
        else:
            _settle(job, error=error)
        self._show(member, "lost")

    async def _keep(self, session: Session) -> None:
        """Keep a session alive while it works."""
        idle = session.idle_minutes or self._options.idle_minutes
        while True:
            await asyncio.sleep(idle * 60 / 2)
            try:
                await session.keep_alive()
            except KernelError:
                log.warning("a session of the pool was not kept alive", exc_info=True)

    async def _close(self) -> None:
        for job in self._queue:
            job.future.cancel()
        self._queue.clear()
        workers = list(self._workers)
        for each in workers:
            each.cancel()
        starting = [each.starting for each in self.members if each.starting is not None]
        await asyncio.gather(*workers, *starting, return_exceptions=True)
        sessions = [each.session for each in self.members if each.session is not None]
        ended = await asyncio.gather(*self._endings, *(self._end(each) for each in sessions))
        for member in self.members:
            member.session = None
            self._show(member, "ended")
        if all(ended):
            self._guardian.release()
        else:
            self._guardian.dismiss()

    async def _end(self, session: Session) -> bool:
        """End a session; False when that did not succeed and the guardian shall try."""
        try:
            await session.delete()
        except SessionGone:
            pass
        except KernelError:
            log.warning("session %s was not deleted", session.session_id, exc_info=True)
            return False
        self._ledger.remove(f"{self._key}:{session.session_id}", session.session_id)
        return True

    @property
    def _key(self) -> str:
        return f"pool:{self.name}"

    def _row(self, session: Session) -> Row:
        return Row(
            key=f"{self._key}:{session.session_id}",
            session_id=session.session_id,
            provider=self._provider.name,
            endpoint=self._provider.endpoint,
            fingerprint=self._provider.fingerprint(self._ledger.salt()),
            created=time.time(),
        )

    def _show(self, member: Member, state: str, work: str = "") -> None:
        member.state, member.work = state, work
        self._changed()


def spec_of(
    options: AgentBayOptions, own: Mapping[str, str], labels: Mapping[str, str], image: str
) -> SessionSpec:
    """A pool's session where there is no kernel; `own` are the pool's labels."""
    return SessionSpec(
        image=image or options.image,
        labels={**labels, **own, **Identity().labels()},
        idle_minutes=options.idle_minutes,
        max_minutes=options.max_minutes,
    )


def _settle(job: _Job, value: Any = None, error: Exception | None = None) -> None:
    if job.future.done():
        return
    if error is not None:
        job.future.set_exception(error)
    else:
        job.future.set_result(value)
