"""Leaves out what ipykernel does for a debugger and for local output, which are rare here."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipykernel.kernelbase import Kernel


def leave_out_debugger() -> None:
    """Import ipykernel's debugger without debugpy, whose import is a tenth of a kernel's start.

    Code in a session cannot be reached by it. A user's own `import debugpy` stays what it is.
    """
    if "debugpy" in sys.modules:
        return
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("ipykernel.debugger")
    finally:
        del sys.modules["debugpy"]


def reduce(kernel: Kernel) -> None:
    """Let a started kernel build no log records that nobody reads, and flush no empty streams."""
    if kernel.parent is not None:
        # traitlets leaves the logger at DEBUG and lets the handler drop the records.
        kernel.log.setLevel(kernel.parent.log_level)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "pub_thread"):
            _flush_when_written(stream)


def keep_memory() -> None:
    """Let the memory of one large output serve for the next."""
    from agentbay_kernel import heap

    heap.keep()


def _flush_when_written(stream: Any) -> None:
    """Each flush of an OutStream waits for its thread; four of them are part of every cell."""
    write, flush = stream.write, stream.flush
    written = True

    def writing(text: str) -> Any:
        nonlocal written
        written = True
        return write(text)

    def flushing() -> None:
        nonlocal written
        if written:
            written = False
            flush()

    stream.write, stream.flush = writing, flushing
