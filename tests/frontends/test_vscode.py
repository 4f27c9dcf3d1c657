"""VS Code from the opening of a notebook on: its start-up code, variables and background code."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from tests.conftest import MATRIX_PLACES
from tests.frontends import replay
from tests.kernels import Exchange, RunningKernel, execute_content, sessions
from tests.protocol.homes import inside

CELL = {"allow_stdin": True, "stop_on_error": False}
FRAME = "import pandas\nlevels = pandas.DataFrame({'tide': [1, 2, 3], 'port': list('abc')})"
SLOW = "import time\nprint('runs', flush=True)\ntime.sleep(1)"


@dataclass
class Notebook:
    """An opened notebook: what was answered before its first cell, and that cell's end."""

    kernel: RunningKernel
    engine: str
    before: dict[str, Exchange]
    results_before: list[dict]
    created_before: list[str]
    first: Exchange

    def created(self):
        return created(self.kernel, self.engine)

    def execute(self, code):
        return self.kernel.execute(code, **CELL)


def created(kernel, engine):
    with inside(kernel.home, engine):
        return sessions()


@pytest.fixture(scope="module", params=MATRIX_PLACES)
def notebook(request, shared):
    kernel = shared(request.param)
    before = {}
    for name in ("vscode-open", "vscode-variables", "vscode-background"):
        before |= replay.play(kernel, name)
    heard = [each for exchange in before.values() for each in exchange.outputs]
    results = [result(kernel, before[name], heard) for name in ("complete", "inspect")]
    made = created(kernel, request.param)
    first = kernel.execute("print(1)", **CELL)
    return Notebook(kernel, request.param, before, results, made, first)


def recorded(name, identity, *changed):
    """The content of a recorded request, with other words in its code."""
    content = dict(replay.step(name, identity)["content"])
    if changed:
        assert content["code"].count(changed[0]) == 1
        content["code"] = content["code"].replace(*changed)
    return content


def result(kernel, exchange, heard=()):
    """What background code gives by an update of its display, which may come after its end.

    It may have been `heard` under a request that came later.
    """
    (display,) = exchange.of("display_data")
    (mime,) = display["data"]
    identity = display["transient"]["display_id"]

    def is_update(message):
        return (
            message["msg_type"] == "update_display_data"
            and message["content"]["transient"]["display_id"] == identity
        )

    come = [each for each in (*exchange.outputs, *heard) if is_update(each)]
    update = come[0] if come else kernel.next_message(is_update)
    (value,) = update["content"]["data"].items()
    assert value[0] == f"{mime}.result"
    return value[1]


def test_all_that_comes_before_the_first_cell_creates_no_session(notebook):
    assert notebook.created_before == []


def test_the_first_cell_shows_its_output_once_and_has_the_first_number(notebook):
    assert notebook.first.text() == "1\n"
    assert notebook.first.text("stderr") == ""
    assert notebook.first.of("execute_input")[0]["execution_count"] == 1
    assert len(notebook.created()) == 1


SET_UP = {
    "__vsc_ipynb_file__": "'/home/somebody/tides/levels.ipynb'",
    "get_ipython().Completer.use_jedi": "False",
    "'axes.grid' in _VSCode_defaultMatplotlib_Params": "True",
}


@pytest.mark.parametrize("expression", SET_UP)
def test_the_session_is_set_up_as_the_start_up_code_does(notebook, expression):
    assert notebook.execute(expression).value() == SET_UP[expression]


def test_the_start_up_code_is_in_no_history(notebook):
    assert notebook.execute("'%config' in str(In[:-1])").value() == "False"
    asked = {"hist_access_type": "tail", "n": 1000, "raw": True, "output": False}
    rows = notebook.kernel.ask("history_request", asked).content["history"]
    assert [row[2] for row in rows if row[2].startswith(("%config", "__vsc_ipynb_file__ ="))] == []


def test_a_new_interpreter_is_set_up_again(notebook):
    notebook.execute("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    notebook.execute("pass")
    for expression, value in SET_UP.items():
        assert notebook.execute(expression).value() == value


def test_the_variables_panel_is_empty_before_a_session(notebook):
    assert json.loads(notebook.before["types"].text()) == []


def test_the_variables_panel_lists_the_sessions_variables(notebook):
    notebook.execute("tide = 1")
    answer = notebook.kernel.ask("execute_request", recorded("vscode-variables", "types"))
    rows = {each["name"]: each for each in json.loads(answer.text())}
    assert rows["tide"] == {"name": "tide", "type": "int", "fullType": "builtins.int"}
    assert [name for name in rows if name.startswith("_")] == []
    assert len(notebook.created()) == 1


def test_the_data_viewer_gets_a_frames_columns_and_rows(notebook):
    notebook.execute(FRAME)
    name, ask = "vscode-variables", notebook.kernel.ask
    facts = json.loads(ask("execute_request", recorded(name, "frame-info")).text())
    assert (facts["rowCount"], facts["columns"][0]) == (3, {"key": "tide", "type": "int64"})
    rows = json.loads(ask("execute_request", recorded(name, "frame-rows")).text())
    assert rows["data"] == [[2, "b"], [3, "c"]]


def test_probes_leave_the_count_of_a_running_notebook_alone(notebook):
    count = notebook.execute("1").content["execution_count"]
    notebook.kernel.ask("execute_request", recorded("vscode-variables", "types"))
    assert notebook.execute("2").content["execution_count"] == count + 1


def test_background_code_completes_and_inspects_before_a_session(notebook):
    completed, inspected = notebook.results_before
    assert "issubclass" in completed["matches"]
    assert inspected["found"]
    assert "Docstring" in inspected["data"]["text/plain"]


def complete(text):
    return recorded(
        "vscode-background", "complete", '"issubcl", 7', f"{json.dumps(text)}, {len(text)}"
    )


def test_background_code_completes_the_sessions_names(notebook):
    notebook.execute("levels_of_cuxhaven = 1")
    exchange = notebook.kernel.ask("execute_request", complete("levels_of_c"))
    assert result(notebook.kernel, exchange)["matches"] == ["levels_of_cuxhaven"]


def test_background_code_inspects_the_sessions_names(notebook):
    notebook.execute("def levels_of_emden():\n    'How high it was.'")
    text = "levels_of_emden"
    content = recorded("vscode-background", "inspect", '"issubclass", 10', f'"{text}", {len(text)}')
    found = result(notebook.kernel, notebook.kernel.ask("execute_request", content))
    assert "How high it was." in found["data"]["text/plain"]


def test_background_code_that_comes_while_a_cell_runs_is_answered(notebook):
    kernel = notebook.kernel
    notebook.execute("levels_of_norden = 1")
    cell = kernel.send("execute_request", execute_content(SLOW, **CELL))
    kernel.await_text(cell, "runs")
    request = kernel.send("execute_request", complete("levels_of_n"))
    assert kernel.finish(cell).status == "ok"
    assert result(kernel, kernel.finish(request))["matches"] == ["levels_of_norden"]


def test_background_code_whose_thread_asks_while_a_cell_runs_is_answered(notebook):
    kernel = notebook.kernel
    notebook.execute("levels_of_husum = 1")
    request = kernel.send("execute_request", complete("levels_of_h"))
    cell = kernel.send("execute_request", execute_content(SLOW, **CELL))
    assert result(kernel, kernel.finish(request))["matches"] == ["levels_of_husum"]
    assert kernel.finish(cell).status == "ok"
