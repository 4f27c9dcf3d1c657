"""Bring a Stop from any thread or signal to what runs in the kernel."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Interrupts:
    """Knows whether something of ours runs, and stops it; nothing is remembered while idle."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: list[tuple[asyncio.AbstractEventLoop, Callable[[], None]]] = []
        self._former: Any = None
        self._requests = 0
        # Taken by whoever comes first, the Stop or the cell: a list's pop is atomic.
        self._pending: list[bool] = []
        self._local = False

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """The time of one execute request; a Stop before its cell runs waits for the cell."""
        with self._lock:
            self._requests += 1
        try:
            yield
        finally:
            with self._lock:
                self._requests -= 1
                if not self._requests:
                    self._pending.clear()

    @contextlib.contextmanager
    def running(self, stop: Callable[[], None]) -> Iterator[None]:
        """The time in which a Stop shall call `stop` on the running loop.

        KeyboardInterrupt in a task would end the kernel's loop, so SIGINT is taken over too.
        """
        main = threading.current_thread() is threading.main_thread()
        entry = asyncio.get_running_loop(), stop
        if main and not self._stops:
            self._former = signal.signal(signal.SIGINT, lambda *_: self.press())
        with self._lock:
            self._stops = [*self._stops, entry]
        if self._taken():
            entry[0].call_soon(stop)
        try:
            yield
        finally:
            with self._lock:
                self._stops = [each for each in self._stops if each is not entry]
            if main and not self._stops:
                signal.signal(signal.SIGINT, self._former)

    @contextlib.contextmanager
    def local(self) -> Iterator[None]:
        """The time in which local code runs, which takes a real SIGINT."""
        main = threading.current_thread() is threading.main_thread()
        former = signal.signal(signal.SIGINT, signal.default_int_handler) if main else None
        self._local = True
        try:
            yield
        finally:
            self._local = False
            if main:
                signal.signal(signal.SIGINT, former)

    def is_executing(self) -> bool:
        """Whether an execute request is being handled."""
        return self._requests > 0

    def press(self) -> bool:
        """Take a Stop; False when it is local code's, which needs a SIGINT."""
        if self._local:
            return False
        # The signal handler may interrupt the holder of the lock in the same thread.
        waits = not self._stops and self.is_executing()
        if waits:
            self._pending.append(True)
        stops = self._stops
        if stops and (not waits or self._taken()):
            for loop, stop in stops:
                loop.call_soon_threadsafe(stop)
        return True

    def _taken(self) -> bool:
        """Whether a Stop was waiting; it does not any more."""
        try:
            return self._pending.pop()
        except IndexError:
            return False
