"""JupyterLab's variable inspector, which asks after everything that it sees run."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass, field

import psutil
import pytest

from tests.conftest import MATRIX_PLACES, PLACES
from tests.frontends import replay
from tests.kernels import Exchange, RunningKernel, execute_content, sessions, wait_for
from tests.protocol.homes import inside

QUERY = "_jupyterlab_variableinspector_dict_list()"
MOST_QUERIES = 10


@dataclass
class Inspector:
    """Asks as the extension does: for each `execute_input` whose code is not its own query."""

    kernel: RunningKernel
    queries: list[Exchange] = field(default_factory=list)

    def see(self, exchange):
        for shown in exchange.of("execute_input"):
            if shown["code"] != QUERY and len(self.queries) < MOST_QUERIES:
                content = replay.step("variable-inspector", "query")["content"]
                self.queries.append(self.kernel.ask("execute_request", content))
                self.see(self.queries[-1])

    def run(self, code):
        self.see(self.kernel.execute(code))

    @property
    def rows(self):
        return rows(self.queries[-1])


def rows(exchange):
    shown = json.loads(ast.literal_eval(exchange.value()))
    return {each["varName"]: each["varContent"] for each in shown}


@pytest.fixture(scope="module", params=MATRIX_PLACES)
def attached(request, shared):
    """A kernel to which the inspector was attached before any session, and what it was told."""
    kernel = shared(request.param)
    told = replay.play(kernel, "variable-inspector")
    with inside(kernel.home, request.param):
        assert sessions() == []
    kernel.execute("pass")
    return kernel, told


def test_its_functions_are_sent_without_a_word(attached):
    told = attached[1]["init"]
    assert {each["msg_type"] for each in told.outputs} == {"status"}


def test_before_a_session_there_are_no_variables(attached):
    assert rows(attached[1]["query"]) == {}


def test_three_cells_cause_three_queries_which_cause_none(attached):
    inspector = Inspector(attached[0])
    for n in range(3):
        inspector.run(f"level_{n} = {n}")
    assert len(inspector.queries) == 3
    assert {each.of("execute_input")[0]["code"] for each in inspector.queries} == {QUERY}


def test_it_sees_the_sessions_variables(attached):
    inspector = Inspector(attached[0])
    inspector.run("tide = [1, 2]")
    assert inspector.rows["tide"] == "[1, 2]"


def test_its_settings_are_known_in_the_session(attached):
    shown = attached[0].execute("_jupyterlab_variableinspector_maxitems")
    assert shown.value() == "25"


def test_it_goes_on_in_a_new_interpreter(attached):
    inspector = Inspector(attached[0])
    inspector.run("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    inspector.run("tide = 'high'")
    assert inspector.rows["tide"] == "'high'"


WAITS = ["sleep", "61.25"]
SLOW = f"""def _jupyterlab_variableinspector_slow():
    pass


import subprocess
subprocess.run({WAITS})
"""


def waits():
    return [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == WAITS]


@pytest.mark.parametrize("place", PLACES)
def test_a_stop_ends_what_the_first_cell_waits_for(start_kernel):
    kernel = start_kernel()
    kernel.execute(SLOW, silent=True, store_history=False)
    code = "import asyncio\nprint('ran')\nawait asyncio.sleep(0)"
    cell = kernel.send("execute_request", execute_content(code, stop_on_error=False))
    wait_for(waits, "the functions' start", 30)
    kernel.interrupt()
    ended = kernel.finish(cell)
    assert [each["ename"] for each in ended.of("error")] == ["KeyboardInterrupt"]
    assert ended.text() == ""
    assert kernel.execute("6 * 7").value() == "42"
