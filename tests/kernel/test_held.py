"""What waits until a cell is on its way: made in order, by its own thread, soon."""

import asyncio
import threading

import pytest

from agentbay_kernel.kernel.held import Held
from tests.kernels import wait_for


@pytest.fixture
def held():
    return Held()


def test_a_call_is_made_at_once_while_nothing_is_held_back(held):
    made = []
    held(lambda: made.append(1))
    assert made == [1]


async def test_calls_wait_for_their_release_and_keep_their_order(held):
    made = []
    held.start(asyncio.get_running_loop())
    held(lambda: made.append(1))
    held(lambda: made.append(2))
    assert made == []
    held.release()
    assert made == [1, 2]


async def test_calls_are_made_soon_without_a_release(held):
    made = asyncio.Event()
    held.start(asyncio.get_running_loop())
    held(made.set)
    await asyncio.wait_for(made.wait(), 5)


async def test_what_was_held_for_the_cell_before_is_made_first(held):
    made = []
    loop = asyncio.get_running_loop()
    held.start(loop)
    held(lambda: made.append("before"))
    held.start(loop)
    assert made == ["before"]
    held.release()


async def test_a_call_that_raises_keeps_none_of_the_others_back(held):
    made = []
    held.start(asyncio.get_running_loop())
    held(lambda: made.append(1))
    held(lambda: 1 / 0)
    held(lambda: made.append(2))
    with pytest.raises(ZeroDivisionError):
        held.release()
    assert made == [1, 2]


async def test_a_call_from_another_thread_does_not_wait(held):
    made = []
    held.start(asyncio.get_running_loop())
    thread = threading.Thread(target=lambda: (held(lambda: made.append(1)), held.release()))
    held(lambda: made.append("own"))
    thread.start()
    thread.join()
    assert made == [1]
    held.release()
    assert made == [1, "own"]


def test_a_message_of_a_local_cell_follows_its_busy(kernel):
    kernel.execute("1")
    done = kernel.execute("%%local\nprint('here')")
    kinds = [message["msg_type"] for message in done.outputs]
    assert kinds.index("execute_input") < kinds.index("stream")


def test_a_cell_without_output_is_told_busy_before_idle(kernel):
    kernel.execute("1")
    request = kernel.send("execute_request", {"code": "a = 1", "silent": False})
    states = []

    def told():
        message = kernel.client.get_iopub_msg(timeout=10)
        if message["parent_header"].get("msg_id") == request["header"]["msg_id"]:
            states.append(message["content"].get("execution_state", message["msg_type"]))
        return states[-1:] == ["idle"]

    wait_for(told, "the cell has no end", 30)
    assert states == ["busy", "execute_input", "idle"]
