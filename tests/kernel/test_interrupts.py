import asyncio
import os
import signal
import threading

import pytest

from agentbay_kernel.kernel.interrupts import Interrupts


@pytest.fixture
def interrupts():
    return Interrupts()


async def test_a_stop_reaches_what_runs(interrupts):
    stopped = asyncio.Event()
    with interrupts.request(), interrupts.running(stopped.set):
        assert interrupts.press()
        await asyncio.wait_for(stopped.wait(), 5)


async def test_a_stop_from_another_thread_reaches_the_loop(interrupts):
    stopped = asyncio.Event()
    with interrupts.request(), interrupts.running(stopped.set):
        threading.Thread(target=interrupts.press).start()
        await asyncio.wait_for(stopped.wait(), 5)


async def test_a_sigint_stops_and_raises_nothing(interrupts):
    stopped = asyncio.Event()
    with interrupts.request(), interrupts.running(stopped.set):
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(stopped.wait(), 5)


async def test_a_stop_before_the_cell_runs_waits_for_it(interrupts):
    stopped = asyncio.Event()
    with interrupts.request():
        interrupts.press()
        with interrupts.running(stopped.set):
            await asyncio.wait_for(stopped.wait(), 5)


async def test_a_second_stop_is_not_the_first_ones_echo(interrupts):
    stopped = []
    with interrupts.request():
        interrupts.press()
        with interrupts.running(lambda: stopped.append(1)):
            await asyncio.sleep(0)
            interrupts.press()
            await asyncio.sleep(0)
    assert stopped == [1, 1]


async def test_each_of_many_stops_at_the_start_reaches_the_cell_once(interrupts):
    def press(go):
        go.wait()
        interrupts.press()

    for _ in range(300):
        stopped = []
        go = threading.Event()
        with interrupts.request():
            thread = threading.Thread(target=press, args=(go,))
            thread.start()
            go.set()
            with interrupts.running(lambda stopped=stopped: stopped.append(1)):
                await asyncio.to_thread(thread.join)
                await asyncio.sleep(0)
        assert stopped == [1]


async def test_a_stop_while_idle_is_forgotten(interrupts):
    stopped = []
    assert interrupts.press()
    with interrupts.request(), interrupts.running(lambda: stopped.append(1)):
        await asyncio.sleep(0)
    assert stopped == []


async def test_a_stop_is_left_to_local_code(interrupts):
    with interrupts.request(), interrupts.local():
        assert not interrupts.press()


async def test_the_former_sigint_handler_is_back_afterwards(interrupts):
    former = signal.getsignal(signal.SIGINT)
    with interrupts.request(), interrupts.running(lambda: None):
        pass
    assert signal.getsignal(signal.SIGINT) is former
