"""One request for each of many items, and what came of every one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import RemoteError
from agentbay_kernel.pool import pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agentbay_kernel.events import Event
    from agentbay_kernel.pool.pool import Member, Pool
    from agentbay_kernel.session import Session

Outcome = pieces.Value | Exception | None


class Batch:
    """Runs a request over items; `outcomes` has for each its value, its error or, yet, None.

    `output` gets an item's number, from 1, and an event of its run; None at its end.
    """

    def __init__(
        self,
        pool: Pool,
        request: Mapping[str, Any],
        items: Sequence[pieces.Value],
        retries: int,
        output: Callable[[int, Event | None], None],
    ) -> None:
        self.outcomes: list[Outcome] = [None] * len(items)
        self.repeated = 0
        self._pool = pool
        self._request = request
        self._items = items
        self._retries = retries
        self._output = output

    @property
    def done(self) -> int:
        """How many items have an outcome."""
        return sum(each is not None for each in self.outcomes)

    @property
    def failed(self) -> int:
        """How many items have an error."""
        return sum(isinstance(each, Exception) for each in self.outcomes)

    async def run(self) -> None:
        """Run all items to their ends."""
        running = [asyncio.ensure_future(self._run(at)) for at in range(len(self._items))]
        try:
            await asyncio.gather(*running)
        finally:
            for each in running:
                each.cancel()

    async def _run(self, at: int) -> None:
        for left in range(self._retries, -1, -1):
            try:
                self.outcomes[at] = await self._pool.submit(f"item {at + 1}", self._work(at))
            except RemoteError as error:
                if not left:
                    self.outcomes[at] = error
                    return
                self.repeated += 1
            except Exception as error:
                self.outcomes[at] = error
                return
            else:
                return

    def _work(self, at: int) -> Callable[[Member, Session], Any]:
        async def work(member: Member, session: Session) -> pieces.Value:
            def emit(event: Event) -> None:
                self._output(at + 1, event)

            try:
                return await pieces.perform(member, session, self._request, self._items[at], emit)
            finally:
                self._output(at + 1, None)

        return work
