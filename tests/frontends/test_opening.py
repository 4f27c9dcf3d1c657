"""What front ends send when a notebook is opened: answered at once, without a session."""

from __future__ import annotations

import pytest

from tests.frontends import replay
from tests.kernels import sessions

CONVERSATIONS = sorted(path.stem for path in replay.RECORDINGS.glob("*.jsonl"))


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_opening_creates_no_session(kernel, name):
    replay.play(kernel, name)
    assert sessions() == []


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_probes_leave_the_execution_count_alone(kernel, name):
    replay.play(kernel, name)
    assert kernel.execute("1").of("execute_input")[0]["execution_count"] == 1


def test_the_first_cell_after_the_probes_creates_one_session(kernel):
    replay.play(kernel, "vscode-open")
    assert kernel.execute("print(1)").text() == "1\n"
    assert len(sessions()) == 1


def test_probes_run_beside_a_live_session_create_no_second_one(kernel):
    kernel.execute("x = 1")
    for name in ("vscode-open", "lab-open", "variable-inspector"):
        for recorded in replay.steps(name):
            replay.send(kernel, recorded)
    assert len(sessions()) == 1


def test_the_notebook_that_vscode_names_becomes_a_label(kernel):
    replay.play(kernel, "vscode-open")
    listing = kernel.execute("%agentbay labels --all").of("display_data")[-1]["data"]
    assert "levels.ipynb" in listing["text/plain"]


def test_a_kernel_of_python_with_subshells_and_without_a_debugger_is_advertised(kernel):
    info = kernel.ask("kernel_info_request", {}).content
    assert info["supported_features"] == ["kernel subshells"]
    language = info["language_info"]
    assert (language["name"], language["file_extension"]) == ("python", ".py")


def test_an_unknown_probe_that_may_prompt_creates_no_session(kernel):
    answer = kernel.execute("some_extension_probe = 1", store_history=False, allow_stdin=True)
    assert (answer.status, sessions()) == ("ok", [])


def test_code_without_history_and_prompts_is_a_real_cell(kernel):
    answer = kernel.execute("print(6 * 7)", store_history=False, allow_stdin=False)
    assert (answer.text(), len(sessions())) == ("42\n", 1)


def test_blank_code_creates_no_session(kernel):
    assert kernel.execute(" \n").status == "ok"
    assert sessions() == []


@pytest.mark.parametrize(
    "code", ["_VSCODE_foo = 41", "def do_complete(code): return code\n_VSCODE_foo = 41"]
)
def test_a_users_cell_with_a_probes_words_runs_in_the_session(kernel, code):
    kernel.execute(code)
    assert kernel.execute("_VSCODE_foo + 1").value() == "42"
    assert kernel.execute("%%local\n'_VSCODE_foo' in globals()").value() == "False"
