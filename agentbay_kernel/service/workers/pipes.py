"""Pipes whose one end a protocol reads and whose other end a child process inherits."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def read_by(*protocols: asyncio.Protocol) -> AsyncIterator[list[int]]:
    """The ends to write to, which are closed here once the child has them."""
    loop = asyncio.get_running_loop()
    writers = []
    try:
        for protocol in protocols:
            reader, writer = os.pipe()
            writers.append(writer)
            source = os.fdopen(reader, "rb", buffering=0)
            await loop.connect_read_pipe(lambda one=protocol: one, source)  # type: ignore[misc]
        yield writers
    finally:
        for writer in writers:
            os.close(writer)
