"""The service's end of an interpreter, beside a socket that speaks as one."""

from __future__ import annotations

import asyncio

import pytest

from agentbay_kernel.service.interpreter import Interpreter
from agentbay_kernel.service.port import WireEvent
from agentbay_kernel.service.workers import records

pytestmark = pytest.mark.timeout(20)


@pytest.mark.parametrize("turns", range(3))
async def test_hurry_reads_on_at_any_moment_of_the_holding(turns: int) -> None:
    events: list[WireEvent] = []
    interpreter = Interpreter()
    try:
        done = interpreter.run("", events.append, asyncio.Event())
        interpreter.theirs.send(records.pack(records.STDOUT, 1, b"first"))
        while not events:
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        interpreter.theirs.send(records.pack(records.DONE, 1, b'{"count": 1}'))
        interpreter.hurry()
        assert (await asyncio.wait_for(done, 10)).count == 1
    finally:
        interpreter.close()
