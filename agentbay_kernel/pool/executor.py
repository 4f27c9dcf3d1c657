"""`SessionPoolExecutor`: functions run in cloud sessions, as `concurrent.futures` has it."""

from __future__ import annotations

import asyncio
import atexit
import threading
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from agentbay_kernel import providers, typed
from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.errors import RemoteError, UsageError
from agentbay_kernel.pool import functions, pieces
from agentbay_kernel.pool.pool import Pool, spec_of
from agentbay_kernel.portal import Portal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentbay_kernel.events import Event
    from agentbay_kernel.pool.pool import Member
    from agentbay_kernel.session import Session, SessionSpec

P = ParamSpec("P")
T = TypeVar("T")


class SessionPoolExecutor(Executor):
    """Runs functions in at most `max_workers` sessions, which end with `shutdown`.

    >>> with SessionPoolExecutor(4) as pool:  # doctest: +SKIP
    ...     squares = list(pool.map(square, range(100)))

    A function goes as its source, so it is written with def, uses no names from around it but
    modules, and takes and returns plain data, arrays, tables or images. Between the calls a session
    keeps what it has imported. A call whose session is lost is run again in another; one that
    raises is, `retries` times, and then raises RemoteError with the traceback from the session.
    `options` are those of the kernel, as `provider="local"`.
    """

    def __init__(
        self,
        max_workers: int = 4,
        *,
        image: str = "",
        labels: Mapping[str, str] | None = None,
        retries: int = 0,
        **options: Any,
    ) -> None:
        if max_workers < 1 or retries < 0:
            raise ValueError("max_workers must be 1 or more, retries 0 or more")
        self._size = max_workers
        self._image = image
        self._labels = dict(labels or {})
        self._retries = retries
        self._options = AgentBayOptions(**options)
        self._options.check()
        self._lock = threading.Lock()
        self._portal: Portal | None = None
        self._pool: Future[Pool] | None = None
        self._pending: set[Future[Any]] = set()
        self._running: set[Future[None]] = set()
        self._down: threading.Thread | None = None

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a function called in a session; raises UsageError for one that cannot be sent."""
        request = functions.request(fn)
        try:
            argument = pieces.Value.of((list(args), kwargs))
        except typed.NotTyped as error:
            raise UsageError(f"An argument of {fn.__name__} cannot be sent: {error}") from error
        future: Future[T] = Future()
        with self._lock:
            if self._down is not None:
                raise RuntimeError("cannot schedule new futures after shutdown")
            if self._portal is None:
                self._portal = Portal("agentbay-kernel-pool")
                self._pool = self._portal.submit(self._open)
                atexit.register(self.shutdown, cancel_futures=True)
            self._pending.add(future)
            future.add_done_callback(self._pending.discard)
            running = self._portal.submit(self._run, fn.__name__, request, argument, future)
            self._running.add(running)
            running.add_done_callback(self._running.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work and, when what was submitted is done, end every session."""
        with self._lock:
            if cancel_futures:
                for future in list(self._pending):
                    future.cancel()
            if self._down is None:
                self._down = threading.Thread(target=self._end, name="agentbay-kernel-pool-end")
                self._down.start()
        if wait:
            self._down.join()

    def _end(self) -> None:
        atexit.unregister(self.shutdown)
        if self._portal is None or self._pool is None:
            return
        for running in list(self._running):
            running.exception()
        try:
            if self._pool.exception() is None:
                self._portal.call(self._pool.result().close)
        finally:
            self._portal.close()

    async def _open(self) -> Pool:
        provider = await asyncio.to_thread(providers.make, self._options)
        return Pool(provider, self._options, self._spec, self._size)

    def _spec(self, own: Mapping[str, str]) -> SessionSpec:
        return spec_of(self._options, own, self._labels, self._image)

    async def _run(
        self, name: str, request: dict[str, Any], argument: pieces.Value, future: Future[Any]
    ) -> None:
        assert self._pool is not None
        begun = False

        async def work(member: Member, session: Session) -> pieces.Value:
            nonlocal begun
            if not begun and not future.set_running_or_notify_cancel():
                raise _Withdrawn
            begun = True
            return await pieces.perform(member, session, request, argument, _unheard)

        try:
            pool = await asyncio.wrap_future(self._pool)
            value = await _tried(lambda: pool.submit(name, work), self._retries)
            result = await asyncio.to_thread(value.read)
        except _Withdrawn:
            pass
        except BaseException as error:
            if begun or future.set_running_or_notify_cancel():
                future.set_exception(error)
        else:
            future.set_result(result)


class _Withdrawn(Exception):
    """Raised for work whose future was cancelled before it began."""


async def _tried(submit: Callable[[], asyncio.Future[pieces.Value]], retries: int) -> pieces.Value:
    for _ in range(retries):
        try:
            return await submit()
        except RemoteError:
            continue
    return await submit()


def _unheard(_event: Event) -> None:
    pass
