"""An interpreter dies: it is said how, the session is kept, the next cell says what is gone."""

import time

import pytest

from tests.conftest import MATRIX_ENGINES, MATRIX_PLACES
from tests.kernel.test_cut import COMM

DEATHS = {
    "exit": ("import os\nos._exit(3)", "exit status 3"),
    "segmentation fault": ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    "kill": ("import os\nos.kill(os.getpid(), 9)", "SIGKILL"),
    "abort": ("import os\nos.abort()", "SIGABRT"),
}
REPLACED = "interpreter was replaced"
KEPT = "The session and its files are kept; the names of all cells are gone."


def assert_begins_anew(far, session):
    """The next cell runs in the same session with the old files, and says once what is gone."""
    first = far.execute("open('kept.txt').read()")
    assert first.value() == "'here'"
    assert first.text("stderr").count(REPLACED) == 1
    second = far.execute("state")
    assert second.content["ename"] == "NameError"
    assert REPLACED not in second.text("stderr")
    assert far.session_id() == session


def prepare(far):
    """Leave a name and a file in the session, and give its id."""
    far.execute("state = 1; open('kept.txt', 'w').write('here')")
    return far.session_id()


@pytest.mark.parametrize("how", DEATHS)
def test_a_cell_whose_interpreter_dies_says_how_and_what_is_left(far, how):
    code, words = DEATHS[how]
    session = prepare(far)
    began = time.monotonic()
    ended = far.execute(f"import time\nprint('on'); time.sleep(0.3)\n{code}")
    assert time.monotonic() - began < 10
    assert ended.text() == "on\n"
    assert ended.content["ename"] == "InterpreterDied"
    assert words in ended.content["evalue"]
    assert KEPT in "\n".join(ended.content["traceback"])
    assert len(ended.of("error")) == 1
    assert_begins_anew(far, session)


@pytest.mark.parametrize("how", DEATHS)
def test_a_first_cell_whose_interpreter_dies_says_so(new_far, how):
    code, words = DEATHS[how]
    far = new_far()
    ended = far.execute(code)
    assert ended.content["ename"] == "InterpreterDied"
    assert words in ended.content["evalue"]
    assert far.execute("1").text("stderr").count(REPLACED) == 1


TOO_MUCH = """
import subprocess, sys, time
eat = "held = b'x' * 300_000_000; input()"
children = [subprocess.Popen([sys.executable, "-c", eat], stdin=subprocess.PIPE) for _ in range(3)]
time.sleep(60)
"""


@pytest.mark.parametrize("place", MATRIX_PLACES)
def test_an_interpreter_that_exceeds_the_memory_limit_is_said(new_far):
    far = new_far(AGENTBAY_KERNEL_MEMORY_LIMIT_MB="600")
    session = prepare(far)
    ended = far.execute(TOO_MUCH, timeout=90)
    assert ended.content["ename"] == "MemoryLimit"
    assert "600 MiB of memory" in ended.content["evalue"]
    assert KEPT in "\n".join(ended.content["traceback"])
    assert len(ended.of("error")) == 1
    assert_begins_anew(far, session)


LATER = "import os, threading\nthreading.Timer(0.3, os._exit, [1]).start()\nos.getpid()"


@pytest.mark.parametrize("far", MATRIX_ENGINES, indirect=True)  # needs a terminal
def test_the_cell_after_a_death_while_idle_says_what_is_gone(far):
    session = prepare(far)
    far.execute(LATER)
    far.wait_for_death()
    assert_begins_anew(far, session)


@pytest.mark.parametrize("far", MATRIX_ENGINES, indirect=True)  # needs a terminal
@pytest.mark.parametrize("code", ["import os\nos._exit(3)", LATER])
def test_open_comms_are_closed_when_their_interpreter_dies(far, code):
    comm_id = far.execute(COMM).value().strip("'")
    assert comm_id in far.comm_ids()
    request = far.begin(code)
    far.kernel.next_message(
        lambda each: each["msg_type"] == "comm_close" and each["content"]["comm_id"] == comm_id
    )
    far.kernel.finish(request)
    assert comm_id not in far.comm_ids()
    far.execute("pass")


@pytest.mark.parametrize("far", MATRIX_ENGINES, indirect=True)  # needs a terminal
def test_a_completion_after_a_death_while_idle_is_answered(far):
    far.execute("something_long = 1")
    far.execute(LATER)
    far.wait_for_death()
    began = time.monotonic()
    found = far.kernel.ask("complete_request", {"code": "import o", "cursor_pos": 8})
    assert found.status == "ok"
    assert time.monotonic() - began < 10
    far.execute("pass")


def test_a_prompt_whose_interpreter_dies_is_given_up(far):
    session = prepare(far)
    request = far.begin(
        "import os, threading\nthreading.Timer(0.5, os._exit, [1]).start()\ninput('name? ')",
        allow_stdin=True,
    )
    far.kernel.prompt()
    ended = far.kernel.finish(request)
    assert ended.content["ename"] == "InterpreterDied"
    assert_begins_anew(far, session)


def test_deaths_one_after_the_other_are_each_said_once(far):
    session = prepare(far)
    for _ in range(3):
        ended = far.execute("import os\nos._exit(3)")
        assert ended.content["ename"] == "InterpreterDied"
        assert len(ended.of("error")) == 1
    assert_begins_anew(far, session)
