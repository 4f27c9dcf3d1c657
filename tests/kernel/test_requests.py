"""Execute requests of every kind, and several at a time."""

from __future__ import annotations

import time

import pytest

from tests.kernel.same import level, plain, shown, told
from tests.kernels import execute_content


def states(exchange):
    return [each["execution_state"] for each in exchange.of("status")]


@pytest.mark.parametrize(
    "code",
    ["x = 1", "x = (", "for i in range(3):", "for i in range(3):\n    i\n", "1 +* 2", "", "%%bash",
     "%%bash\nls", "!ls", "x?", "'''", "%agentbay labels", "%%local\nx = ("],
)  # fmt: skip
def test_code_is_judged_as_ipykernel_judges_it(shared, either, code):
    ours, theirs = (
        kernel.ask("is_complete_request", {"code": code}).content
        for kernel in (either, shared("python3"))
    )
    assert ours == theirs


@pytest.mark.parametrize(
    ("code", "flags"),
    [
        ("print('said')\n5", {"silent": True}),
        ("1/0", {"silent": True}),
        ("display(1)", {"silent": True}),
        ("print('said')\n5", {"store_history": False}),
        ("1/0", {"store_history": False}),
        ("5", {"silent": True, "store_history": False}),
    ],
)
def test_requests_that_are_not_kept_look_as_in_ipykernel(shared, either, code, flags):
    theirs = shared("python3")
    level(theirs, either)
    done = []
    for kernel in (theirs, either):
        ended = kernel.execute(code, **flags)
        done.append([states(ended), shown(ended), told(ended), ended.of("execute_input")])
    assert done[0] == done[1]


def test_a_silent_cell_changes_the_namespace(every):
    every.execute("quiet = 5", silent=True)
    assert every.execute("quiet").value() == "5"


def test_a_silent_cell_leaves_the_count(every):
    before = every.execute("1").content["execution_count"]
    every.execute("2", silent=True)
    assert every.execute("3").content["execution_count"] == before + 1


def test_the_output_of_a_cell_is_between_busy_and_idle(every):
    ended = every.execute("print(1)")
    kinds = [kind for kind, _ in ended.joined]
    assert kinds == ["status", "execute_input", "stream", "status"]
    assert states(ended) == ["busy", "idle"]


@pytest.mark.parametrize("stop", [True, False])
def test_an_error_aborts_what_is_queued_only_if_it_shall(every, subshell, stop):
    every.execute("import threading\nqueued = threading.Event()")
    codes = ["queued.wait(3); 1/0", "'next'", "'last'"]
    requests = [
        every.send("execute_request", execute_content(code, stop_on_error=stop)) for code in codes
    ]
    # In a session this cell too comes after the first, which then waits in vain, but long enough.
    every.ask("execute_request", execute_content("queued.set()"), header_extra=subshell)
    ended = [every.finish(each).status for each in requests]
    assert ended == ["error", *(["aborted"] * 2 if stop else ["ok"] * 2)]
    assert every.execute("'after'").status == "ok"


def test_an_aborted_request_has_only_its_status(every):
    failing = every.send("execute_request", execute_content("import time; time.sleep(1); 1/0"))
    aborted = every.send("execute_request", execute_content("print('never')"))
    every.finish(failing)
    ended = every.finish(aborted)
    assert ended.content == {"status": "aborted"}
    assert {each["msg_type"] for each in ended.outputs} == {"status"}


def test_many_requests_at_once_are_each_answered(every):
    every.execute("import json\nvalue = 5")
    kinds = [
        ("execute_request", execute_content("value + 1")),
        ("complete_request", {"code": "json.dum", "cursor_pos": 8}),
        ("inspect_request", {"code": "value", "cursor_pos": 5, "detail_level": 0}),
        ("is_complete_request", {"code": "x = ("}),
        ("comm_info_request", {}),
        ("kernel_info_request", {}),
        ("history_request", {"hist_access_type": "tail", "n": 1, "raw": True, "output": False}),
    ]
    requests = [every.send(kind, content) for _ in range(5) for kind, content in kinds]
    ended = [every.finish(each) for each in requests]
    assert {each.status for each in ended} == {"ok", "incomplete"}
    assert all(states(each) == ["busy", "idle"] for each in ended)
    assert [each.value() for each in ended[:: len(kinds)]] == ["6"] * 5


