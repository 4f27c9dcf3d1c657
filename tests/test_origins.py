"""Where sessions come from."""

import asyncio

import pytest

from agentbay_kernel import origins
from agentbay_kernel.session import SessionSpec
from tests.fakes import FakeProvider


async def test_a_new_session_that_nobody_waits_for_any_more_is_deleted():
    provider = FakeProvider(gate=asyncio.Event())
    creating = asyncio.ensure_future(origins.create_or_discard(provider, SessionSpec(), 60))
    while not provider.specs:
        await asyncio.sleep(0)
    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating
    provider.gate.set()
    while not getattr(provider.sessions.get("s-1"), "deleted", False):
        await asyncio.sleep(0)
