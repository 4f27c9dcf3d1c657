"""R and Java in a session: one of each, with a state."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from agentbay_kernel.service.port import ToolFailure
from tests.service.workers import sandboxes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.service.workers.sandboxes import Box

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    """One session for all, as the virtual machine takes its time to start."""
    async with sandboxes.started(tmp_path_factory.mktemp("s") / "session", "auto") as one:
        yield one


@pytest.fixture
def box(shared_box: Box) -> Box:
    """The session, nothing told yet."""
    shared_box.events.clear()
    return shared_box


STATE = {"r": ("x <- 20", "x + 1", "[1] 21"), "java": ("int x = 20;", "x + 1", "21")}
OUTPUT = {
    "r": 'cat("one\\n"); message("two"); invisible(3)',
    "java": 'System.out.println("one"); System.err.println("two");',
}
ERRORS = {
    "r": ("f <- function() stop('no luck'); f()", "Error: no luck", "f()"),
    "java": (
        'throw new IllegalStateException("no luck");',
        "IllegalStateException: no luck",
        "at ",
    ),
}
BROKEN = {"r": ("1 +* 2", "unexpected"), "java": ("int y = ;", "illegal start")}
LOOPS = {"r": "repeat {}", "java": "while (true) {}"}
QUITS = {"r": "quit(status = 3)", "java": "System.exit(3);"}


@pytest.mark.parametrize("language", STATE)
async def test_a_cell_sees_what_the_former_made_and_gives_its_last_value(
    box: Box, language
) -> None:
    first, second, value = STATE[language]
    await box.run(first, language)
    box.events.clear()
    end = await box.run(second, language)
    assert end.ok
    assert box.main() == value


@pytest.mark.parametrize("language", OUTPUT)
async def test_both_streams_come_apart_and_without_a_value(box: Box, language) -> None:
    await box.run(OUTPUT[language], language)
    assert box.text() == "one\n"
    assert box.text("stderr") == "two\n"
    assert not [each for each in box.events if each["eventType"] == "result"]


@pytest.mark.parametrize("language", ERRORS)
async def test_an_error_has_its_name_and_where_it_was(box: Box, language) -> None:
    code, text, where = ERRORS[language]
    end = await box.run(code, language)
    assert end.error == text
    assert where in "\n".join(box.error()["traceback"])


@pytest.mark.parametrize("language", BROKEN)
async def test_code_that_cannot_be_read_is_told(box: Box, language) -> None:
    code, text = BROKEN[language]
    end = await box.run(code, language)
    assert text in end.error


@pytest.mark.parametrize("language", LOOPS)
async def test_a_timeout_ends_the_code_and_keeps_the_state(box: Box, language) -> None:
    await box.run(STATE[language][0], language)
    end = await box.run(LOOPS[language], language, timeout=0.5)
    assert end.error == "TimeoutError: the code ran longer than 0.5 seconds"
    box.events.clear()
    await box.run(STATE[language][1], language)
    assert box.main() == STATE[language][2]


@pytest.mark.parametrize("language", QUITS)
async def test_a_process_that_quits_is_told_and_started_anew(box: Box, language) -> None:
    end = await box.run(QUITS[language], language)
    assert end.error.startswith("InterpreterDied: ")
    assert "exit status 3" in end.error
    assert (await box.run(STATE[language][0], language)).ok


async def test_output_comes_while_the_code_runs(box: Box) -> None:
    run = asyncio.ensure_future(box.run("cat('begun\\n'); repeat {}", "r", timeout=20))
    while box.text() != "begun\n":
        await asyncio.sleep(0.01)
    assert not run.done()
    await box.call("shell", command="pkill -INT -f 'file=.*cell[.]R'")
    assert (await run).error.startswith("KeyboardInterrupt")


async def test_a_plot_is_a_picture(box: Box) -> None:
    await box.run("plot(1:3)", "r")
    [result] = [each["result"] for each in box.events if each["eventType"] == "result"]
    assert base64.b64decode(result["mime"]["image/png"]).startswith(b"\x89PNG")


async def test_text_beyond_ascii_comes_back(box: Box) -> None:
    await box.run('cat("grüße, 世界\\n")', "r")
    assert box.text() == "grüße, 世界\n"


async def test_the_working_folder_is_the_sessions(box: Box) -> None:
    await box.run("writeLines('made in R', 'note.txt')", "r")
    assert "made in R" in await box.call("read_file", path="/workspace/note.txt")


@pytest_asyncio.fixture(loop_scope="module", params=sandboxes.MODES)
async def fresh(request: pytest.FixtureRequest, tmp_path) -> AsyncIterator[Box]:
    """A session of its own in each isolation."""
    async with sandboxes.started(tmp_path / "session", request.param) as one:
        yield one


async def test_r_runs_in_each_isolation(fresh: Box) -> None:
    await fresh.run("1 + 1", "r")
    assert fresh.main() == "[1] 2"


@pytest.mark.parametrize(
    ("language", "package"), [("r", "r-base-core"), ("java", "default-jdk-headless")]
)
async def test_without_its_program_it_names_what_to_install(fresh: Box, language, package) -> None:
    await fresh.call("set_env", envs=[{"key": "PATH", "value": "/none"}])
    with pytest.raises(ToolFailure, match=f"apt-get install {package}"):
        await fresh.run("1", language)


async def test_a_java_without_the_tools_of_a_jdk_is_not_enough(fresh: Box) -> None:
    place = '"$HOME/only"'
    words = f'mkdir {place} && ln -s "$(command -v java)" {place}/java && printf %s {place}'
    done = await fresh.shell(words)
    await fresh.call("set_env", envs=[{"key": "PATH", "value": done["stdout"]}])
    with pytest.raises(ToolFailure, match="needs a JDK"):
        await fresh.run("1", "java")
