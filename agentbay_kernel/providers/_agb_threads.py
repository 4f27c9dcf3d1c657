"""Calls functions that block from the running loop, each in a thread of its own.

A pool would let the cells that run for hours keep a Stop or a file waiting; its threads would
also hold up the end of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_given_up: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar(
    "agentbay_kernel_given_up", default=None
)


async def in_thread(call: Callable[[], T]) -> T:
    """What `call` gives; a cancelled wait leaves it running to its next pause."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    given_up = threading.Event()
    context = contextvars.copy_context()
    context.run(_given_up.set, given_up)

    def deliver(set_: Callable[[], None]) -> None:
        if not future.done():
            set_()

    def work() -> None:
        try:
            result = context.run(call)
        except BaseException as error:
            failed = error
            then = lambda: future.set_exception(failed)  # noqa: E731
        else:
            then = lambda: future.set_result(result)  # noqa: E731
        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(deliver, then)

    threading.Thread(target=work, name="agb-call", daemon=True).start()
    try:
        return await future
    except asyncio.CancelledError:
        given_up.set()
        raise


def pause(seconds: float) -> bool:
    """Wait within `in_thread`; whether somebody still waits for the call."""
    given_up = _given_up.get() or threading.Event()
    return not given_up.wait(seconds)
