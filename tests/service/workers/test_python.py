"""The interpreter behaves like ipykernel's, and an ipykernel as its engine just so."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.service.workers.sandboxes import ENGINES, Box, started, until

pytestmark = pytest.mark.timeout(60)


@pytest_asyncio.fixture(params=ENGINES, ids="-".join)
async def box(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Box]:
    """A started sandbox, with either engine."""
    mode, engine = request.param
    async with started(tmp_path / "session", mode, engine=engine) as one:
        yield one


ANSI = re.compile(r"\x1b\[[0-9;]*m")


def plain(lines: list[str]) -> str:
    return ANSI.sub("", "\n".join(lines))


async def test_error_carries_ipythons_traceback_in_colour(box: Box) -> None:
    end = await box.run("def f():\n    1 / 0\nf()")
    assert end.error == "ZeroDivisionError: division by zero"
    error = box.error()
    assert (error["code"], error["message"]) == ("ZeroDivisionError", "division by zero")
    text = plain(error["traceback"])
    assert "Cell In[1], line 3" in text and "Cell In[1], line 2, in f()" in text
    assert "\x1b[" in error["traceback"][0]


async def test_syntax_error_is_an_error_event(box: Box) -> None:
    await box.run("x = (")
    assert box.error()["code"] == "SyntaxError"


async def test_last_values_are_kept_as_ipython_does(box: Box) -> None:
    await box.run("41")
    await box.run("_ + 1")
    await box.run("Out[2], In[1], _i1")
    assert box.main() == "(42, '41', '41')"


async def test_a_transformer_of_the_users_sees_a_cell_as_often_as_under_ipykernel(
    box: Box,
) -> None:
    await box.run("seen = []\ndef see(lines):\n    seen.append(lines)\n    return lines")
    await box.run("get_ipython().input_transformers_cleanup.append(see)")
    await box.run("len(seen)")
    assert box.main() == "2"


async def test_the_same_text_is_transformed_anew_each_time_it_is_run(box: Box) -> None:
    await box.run(
        "ip = get_ipython()\n"
        "ip.run_cell('x = 1')\n"
        "ip.input_transformers_post.append(lambda lines: [line.upper() for line in lines])\n"
        "ip.run_cell('x = 1')"
    )
    await box.run("X")
    assert box.main() == "1"


async def test_display_is_no_main_result(box: Box) -> None:
    await box.run("from IPython.display import HTML, display; display(HTML('<b>1</b>')); 7")
    assert [one["isMainResult"] for one in box.results()] == [False, True]
    assert box.results()[0]["mime"]["text/html"] == "<b>1</b>"


async def test_top_level_await_shares_the_loop_with_tasks_between_cells(box: Box) -> None:
    await box.run("import asyncio\nt = asyncio.create_task(asyncio.sleep(0.05, 'slept'))")
    await box.run("await t")
    assert box.main() == "'slept'"


async def test_output_of_child_processes_is_there_before_the_end(box: Box) -> None:
    await box.run("import subprocess; p = subprocess.run(['seq', '2000'])")
    assert box.text().split() == [str(n) for n in range(1, 2001)]


async def test_bang_and_bash_magic_run_commands(box: Box) -> None:
    await box.run("!echo one")
    assert box.text().strip() == "one"
    await box.run("%%bash\necho two")
    assert box.text() == "two\n"


async def test_figures_come_at_the_end_of_the_cell(box: Box) -> None:
    pytest.importorskip("matplotlib")
    end = await box.run("import matplotlib.pyplot as plt; _ = plt.plot([1, 2]); print('drawn')")
    assert end.ok and (box.events[0]["eventType"], box.text()) == ("stdout", "drawn\n")
    assert "image/png" in box.results()[-1]["mime"]


async def test_input_is_refused_honestly(box: Box) -> None:
    end = await box.run("input('name? ')")
    assert end.error.startswith("StdinNotImplementedError: ")


async def test_no_chunk_is_larger_than_a_frame_may_be(box: Box) -> None:
    await box.run("print('\\U0001f600' * 300_000, end='')")
    chunks = [one["chunk"] for one in box.events]
    assert "".join(chunks) == "\U0001f600" * 300_000
    assert max(len(chunk.encode()) for chunk in chunks) <= 160 << 10


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(30)",
        "import subprocess; subprocess.run(['sleep', '30'])",
        "while True: print('x' * 1000)",
    ],
)
async def test_interrupt_from_the_shell_stops_the_cell_and_keeps_the_names(
    box: Box, code: str
) -> None:
    await box.run("kept = 1")
    run = asyncio.ensure_future(box.run(f"print('on', flush=True)\n{code}"))
    await until(lambda: box.events)
    await box.interrupt()
    end = await asyncio.wait_for(run, 10)
    assert end.error.startswith("KeyboardInterrupt")
    assert box.error()["code"] == "KeyboardInterrupt"
    await box.run("kept")
    assert box.main() == "1"


async def test_interrupt_of_an_idle_interpreter_does_nothing(box: Box) -> None:
    await box.run("kept = 1")
    await box.interrupt()
    await box.run("kept")
    assert box.main() == "1"


async def test_large_values_and_scripts_pass(box: Box) -> None:
    end = await box.run(f"x = {'y' * 2_000_000!r}\nlen(x)")
    assert end.ok and box.main() == "2000000"


async def test_workspace_module_does_not_shadow_what_the_interpreter_needs(box: Box) -> None:
    await box.call("write_file", path="json.py", content="raise SystemExit")
    await box.run("import os; os._exit(1)")
    assert (await box.run("1")).ok
