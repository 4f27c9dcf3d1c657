"""Several things at a time, but not all at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable


async def together(work: Iterable[Callable[[], Awaitable[None]]], limit: int) -> None:
    """Do all of `work`, `limit` at a time; the first error ends the rest and is raised."""
    waiting = iter(work)

    async def worker() -> None:
        for each in waiting:
            await each()

    tasks = [asyncio.ensure_future(worker()) for _ in range(limit)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
