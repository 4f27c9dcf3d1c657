"""The one sync face over the async code: a background thread with a loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

P = ParamSpec("P")
T = TypeVar("T")


class Portal:
    """Runs coroutines for callers that have no loop, or that must not wait on theirs.

    >>> async def double(number):
    ...     return 2 * number
    >>> with Portal() as portal:
    ...     portal.call(double, 21)
    42
    """

    def __init__(self, name: str = "agentbay-kernel-portal") -> None:
        self.loop = self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._loop.is_closed()

    def submit(
        self, coro_fn: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Start a coroutine function; cancelling the future cancels its task."""
        if self.closed:
            raise RuntimeError("the portal is closed")
        return asyncio.run_coroutine_threadsafe(coro_fn(*args, **kwargs), self._loop)

    def call(
        self, coro_fn: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a coroutine function to its end; an interrupt of the caller cancels it."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a coroutine of this portal would wait for itself: use await")
        future = self.submit(coro_fn, *args, **kwargs)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Cancel what still runs and end the thread; safe to call twice."""
        if not self.closed:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()
