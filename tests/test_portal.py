"""The sync face: calls from any thread, errors, cancelling, closing."""

import asyncio
import threading
from concurrent.futures import CancelledError

import pytest

from agentbay_kernel.portal import Portal


@pytest.fixture
def portal():
    with Portal() as portal:
        yield portal


async def double(number, *, plus=0):
    await asyncio.sleep(0)
    return 2 * number + plus


def test_call_gives_the_result(portal):
    assert portal.call(double, 20, plus=2) == 42


def test_call_raises_what_the_coroutine_raises(portal):
    async def fail():
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        portal.call(fail)


def test_all_calls_run_on_one_loop_in_one_other_thread(portal):
    async def where():
        return asyncio.get_running_loop(), threading.current_thread()

    assert portal.call(where) == portal.call(where)
    assert portal.call(where)[1] is not threading.current_thread()


async def test_call_works_while_the_callers_own_loop_runs(portal):
    assert portal.call(double, 1) == 2


def test_a_call_from_the_portals_own_thread_is_refused_instead_of_waiting_for_ever(portal):
    async def nested():
        return portal.call(double, 1)

    with pytest.raises(RuntimeError, match="use await"):
        portal.call(nested)


def test_cancelling_the_future_cancels_the_task(portal):
    started, cancelled = threading.Event(), threading.Event()

    async def wait():
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    future = portal.submit(wait)
    assert started.wait(10)
    future.cancel()
    assert cancelled.wait(10)
    with pytest.raises(CancelledError):
        future.result()


def test_an_interrupt_of_the_caller_cancels_the_task(portal, monkeypatch):
    cancelled = threading.Event()

    async def wait():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    submit = portal.submit

    def interrupted(*args):
        future = submit(*args)
        monkeypatch.setattr(future, "result", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        return future

    monkeypatch.setattr(portal, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        portal.call(wait)
    assert cancelled.wait(10)


def test_closing_cancels_what_runs_and_ends_the_thread():
    before = threading.active_count()
    portal = Portal()
    future = portal.submit(asyncio.sleep, 1000)
    portal.close()
    portal.close()
    assert portal.closed
    assert threading.active_count() == before
    with pytest.raises(CancelledError):
        future.result(10)


def test_a_closed_portal_refuses_calls():
    portal = Portal()
    portal.close()
    with pytest.raises(RuntimeError, match="closed"):
        portal.call(double, 1)
