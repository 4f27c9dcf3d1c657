"""The kernel's session: made lazily, kept alive, found again after a restart, ended."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from agentbay_kernel import origins, syncing
from agentbay_kernel.errors import KernelError, ProviderError, SessionGone, UsageError
from agentbay_kernel.guardian import Guardian, tell_kept
from agentbay_kernel.lifetime import Lifetime
from agentbay_kernel.session import Mount, Provider, Session, SessionSpec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.identity import Identity
    from agentbay_kernel.interpreter import Clearing
    from agentbay_kernel.ledger import Ledger, Row

log = logging.getLogger("agentbay_kernel.sessions")


class State(Enum):
    """What the kernel has: no session, one on its way, one that is ready."""

    NONE = "none"
    STARTING = "starting"
    READY = "ready"


class SessionManager:
    """Owns the one current session of a kernel; all methods run on the kernel's loop."""

    def __init__(
        self,
        options: AgentBayOptions,
        identity: Identity,
        make_provider: Callable[[AgentBayOptions], Provider],
        ledger: Ledger,
        *,
        warn: Callable[[str], None] = log.warning,
        clock: Callable[[], float] = time.monotonic,
        prepare: Callable[[Session], Awaitable[None]] | None = None,
    ) -> None:
        self.options = options
        self.identity = identity
        self.session: Session | None = None
        self.lifetime: Lifetime | None = None
        self.busy_since: float | None = None
        self.cleared: Clearing | None = None
        self.on_forget: Callable[[], None] = lambda: None
        self.on_change: Callable[[], None] = lambda: None
        self._make_provider = make_provider
        self._provider: Provider | None = None
        self._ledger = ledger
        self._warn = warn
        self._clock = clock
        self._prepare = prepare
        self._starting: asyncio.Task[Session] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._guardian = Guardian()
        self._row: Row | None = None
        self._gone: SessionGone | None = None

    @property
    def state(self) -> State:
        """What the kernel has now."""
        if self.session is not None:
            return State.READY
        return State.STARTING if self._starting is not None else State.NONE

    @property
    def busy(self) -> bool:
        """Whether code of a cell runs in the session; `busy_since` in seconds since 1970."""
        return self.busy_since is not None

    @busy.setter
    def busy(self, busy: bool) -> None:
        self.busy_since = time.time() if busy else None
        self.on_change()

    @property
    def ended(self) -> SessionGone | None:
        """How the last session ended behind our back, until somebody asks for another."""
        return self._gone

    @property
    def alive(self) -> bool:
        """Whether a session is there that code could run in without creating one."""
        return self.session is not None

    @property
    def claimed(self) -> bool:
        """Whether a session of a former process with this identity waits to be used."""
        return self._row is not None

    @property
    def lent(self) -> bool:
        """Whether the current session is not of ours: it was attached, and goes on without us."""
        return self.session is not None and self._row is None

    async def provider(self) -> Provider:
        """The provider, made on first use; may start the local service."""
        self.options.check()
        if self._provider is None:
            self._provider = await asyncio.to_thread(self._make_provider, self.options)
        return self._provider

    def claim(self) -> bool:
        """Take over what an earlier process with this identity left; asks no provider."""
        if self._row is None and self.session is None:
            self._row = self._ledger.claim(self.identity.key)
            if self._row is not None:
                self._guardian.watch(self._row.key, self._row.provider, self.options)
        return self._row is not None

    def left_names(self) -> list[str]:
        """The names of what an earlier process with this identity left beside its own session."""
        return self._ledger.names(self.identity.kernel)

    @property
    def at_hand(self) -> bool:
        """Whether a session is only a request away."""
        return self._provider is not None and self._provider.at_hand()

    async def ensure(self, spec: SessionSpec | None = None) -> Session:
        """The current session, found, woken or created; a cancelled wait leaves it starting.

        Raises SessionGone, once, when the session has ended since it was last used.
        """
        self._check_end()
        if self.session is not None:
            await self.wake()
            return self.session
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start(spec or self.spec()))
            self._starting.add_done_callback(self._started)
            self.on_change()
        return await asyncio.shield(self._starting)

    @property
    def paused(self) -> bool:
        """Whether the current session sleeps by the user's wish."""
        return self.lifetime is not None and self.lifetime.paused

    async def wake(self) -> None:
        """Resume the current session if it was paused."""
        if self.session is not None and self.lifetime is not None and self.lifetime.paused:
            await self.session.machine.resume()
            self.lifetime.paused = False
            self.used()

    def spec(
        self,
        *,
        image: str = "",
        labels: Mapping[str, str] | None = None,
        mounts: tuple[Mount, ...] = (),
        idle: int = 0,
        limit: int = 0,
    ) -> SessionSpec:
        """A new session by the options, with what is given in their place."""
        return SessionSpec(
            image=image or self.options.image,
            labels={**(labels or {}), **self.identity.labels()},
            mounts=mounts,
            idle_minutes=idle or self.options.idle_minutes,
            max_minutes=limit or self.options.max_minutes,
        )

    async def attach(self, session_id: str) -> Session:
        """Make a session of the account the current one; the former is left as it is."""
        provider = await self.provider()
        session = await provider.get(session_id)
        if self._starting is not None:
            raise UsageError("A session is starting", next_step="Attach when it is there")
        await self.detach()
        self._take(session, provider, own=False)
        return session

    async def replace(self, spec: SessionSpec) -> Session:
        """Start a new session as described; the former one, if ours, is deleted.

        That happens once the new one is there, so that a wish that is refused costs nothing; one
        with contexts ends first, for the new one may need what it uploads.
        """
        if self.session is None or self._row is None or self._row.sync:
            await (self.detach() if self.lent else self.delete())
            self._gone = None
            return await self.ensure(spec)
        former, provider = self.session, await self.provider()
        limit = self.options.create_timeout_seconds
        session = await origins.create_or_discard(provider, spec, limit)
        try:
            if self.session not in (former, None):
                raise UsageError("Another session was chosen meanwhile, and is kept")
            await self.delete()
        except BaseException:
            await session.delete()
            raise
        await self._welcome(session, provider, spec)
        return session

    async def detach(self) -> None:
        """Let the current session go without ending it."""
        self._forget()

    async def delete(self, *, sync: bool = False, force: bool = False) -> None:
        """End the current session, if there is one, its contexts uploaded; with `sync` all of them.

        Raises SyncError, and ends nothing without `force`, where data would be lost.
        """
        session, row = self.session, self._row
        if session is None and row is not None:
            session = await origins.find(row, await self.provider())
        if session is not None:
            try:
                if sync or row is None or row.sync:
                    await syncing.before_end(
                        session.mounts, every=sync, force=force, warn=self._warn
                    )
                await session.delete()
            except SessionGone:
                log.info("session %s had ended already", session.session_id)
        if self.session in (session, None):
            self._forget()

    def mounted(self) -> None:
        """The current session has contexts from now on."""
        if self._row is not None and not self._row.sync:
            self._row = self._ledger.put(replace(self._row, sync=True))

    def lost(self, error: SessionGone) -> None:
        """The provider says that the current session is gone."""
        log.warning("%s", error)
        self._forget()

    def vanished(self, error: SessionGone) -> None:
        """The same, found out while no cell ran: the next one says it too."""
        self.lost(error)
        self._gone = error
        self._warn(str(error))
        self.on_change()

    def touch(self) -> None:
        """A front end did something."""
        if self.lifetime is not None:
            self.lifetime.touch(self._clock())

    def used(self, *, quietly: bool = False) -> None:
        """The session answered a request, which starts its idle time anew."""
        if self.lifetime is not None:
            self.lifetime.refresh(self._clock())
            if not quietly:
                self.on_change()

    @property
    def attended(self) -> bool:
        """Whether somebody has used the notebook lately, for whom the session is kept alive."""
        lifetime = self.lifetime
        return lifetime is not None and lifetime.wanted(self._clock(), busy=self.busy)

    async def close(self, *, restart: bool) -> None:
        """The kernel ends: keep the session for a restart or by the option, else delete it."""
        if self._keeper is not None:
            self._keeper.cancel()
        if restart:
            self._guardian.restart()
            return
        if self.options.on_shutdown == "keep":
            self._guardian.release()
            return
        sync = self._row is not None and self._row.sync
        # If this process is killed before it is done, the guardian does the rest.
        self._guardian.ending(sync=sync)
        if self.session is not None and self._row is not None and not sync:
            await self._delete_quickly(self.session, self._row)

    async def _delete_quickly(self, session: Session, row: Row) -> None:
        try:
            await session.delete()
        except KernelError:
            log.warning("the session's deletion is left to the guardian", exc_info=True)
            return
        self._ledger.remove(row.key, session.session_id)
        self._guardian.release()

    async def _start(self, spec: SessionSpec) -> Session:
        provider = await self.provider()
        session = await self._adopt(provider)
        if session is None:
            limit = self.options.create_timeout_seconds
            session = await origins.create(provider, spec, limit)
            await self._welcome(session, provider, spec)
        return session

    async def _welcome(self, session: Session, provider: Provider, spec: SessionSpec) -> None:
        self._take(session, provider, own=True, sync=bool(spec.mounts))
        if spec.mounts:
            await syncing.tell_undownloaded(session.mounts, self._warn)
        await tell_kept(self._ledger, self.identity.notebook, provider, self._warn)
        if self._prepare is not None:
            await self._prepare(session)

    def _started(self, task: asyncio.Task[Session]) -> None:
        self._starting = None
        if not task.cancelled() and task.exception() is not None:
            log.warning("the session did not start: %s", task.exception())
        self.on_change()

    async def _adopt(self, provider: Provider) -> Session | None:
        row = self._row
        if row is None or not origins.fits(row, provider, self._ledger):
            return None
        session, self.cleared = await origins.adopt(row, provider, self._warn)
        if session is None:
            self._forget()
            return None
        self._take(session, provider, own=True, sync=row.sync)
        return session

    def _take(
        self,
        session: Session,
        provider: Provider,
        *,
        own: bool,
        sync: bool = False,
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        now = self._clock()
        options = self.options
        age = origins.age(self._row, session)
        self.session, self._gone = session, None
        self.lifetime = Lifetime(
            created=now - age,
            refreshed=now,
            active=now,
            idle=session.idle_minutes or options.idle_minutes,
            limit=session.max_minutes or options.max_minutes,
            keep_alive=options.keep_alive_minutes,
            warn=options.warn_minutes,
        )
        if own:
            former = self._row.created if self._row is not None else time.time()
            row = origins.row(self.identity, session, provider, self._ledger)
            self._row = self._ledger.put(replace(row, created=former, sync=sync))
            self._guardian.watch(self._row.key, provider.name, options)
        self._keeper = asyncio.ensure_future(self._keep())
        self.on_change()

    def _forget(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        if self._row is not None:
            self._ledger.remove(self._row.key, self._row.session_id)
        self.session = self.lifetime = self._row = self._keeper = None
        self.on_forget()
        self.on_change()

    def _check_end(self) -> None:
        gone, self._gone = self._gone, None
        if gone is not None:
            raise gone  # a warning between cells is easily missed
        if self.lifetime is not None and self.lifetime.ended(self._clock()):
            session_id = self.session.session_id if self.session else ""
            self._forget()
            raise SessionGone(f"Session {session_id} has reached the end of its life")

    async def _keep(self) -> None:
        """Refresh the session and warn of its end for as long as it is the current one."""
        while self.session is not None and self.lifetime is not None:
            await asyncio.sleep(self.lifetime.next_check(self._clock()))
            await self.check()

    async def check(self) -> None:
        """One round of keeping alive and warning."""
        if self.session is None or self.lifetime is None:
            return
        if self.lifetime.refresh_due(self._clock(), busy=self.busy):
            try:
                await self.session.keep_alive()
                self.used()
            except SessionGone as error:
                self.vanished(error)
                return
            except ProviderError:
                log.warning("keeping the session alive failed", exc_info=True)
        if text := self.lifetime.warning(self._clock(), busy=self.busy):
            self._warn(text)
