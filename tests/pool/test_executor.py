"""Functions in real sessions through `concurrent.futures`' face."""

import math
import threading
from concurrent.futures import CancelledError

import pytest

from agentbay_kernel import SessionPoolExecutor
from agentbay_kernel.errors import KeyMissing, RemoteError, UsageError
from tests import kernels
from tests.conftest import PROVIDERS, settle


def facts(number, *, more=None):
    import os

    print("unheard")
    return {"root": math.sqrt(number), "pid": os.getpid(), "more": more}


def repeated(data, times):
    return data * times


async def later(number):
    import asyncio

    await asyncio.sleep(0.01)
    return (number, {number})


def fail(number):
    raise LookupError(f"no {number}")


def unsafe():
    return object()


def exit_once(name):
    import os

    try:
        os.mkdir("/workspace/" + name)
    except FileExistsError:
        return "second"
    raise ValueError("first")


def wait(seconds):
    import time

    time.sleep(seconds)
    return seconds


@pytest.fixture(scope="module", params=PROVIDERS)
def home(request, tmp_path_factory):
    """A home whose service lives as long as the module's tests."""
    with pytest.MonkeyPatch.context() as patch:
        settle(tmp_path_factory.mktemp("h"), request.param, patch)
        # It must outlast the import of the SDK on a busy machine.
        patch.setenv("AGENTBAY_KERNEL_LINGER_SECONDS", "60")
        yield
        kernels.stop_service()


@pytest.fixture(autouse=True)
def surroundings(home):
    """In place of each test's own: they share the service."""


@pytest.fixture(scope="module")
def pool(home):
    with SessionPoolExecutor(2, labels={"project": "demo"}) as pool:
        yield pool
    assert kernels.sessions() == []


def test_it_gives_a_functions_value(pool):
    found = pool.submit(facts, 4, more=[1, (2, b"3")]).result(60)
    assert found["root"] == 2
    assert found["more"] == [1, (2, b"3")]


def test_map_keeps_the_order_and_uses_every_session(pool):
    found = list(pool.map(facts, range(20)))
    assert [each["root"] ** 2 for each in found] == pytest.approx(range(20))
    assert len(kernels.sessions()) == 2


def test_large_data_goes_both_ways(pool):
    assert pool.submit(repeated, b"x" * 600_000, 3).result(60) == b"x" * 1_800_000


def test_a_coroutine_function_is_awaited(pool):
    assert pool.submit(later, 3).result(60) == (3, {3})


def test_an_exception_comes_back_with_the_sessions_traceback(pool):
    error = pool.submit(fail, 3).exception(60)
    assert isinstance(error, RemoteError)
    assert (error.ename, error.evalue) == ("LookupError", "no 3")
    assert 'raise LookupError(f"no {number}")' in str(error)


def test_a_value_that_is_no_data_is_an_error(pool):
    with pytest.raises(RemoteError, match="object has no safe form"):
        pool.submit(unsafe).result(60)


def test_an_argument_that_is_no_data_is_refused(pool):
    with pytest.raises(UsageError, match="cannot be sent"):
        pool.submit(repeated, threading.Lock(), 1)


def test_a_waiting_call_can_be_cancelled(pool):
    busy = [pool.submit(wait, 0.5) for _ in range(2)]
    waiting = pool.submit(wait, 60)
    assert waiting.cancel()
    assert [each.result(60) for each in busy] == [0.5, 0.5]
    with pytest.raises(CancelledError):
        waiting.result(0)
    assert pool.submit(later, 1).result(60) == (1, {1})


def test_what_raises_is_repeated_as_asked_for():
    with SessionPoolExecutor(1, retries=1) as pool:
        assert pool.submit(exit_once, "a").result(60) == "second"


def test_after_a_shutdown_nothing_is_taken_and_nothing_is_left():
    before = kernels.sessions()
    pool = SessionPoolExecutor(1)
    running = pool.submit(wait, 0.3)
    kernels.wait_for(running.running, "the call has begun", 30)
    waiting = [pool.submit(wait, 60) for _ in range(3)]
    pool.shutdown(cancel_futures=True)
    assert running.result(0) == 0.3
    assert all(each.cancelled() for each in waiting)
    assert kernels.sessions() == before
    with pytest.raises(RuntimeError):
        pool.submit(wait, 0)


def test_why_no_session_starts_is_told_by_the_call():
    with SessionPoolExecutor(1, provider="agentbay") as pool:
        assert isinstance(pool.submit(wait, 0).exception(60), KeyMissing)


def test_an_executor_that_did_nothing_has_nothing_to_end():
    SessionPoolExecutor(3).shutdown()
    assert not any(
        each.name.startswith("agentbay-kernel-pool-end") for each in threading.enumerate()
    )