def test_cells_of_a_subshell_and_of_the_main_shell_have_numbers_of_their_own(every, subshell):
    code = "import time\nprint('runs', flush=True)\ntime.sleep(1)\n'first'"
    first = every.send("execute_request", execute_content(code))
    every.await_text(first, "runs")
    second = every.send("execute_request", execute_content("'second'"), header_extra=subshell)
    ended = [every.finish(second), every.finish(first)]
    assert [each.value() for each in ended] == ["'second'", "'first'"]
    inputs = [each.of("execute_input")[0]["execution_count"] for each in ended]
    assert inputs[0] == inputs[1] + 1


def test_a_question_is_answered_while_nothing_runs_within_a_moment(either):
    either.execute("import json")
    content = {"code": "json.dumps", "cursor_pos": 10, "detail_level": 0}
    either.ask("inspect_request", content)
    began = time.perf_counter()
    either.ask("inspect_request", content)
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    "code",
    [
        "1/0",
        "\n\n1/0",
        "x = 1\ny = (\n    x +\n    1/0)",
        "def f():\n    1/0\n\nf()",
        "try:\n    1/0\nexcept ZeroDivisionError as error:\n    raise KeyError('k') from error",
        "import asyncio\nawait asyncio.sleep(0)\n1/0",
        "x = (",
        "%time 1/0",
        "%%time\n1/0",
        "import json\njson.loads('{')",
    ],
)
def test_an_errors_numbers_and_lines_are_ipykernels(shared, either, code):
    theirs = shared("python3")
    level(theirs, either)
    ours, expected = (kernel.execute(code).content["traceback"] for kernel in (either, theirs))
    assert plain(ours) == plain(expected)


def place(ended):
    """The cell and the line that a traceback of ours names last, without colours."""
    import re

    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(ended.content["traceback"]))
    found = re.findall(r"Cell In\[(\d+)\], line (\d+)", text)[-1]
    return tuple(int(each) for each in found)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("x = 1\n%fs ls\n\n1/0", 4),
        ("%fs ls\n1/0", 2),
        ("1/0\n%fs ls\n", 1),
        ("\n\n%fs ls\n1/0", 4),
        ("%%local\n1/0", 2),
        ("%%local\n\nx = 1\n1/0", 4),
        ("%%local\ndef f():\n    1/0\nf()", 3),
        ("%%local\nx = (", 2),
        ("%fs ls\nx = (1,\n  2/0)", 3),
    ],
)
def test_an_error_names_the_cell_and_its_line_as_typed(either, code, line):
    either.execute("%%local\n1")
    ended = either.execute(code)
    assert place(ended) == (ended.of("execute_input")[0]["execution_count"], line)


def test_a_local_cells_result_has_the_cells_number(either):
    either.execute("%%local\nx = (")
    ended = either.execute("%%local\n5")
    (result,) = ended.of("execute_result")
    assert result["execution_count"] == ended.of("execute_input")[0]["execution_count"]
    assert result["data"]["text/plain"] == "5"


def test_a_local_cells_semicolon_hides_its_result(either):
    assert either.execute("%%local\n5;").of("execute_result") == []
    assert either.execute("%%local\n5").value() == "5"


def test_an_error_is_told_once(every):
    codes = ("1/0", "import sys\ntry:\n    1/0\nfinally:\n    print('end', file=sys.stderr)")
    for code in codes:
        assert len(every.execute(code).of("error")) == 1


def test_a_magics_usage_error_is_a_line_of_text(every):
    ended = every.execute("%no_such_magic")
    assert ended.of("error") == []
    assert ended.text("stderr") == "UsageError: Line magic function `%no_such_magic` not found.\n"
    assert (ended.status, ended.content["ename"]) == ("error", "UsageError")
