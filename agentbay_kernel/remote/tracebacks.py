"""Leaves our own frames out of the traceback of an interrupt, which can hit anywhere."""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType
from typing import Any, Optional

from . import interrupt
from .patches import Patches

OWN = ("agentbay_remote", "agentbay_kernel.")


def install(shell: Any, patches: Patches) -> None:
    """Show interrupts as if the streams and the signal's handler were Python's own."""
    former = shell.showtraceback

    def showtraceback(exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        kind, _, trace = exc_tuple or sys.exc_info()
        if kind is asyncio.CancelledError and interrupt.has_cancelled():
            kind = KeyboardInterrupt
            exc_tuple = (kind, KeyboardInterrupt(), trace)
        if isinstance(kind, type) and issubclass(kind, KeyboardInterrupt):
            without_own(trace)
        former(exc_tuple, *args, **kwargs)

    patches.set(shell, "showtraceback", showtraceback)


def without_own(trace: Optional[TracebackType]) -> None:
    """Take our frames out of a traceback, except the first one."""
    while trace is not None:
        following = trace.tb_next
        while following is not None and _is_own(following):
            following = following.tb_next
        trace.tb_next = following
        trace = following


def _is_own(trace: TracebackType) -> bool:
    names = trace.tb_frame.f_globals
    # A worker that runs as a program is `__main__`, like the user's own module.
    return any(str(names.get(key) or "").startswith(OWN) for key in ("__name__", "__package__"))
