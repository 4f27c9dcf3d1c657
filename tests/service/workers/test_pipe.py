"""What only the interpreter on a pipe does."""

from __future__ import annotations

import asyncio
import re
from itertools import groupby
from operator import itemgetter
from typing import Any

import pytest

from tests.service.workers.sandboxes import Box, until

pytestmark = pytest.mark.timeout(60)


async def test_looks_like_ipykernel_to_libraries(box: Box) -> None:
    await box.run(
        "import sys; ip = get_ipython()\n"
        "(type(ip).__name__, 'IPKernelApp' in ip.config, sys.modules['__main__'] is ip.user_module,"
        " (lambda: 0).__code__.co_filename.split('/')[-2].rsplit('_')[0],"
        " ip.history_manager.hist_file)"
    )
    assert box.main() == "('ZMQInteractiveShell', True, True, 'ipykernel', ':memory:')"


async def test_text_of_a_thread_after_the_cell_comes_with_the_next_run(box: Box) -> None:
    await box.run(
        "import threading\n"
        "threading.Timer(0.1, lambda: (print('late', flush=True), done.set())).start()\n"
        "done = threading.Event()"
    )
    await box.run("_ = done.wait(5)")
    assert box.text() == "late\n"


async def test_lone_surrogates_do_not_break_the_stream(box: Box) -> None:
    assert (await box.run("print('\\ud800')")).ok
    assert box.text() == "?\n"


async def test_context_variables_live_on_but_an_awaiting_cell_has_a_copy(box: Box) -> None:
    await box.run("import asyncio, contextvars; v = contextvars.ContextVar('v'); v.set(1)")
    await box.run("await asyncio.sleep(0); token = v.set(2)")
    await box.run("v.get()")
    assert box.main() == "1"
    await box.run("await asyncio.sleep(0); print(v.get())")
    assert box.text() == "1\n"


async def test_forked_child_prints_once_and_ends_with_the_cell(box: Box) -> None:
    await box.run(
        "import os\nprint('before')\nif (pid := os.fork()) == 0: print('child')\n"
        "else: _ = os.waitpid(pid, 0)"
    )
    assert sorted(box.text().split()) == ["before", "child"]
    assert (await box.run("1")).execution_count == 2


async def test_streams_come_in_the_order_of_writing(box: Box) -> None:
    await box.run("import sys\nprint('a'); print('b', file=sys.stderr); print('c')")
    streams = groupby(box.events, itemgetter("eventType"))
    assert [(name, "".join(one["chunk"] for one in each)) for name, each in streams] == [
        ("stdout", "a\n"),
        ("stderr", "b\n"),
        ("stdout", "c\n"),
    ]


async def test_interrupt_ends_an_await_at_once_and_keeps_the_names(box: Box) -> None:
    await box.run("kept = 1")
    run = asyncio.ensure_future(
        box.run("print('on', flush=True)\nimport asyncio; await asyncio.sleep(30)")
    )
    await until(lambda: box.events)
    await box.interrupt()
    end = await asyncio.wait_for(run, 10)
    assert end.error.startswith("KeyboardInterrupt")
    assert box.error()["code"] == "KeyboardInterrupt"
    await box.run("kept")
    assert box.main() == "1"


async def test_text_of_child_processes_goes_through_the_write_that_the_stream_has_now(
    box: Box,
) -> None:
    await box.run(
        "import os, sys\nseen, plain = [], sys.stdout.write\n"
        "def write(text):\n    seen.append(text)\n    return plain(text)\n"
        "sys.stdout.write = write"
    )
    await box.run("_ = os.write(1, b'from below\\n')")
    assert box.text() == "from below\n"
    await box.run("''.join(seen)")
    assert box.main() == repr("from below\n")


async def test_flush_of_a_stream_can_be_replaced(box: Box) -> None:
    await box.run("import sys; calls = []; sys.stdout.flush = lambda: calls.append(1)")
    await box.run("print('x', flush=True); calls")
    assert box.main() == "[1]"


async def test_descriptor_that_is_closed_costs_no_processor(box: Box) -> None:
    await box.run("import os; os.close(2)")
    await box.run("import time; a = time.process_time(); time.sleep(0.3); time.process_time() - a")
    assert float(box.main()) < 0.1


LATER = """
import asyncio, threading
loop = asyncio.get_event_loop()
def later(call):
    threading.Timer(0.1, loop.call_soon_threadsafe, [call]).start()
def mark(name):
    open(name, 'w').close()
def spin():
    mark('on')
    while True: pass
"""


async def marked(box: Box, name: str) -> None:
    while f"[FILE] {name}" not in await box.call("list_directory", path="/workspace"):
        await asyncio.sleep(0.01)


async def test_callback_of_a_thread_runs_between_cells(box: Box) -> None:
    await box.run(LATER + "later(lambda: mark('called'))")
    await asyncio.wait_for(marked(box, "called"), 10)


