"""How runs queue, end and die, the same with either engine."""

from __future__ import annotations

import asyncio
import signal
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


async def test_timeout_interrupts_and_keeps_the_names(box: Box) -> None:
    await box.run("kept = 5")
    end = await box.run("while True: pass", timeout=0.3)
    assert end.error == "TimeoutError: the code ran longer than 0.3 seconds"
    assert [one["error"]["code"] for one in box.events] == ["TimeoutError"]
    await box.run("kept")
    assert box.main() == "5"


async def test_timeout_kills_what_ignores_the_interrupt(box: Box) -> None:
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    await box.run("1")
    end = await box.run(code, timeout=0.3)
    assert end.error.startswith("TimeoutError")
    assert (await box.run("1")).execution_count == 1


async def test_death_of_the_interpreter_ends_the_run_and_not_the_session(box: Box) -> None:
    end = await box.run("import os; os._exit(3)")
    assert end.error == "InterpreterDied: Python ended with exit status 3"
    assert (await box.run("2")).ok


async def test_death_by_a_signal_names_it(box: Box) -> None:
    end = await box.run("import ctypes; ctypes.string_at(0)")
    assert end.error == "InterpreterDied: Python ended with signal SIGSEGV"


async def test_set_env_reaches_interpreter_and_shell(box: Box) -> None:
    await box.call("set_env", envs=[{"key": "COLOUR", "value": "blue"}])
    await box.run("import os; os.environ['COLOUR']")
    assert box.main() == "'blue'"
    assert (await box.shell("echo $COLOUR"))["stdout"] == "blue\n"
    assert await box.call("get_env", keys=["COLOUR"]) == '{"COLOUR": "blue"}'


async def test_set_env_survives_the_interpreter(box: Box) -> None:
    await box.call("set_env", envs=[{"key": "COLOUR", "value": "blue"}])
    await box.run("import os; os._exit(1)")
    await box.run("import os; os.environ['COLOUR']")
    assert box.main() == "'blue'"


async def test_pause_stops_the_session_and_its_clock(box: Box) -> None:
    await box.run("1")
    await box.sandbox.pause()
    run = asyncio.ensure_future(box.run("2", timeout=2))
    await asyncio.sleep(2.5)
    assert not run.done()
    await box.sandbox.resume()
    assert (await run).ok


async def test_runs_queue_up_in_order(box: Box) -> None:
    said: list[str] = []
    ends = await asyncio.gather(
        *(
            box.sandbox.run_code(
                f"print({n})", "python", 20, lambda event: said.append(event["chunk"])
            )
            for n in range(5)
        )
    )
    assert "".join(said).split() == ["0", "1", "2", "3", "4"]
    assert [end.execution_count for end in ends] == [1, 2, 3, 4, 5]


async def test_found_interpreter_is_the_process_that_runs_the_cells(box: Box) -> None:
    await box.run("import os; os.getpid(), os.getpgrp()")
    found = await box.signal("INT")
    assert box.main() == f"({found.pid}, {found.group})"


async def test_signal_of_the_shell_reaches_what_the_cell_has_started(box: Box) -> None:
    code = "import subprocess, time\np = subprocess.Popen(['sleep', '60'])\nprint(p.pid)\n"
    run = asyncio.ensure_future(box.run(f"{code}time.sleep(60)"))
    await until(lambda: box.events)
    await box.interrupt()
    await run
    await box.run("p.wait()")
    assert box.main() == str(-signal.SIGINT)


async def test_idle_interpreter_that_is_killed_is_replaced_without_a_word(box: Box) -> None:
    await box.run("kept = 1; import os; os.getpid()")
    before = int(box.main())
    await box.signal("KILL")
    while (await box.find()).pid in (0, before):
        await asyncio.sleep(0.01)
    end = await box.run("'kept' in dir()")
    assert end.ok and box.main() == "False"
    assert end.execution_count == 1
