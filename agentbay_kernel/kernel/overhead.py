"""Leaves out what ipykernel does at each request for local output, which is rare here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipykernel.kernelbase import Kernel


def reduce(kernel: Kernel) -> None:
    """Let a started kernel build no log records that nobody reads, and flush no empty streams."""
    if kernel.parent is not None:
        # traitlets leaves the logger at DEBUG and lets the handler drop the records.
        kernel.log.setLevel(kernel.parent.log_level)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "pub_thread"):
            _flush_when_written(stream)


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
