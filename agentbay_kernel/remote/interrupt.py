"""Ways to a KeyboardInterrupt in the user's code."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import threading
from typing import Any, Iterator, List


def everything() -> None:
    """Interrupt the main thread and the processes that it waits for, as a terminal does."""
    if os.getpgid(0) == os.getpid():
        os.killpg(os.getpid(), signal.SIGINT)
    else:
        os.kill(os.getpid(), signal.SIGINT)


def one(thread: int) -> None:
    """Interrupt one thread by its identifier."""
    if thread == threading.main_thread().ident:
        everything()
    else:
        raised = ctypes.py_object(KeyboardInterrupt)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


def _is_replaced(handler: Any) -> bool:
    module = getattr(handler, "__module__", None) or ""
    return handler is signal.SIG_IGN or module.startswith("ipykernel.") or module == __name__


@contextlib.contextmanager
def allowed() -> Iterator[None]:
    """Let an interrupt through where an ipykernel ignores it or puts it off.

    It ignores it between two cells; in an awaiting cell it waits for the loop.
    """
    with _handled_by(signal.default_int_handler):
        yield


@contextlib.contextmanager
def cancelling() -> Iterator[None]:
    """Let an interrupt cancel the awaiting cell that runs in this task.

    An ipykernel does that too, but only when something else wakes its loop.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def handler(_number: int, _frame: Any) -> None:
        _struck.append(True)
        if task is None or asyncio.current_task(loop) is task:
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(task.cancel)

    try:
        with _handled_by(handler):
            yield
    finally:
        _struck.clear()


# An Event's lock may be held where the handler strikes.
_struck: List[bool] = []


def has_cancelled() -> bool:
    """Whether an interrupt has cancelled the cell that is ending."""
    return bool(_struck)


@contextlib.contextmanager
def _handled_by(handler: Any) -> Iterator[None]:
    """Take the place of an ipykernel's own handler; any other is left alone."""
    main = threading.current_thread() is threading.main_thread()
    if not main or not _is_replaced(signal.getsignal(signal.SIGINT)):
        yield
        return
    former = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
