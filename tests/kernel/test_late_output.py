"""Output that comes after its cell has ended: under the cell that made it, as in ipykernel."""

from __future__ import annotations

import time

import pytest

from tests.conftest import ENGINES
from tests.kernels import execute_content

THREAD = """
import sys, threading, time
def late():
    time.sleep(0.3)
    {}
threading.Thread(target=late).start()
"""
TASK = """
import asyncio
async def late():
    await asyncio.sleep(0.3)
    {}
task = asyncio.ensure_future(late())
"""


def collect(kernel, request, enough, timeout=15):
    """What comes under an ended request until `enough` holds of it, with nothing asked."""
    mid, deadline = request["header"]["msg_id"], time.monotonic() + timeout
    found = kernel.pending.setdefault(mid, [])
    while not enough(found):
        assert time.monotonic() < deadline, found
        message = kernel.client.get_iopub_msg(timeout=timeout)
        kernel.pending.setdefault(message["parent_header"].get("msg_id", ""), []).append(message)
    return kernel.pending.pop(mid)


def text_of(found, name="stdout"):
    texts = [each["content"] for each in found if each["msg_type"] == "stream"]
    return "".join(each["text"] for each in texts if each["name"] == name)


def displays(found):
    return sum(each["msg_type"] == "display_data" for each in found)


def late(kernel, code, enough):
    """Run code, and give what comes under it after its end."""
    return collect(kernel, kernel.execute(code).request, enough)


@pytest.mark.parametrize("way", [THREAD, TASK])
def test_text_of_a_thread_or_task_comes_under_its_cell(every, way):
    found = late(every, way.format("print('late')"), lambda found: "late\n" in text_of(found))
    assert text_of(found) == "late\n"


@pytest.mark.parametrize("way", [THREAD, TASK])
def test_a_display_of_a_thread_or_task_comes_under_its_cell(every, way):
    found = late(every, way.format("display('shown')"), bool)
    assert [each["content"]["data"] for each in found] == [{"text/plain": "'shown'"}]


@pytest.mark.parametrize("way", [THREAD, TASK])
def test_a_display_is_updated_later(every, way):
    code = "handle = display('now', display_id='late')" + way.format("handle.update('then')")
    (update,) = late(every, code, bool)
    assert update["msg_type"] == "update_display_data"
    assert update["content"]["data"] == {"text/plain": "'then'"}
    assert update["content"]["transient"] == {"display_id": "late"}


def test_a_threads_error_output_is_stderr(every):
    code = THREAD.format("print('late', file=sys.stderr)")
    found = late(every, code, lambda found: "late\n" in text_of(found, "stderr"))
    assert text_of(found) == ""


def test_a_threads_exception_comes_under_its_cell(every):
    code = THREAD.format("1/0")
    found = late(every, code, lambda found: "ZeroDivisionError" in text_of(found, "stderr"))
    assert "Exception in thread" in text_of(found, "stderr")


@pytest.mark.parametrize(
    "code",
    [
        "import subprocess\nchild = subprocess.Popen('sleep 0.3; echo late', shell=True)",
        THREAD.format("import os; os.write(1, b'late\\n')"),
    ],
)
def test_what_children_and_c_code_write_later_comes_under_the_last_cell(every, code):
    found = late(every, code, lambda found: "late\n" in text_of(found))
    assert text_of(found) == "late\n"


# Without a terminal nobody hears of it: it comes with the next cell.
@pytest.mark.parametrize("every", ["python3", *ENGINES], indirect=True)
def test_what_an_orphan_writes_later_comes_under_the_last_cell(every):
    code = "import os\n_ = os.system('(sleep 0.3; echo late) &')"
    found = late(every, code, lambda found: "late\n" in text_of(found))
    assert text_of(found) == "late\n"


def test_a_callback_of_the_loop_prints_under_its_cell(every):
    code = "import asyncio\n_ = asyncio.get_running_loop().call_later(0.3, print, 'late')"
    found = late(every, code + "\nawait asyncio.sleep(0)", lambda found: text_of(found))
    assert text_of(found) == "late\n"


TICKS = "for n in range(4):\n        {}\n        print('tick', n); display(n)"
TASK_TICKS = (
    "import asyncio\nasync def tick():\n    "
    + TICKS.format("await asyncio.sleep(0.15)")
    + "\ntask = asyncio.ensure_future(tick())"
)
THREAD_TICKS = (
    "import threading, time\ndef tick():\n    "
    + TICKS.format("time.sleep(0.15)")
    + "\nthreading.Thread(target=tick).start()"
)
TICKED = "".join(f"tick {n}\n" for n in range(4))


def displayed(messages):
    found = [each["content"] for each in messages if each["msg_type"] == "display_data"]
    return [each["data"]["text/plain"] for each in found]


def run_both(kernel, *codes):
    """Send two cells at once; the first request, and the end of the second."""
    first, second = (kernel.send("execute_request", execute_content(code)) for code in codes)
    kernel.finish(first)
    return first, kernel.finish(second)


def test_a_tasks_output_during_the_next_cell_stays_with_its_own(every):
    other = "import asyncio\nprint('one'); await asyncio.sleep(1.2); print('two')"
    ticking, ended = run_both(every, TASK_TICKS, other)
    found = collect(every, ticking, lambda found: "tick 3\n" in text_of(found))
    assert (ended.text(), ended.of("display_data")) == ("one\ntwo\n", [])
    assert (text_of(found), displayed(found)) == (TICKED, list("0123"))


def test_a_threads_output_during_the_next_cell_comes_under_that(every):
    other = "import time\nprint('one'); time.sleep(1.2); print('two')"
    _, ended = run_both(every, THREAD_TICKS, other)
    assert ended.text() == f"one\n{TICKED}two\n"
    assert displayed(ended.outputs) == list("0123")


def test_output_during_a_local_cell_stays_with_its_own(either):
    ticking = either.execute(THREAD_TICKS).request
    ended = either.execute("%%local\nimport time\nprint('here'); time.sleep(1)")
    found = collect(either, ticking, lambda found: "tick 3\n" in text_of(found))
    assert ended.text() == "here\n"
    assert text_of(found) == TICKED


def test_a_local_cells_thread_prints_under_its_cell(either):
    found = late(
        either,
        "%%local" + THREAD.format("print('late')"),
        lambda found: "late\n" in text_of(found),
    )
    assert text_of(found) == "late\n"


def test_much_late_output_arrives_whole_and_in_order(every):
    code = THREAD.format("for n in range(5000): print(n)")
    found = late(every, code, lambda found: "4999\n" in text_of(found))
    assert text_of(found) == "".join(f"{n}\n" for n in range(5000))


def test_text_and_displays_of_a_thread_keep_their_order(every):
    code = THREAD.format("for n in range(50): print(n); display(n)")
    found = late(every, code, lambda found: displays(found) == 50)
    said = [
        each["content"]["text"]
        if each["msg_type"] == "stream"
        else each["content"]["data"]["text/plain"]
        for each in found
    ]
    assert "".join(said) == "".join(f"{n}\n{n}" for n in range(50))


def test_tasks_of_several_cells_print_each_under_its_own(every):
    requests = [every.execute(TASK.format(f"print('from {n}')")).request for n in range(3)]
    for n, request in enumerate(requests):
        found = collect(every, request, lambda found: text_of(found).endswith("\n"))
        assert text_of(found) == f"from {n}\n"


def test_late_output_does_not_start_a_request(either):
    request = either.execute(THREAD.format("print('late')")).request
    found = collect(either, request, bool)
    assert {each["msg_type"] for each in found} == {"stream"}
