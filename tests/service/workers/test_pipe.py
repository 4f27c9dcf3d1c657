"""What only the interpreter on a pipe does."""

from __future__ import annotations

import asyncio

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


async def test_context_variables_live_on_from_cell_to_cell(box: Box) -> None:
    await box.run("import asyncio, contextvars; v = contextvars.ContextVar('v'); v.set(1)")
    await box.run("await asyncio.sleep(0); token = v.set(2)")
    await box.run("v.get()")
    assert box.main() == "2"


async def test_forked_child_prints_once_and_ends_with_the_cell(box: Box) -> None:
    await box.run(
        "import os\nprint('before')\nif (pid := os.fork()) == 0: print('child')\n"
        "else: _ = os.waitpid(pid, 0)"
    )
    assert sorted(box.text().split()) == ["before", "child"]
    assert (await box.run("1")).execution_count == 2


async def test_streams_come_in_the_order_of_writing(box: Box) -> None:
    await box.run("import sys\nprint('a'); print('b', file=sys.stderr); print('c')")
    assert [(one["eventType"], one["chunk"]) for one in box.events] == [
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