async def test_callback_of_a_thread_runs_while_a_cell_awaits(box: Box) -> None:
    await box.run(LATER)
    await box.run("e = asyncio.Event(); later(e.set); await asyncio.wait_for(e.wait(), 10)")
    assert box.main() == "True"


@pytest.mark.parametrize(
    "start", ["later(spin)", "async def f(): spin()\nt = loop.create_task(f())"]
)
async def test_interrupt_ends_a_callback_or_task_between_cells(box: Box, start: str) -> None:
    await box.run(f"{LATER}kept = 1\n{start}")
    await asyncio.wait_for(marked(box, "on"), 10)
    await box.interrupt()
    await asyncio.wait_for(box.run("kept"), 10)
    assert box.main() == "1"


async def test_callback_between_cells_can_catch_the_interrupt(box: Box) -> None:
    code = "try: spin()\n    except KeyboardInterrupt: mark('caught')"
    await box.run(f"{LATER}def careful():\n    {code}\nlater(careful)")
    await asyncio.wait_for(marked(box, "on"), 10)
    await box.interrupt()
    await asyncio.wait_for(marked(box, "caught"), 10)


async def test_interrupt_ends_an_awaiting_cell_and_the_callback_that_keeps_it(box: Box) -> None:
    run = asyncio.ensure_future(box.run(f"{LATER}later(spin); await asyncio.sleep(30)"))
    await asyncio.wait_for(marked(box, "on"), 10)
    await box.interrupt()
    assert (await asyncio.wait_for(run, 10)).error.startswith("KeyboardInterrupt")
    assert (await box.run("1")).execution_count == 2


FLOODS = {
    "cell": "for i in range(10_000): print('x' * 1_000_000)",
    "thread": (
        "import threading\nt = threading.Thread(target=lambda: [print('y' * 1_000_000) for _ in "
        "range(10)])\nt.start()\nfor i in range(10_000): print('x' * 1_000_000)"
    ),
}


async def keep_set(ready: asyncio.Event) -> None:
    while True:
        ready.set()
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_cell_waits_while_nobody_reads_and_can_be_interrupted(box: Box, flood: str) -> None:
    ready, events = asyncio.Event(), []
    ready.set()

    def emit(event: dict[str, Any]) -> None:
        events.append(event)
        ready.clear()

    body = flood.replace("\n", "\n    ")
    code = f"try:\n    {body}\nfinally:\n    mark('stopped')\n    print(f'at {{i}}')"
    await box.run(LATER)
    run = asyncio.ensure_future(box.sandbox.run_code(code, "python", 30, emit, ready))
    await until(lambda: events)
    await box.interrupt()
    await asyncio.wait_for(marked(box, "stopped"), 10)
    taking = asyncio.ensure_future(keep_set(ready))
    end = await asyncio.wait_for(run, 10)
    taking.cancel()
    assert end.error.startswith("KeyboardInterrupt")
    text = "".join(event["chunk"] for event in events if event["eventType"] == "stdout")
    assert int(re.findall(r"at (\d+)", text)[0]) < 10
    assert text.count("\n") < 30 and set(text) <= set("xyat 0123456789\n")


async def test_time_limit_ends_a_cell_whose_reader_has_stopped(box: Box) -> None:
    await box.run("kept = 1")
    run = box.sandbox.run_code(FLOODS["cell"], "python", 0.5, lambda event: None, asyncio.Event())
    assert (await asyncio.wait_for(run, 10)).error.startswith("TimeoutError")
    await box.run("kept")
    assert box.main() == "1"


@pytest.mark.parametrize("loop", ["while True: pass", "await asyncio.sleep(60)"])
async def test_interrupt_that_overtakes_its_cell_is_for_the_cell(box: Box, loop: str) -> None:
    await box.run("import asyncio; kept = 1")
    await box.signal("STOP")
    run = asyncio.ensure_future(box.run(f"print('begun'); {loop}", timeout=30))
    await asyncio.sleep(0)
    await box.interrupt()
    await box.signal("CONT")
    assert (await asyncio.wait_for(run, 10)).error.startswith("KeyboardInterrupt")
    assert not box.text() and box.error()["code"] == "KeyboardInterrupt"
    await box.run("kept")
    assert box.main() == "1"


WAITING = """
def wait():
    import os, time
    while not os.path.exists('go'): time.sleep(0.01)
    loop.call_soon_threadsafe(loop.call_soon, mark, 'on')
threading.Thread(target=wait).start()
"""
"""The loop marks its second turn after the file has come: what was on the socket is read then."""


async def test_interrupt_without_a_cell_is_for_none(box: Box) -> None:
    await box.run(LATER + WAITING)
    await box.signal("STOP")
    await box.call("set_env", envs=[{"key": "COLOUR", "value": "blue"}])
    await box.interrupt()
    await box.signal("CONT")
    await box.shell("touch go")
    await asyncio.wait_for(marked(box, "on"), 10)
    assert (await box.run("1")).ok
