"""What the user's code has left running after its cell: threads, tasks, timers, children.

Where the control channel has to be asked, this tells whether there may be something to hear.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any, Iterator, Optional
from weakref import WeakSet

# Whose tasks, timers and kinds of thread the interpreter's own loop lives by.
_OWN = {"IPython", "anyio", "asyncio", "ipykernel", "jupyter_client", "tornado", "zmq"}


class Living:
    """Knows what ran at the start; threads named `own` are not the user's either."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._threads = {each.ident for each in threading.enumerate()}
        self._tasks: "WeakSet[asyncio.Task[Any]]" = WeakSet()

    def begin(self, loop: Optional[asyncio.AbstractEventLoop]) -> None:
        """Take the loop on which awaiting cells run; what it runs now is not the user's."""
        self._loop = loop
        if loop is not None:
            self._tasks = WeakSet(asyncio.all_tasks(loop))

    def any(self) -> bool:
        """Whether anything of the user's lives."""
        return self._has_threads() or any(self._on_loop()) or _has_children()

    def _has_threads(self) -> bool:
        return any(self._is_users(each) for each in threading.enumerate())

    def _is_users(self, thread: threading.Thread) -> bool:
        # pyzmq starts one of its own with the first large message.
        own = thread.name == self._own or _top(type(thread).__module__) in _OWN
        return not own and thread.ident not in self._threads

    def _on_loop(self) -> Iterator[bool]:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        try:
            current = asyncio.current_task()
        except RuntimeError:
            current = None
        for task in asyncio.all_tasks(loop):
            if task is not current and task not in self._tasks:
                frame = getattr(task.get_coro(), "cr_frame", None)
                yield frame is not None and _top(frame.f_globals.get("__name__")) not in _OWN
        for timer in list(getattr(loop, "_scheduled", ())):
            if not timer.cancelled():
                yield _top(getattr(timer._callback, "__module__", "")) not in _OWN


def _top(name: Any) -> str:
    return str(name).partition(".")[0]


def _has_children() -> bool:
    """Whether a process lives that this one started and nobody has waited for."""
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except (AttributeError, OSError):
        return False
    return ended is None
