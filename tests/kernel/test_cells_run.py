"""How cells look to a front end: counts, results, history, and where each piece runs."""

from __future__ import annotations


def counts(ended):
    return [
        ended.of("execute_input")[0]["execution_count"],
        ended.content["execution_count"],
        *(result["execution_count"] for result in ended.of("execute_result")),
    ]


def test_counts_go_on_over_session_local_and_magic_cells(kernel):
    assert counts(kernel.execute("1")) == [1, 1, 1]
    assert counts(kernel.execute("%%local\n2")) == [2, 2, 2]
    assert counts(kernel.execute("%agentbay")) == [3, 3]
    assert counts(kernel.execute("4")) == [4, 4, 4]


def test_a_cell_without_history_leaves_the_count(kernel):
    kernel.execute("1")
    quiet = kernel.execute("2", store_history=False)
    assert quiet.value() == "2"
    assert counts(kernel.execute("3"))[:2] == [2, 2]


def test_history_holds_the_cell_as_typed(kernel):
    typed = "x = 1\n%agentbay labels a=b\nx"
    kernel.execute(typed)
    asked = {"hist_access_type": "tail", "n": 1, "output": False, "raw": True}
    history = kernel.ask("history_request", asked).content["history"]
    assert history[0][2] == typed


def test_only_the_last_piece_of_a_mixed_cell_has_a_result(kernel):
    ended = kernel.execute("1\n%agentbay labels\n2")
    assert ended.value() == "2"
    assert len(ended.of("execute_result")) == 1


def test_line_numbers_behind_a_magic_are_the_cells(kernel):
    ended = kernel.execute("x = 1\n%agentbay labels\n\n1/0")
    assert "line 4" in "".join(ended.content["traceback"])


def test_results_and_displays_are_kept_apart_with_all_their_types(kernel):
    kernel.execute("1")
    ended = kernel.execute(
        "import pandas as pd\nfrom IPython.display import display, Markdown, Latex, JSON\n"
        "display(Markdown('*m*'))\ndisplay(Latex('$x$'))\ndisplay(JSON({'a': [1]}))\n"
        "pd.DataFrame({'a': [1]})"
    )
    shown = [content["data"] for content in ended.of("display_data")]
    assert shown[0]["text/markdown"] == "*m*"
    assert shown[1]["text/latex"] == "$x$"
    assert shown[2]["application/json"] == {"a": [1]}
    (result,) = ended.of("execute_result")
    assert "<table" in result["data"]["text/html"]
    assert set(result["data"]) == {"text/plain", "text/html"}


def test_output_appears_while_the_cell_runs(kernel):
    kernel.execute("1")
    ended = kernel.execute(
        "import sys, time\nprint('first', flush=True)\ntime.sleep(1)\n"
        "print('err', file=sys.stderr, flush=True)\ntime.sleep(1)\nprint('last')"
    )
    assert ended.text() == "first\nlast\n"
    assert ended.text("stderr") == "err\n"
    moments = [item["header"]["date"] for item in ended.outputs if item["msg_type"] == "stream"]
    assert (moments[-1] - moments[0]).total_seconds() > 1.5


def test_an_error_aborts_the_cells_behind_it(kernel):
    first = kernel.send("execute_request", _content("1/0"))
    second = kernel.send("execute_request", _content("open('ran', 'w')"))
    assert kernel.finish(first).status == "error"
    assert kernel.finish(second).status == "aborted"
    assert kernel.execute("import os; os.path.exists('ran')").value() == "False"


def test_top_level_await_magics_and_shell_commands_run_in_the_session(kernel):
    assert kernel.execute("import asyncio\nawait asyncio.sleep(0, 'slept')").value() == "'slept'"
    assert "workspace" in kernel.execute("!pwd").text()
    assert kernel.execute("%%bash\necho $((6 * 7))").text() == "42\n"


def test_a_refused_cell_runs_nothing(kernel):
    refused = kernel.execute("y = 1\nif y:\n    %fs ls")
    assert refused.content["ename"] == "CellRefused"
    assert kernel.execute("'y' in globals()").value() == "False"


def test_subshell_cells_run_in_the_same_session(kernel):
    kernel.execute("x = 5")
    subshell = kernel.ask("create_subshell_request", {}, channel="control").content["subshell_id"]
    request = kernel.send("execute_request", _content("x"), header_extra={"subshell_id": subshell})
    assert kernel.finish(request).value() == "5"


def test_all_messages_are_of_the_kernels_own_session(kernel):
    own = kernel.ask("kernel_info_request", {}).reply["header"]["session"]
    ended = kernel.execute("print(1)\n1")
    assert {item["header"]["session"] for item in ended.outputs} == {own}
    assert all(item["parent_header"] for item in ended.outputs)


def _content(code):
    return {
        "code": code,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": True,
    }


def test_exit_in_a_cell_ends_neither_kernel_nor_session(kernel):
    kernel.execute("x = 1")
    kernel.execute("exit")
    assert kernel.execute("6 * 7").value() == "42"


def test_a_large_image_comes_through(kernel):
    ended = kernel.execute(
        "import base64, os\nfrom IPython.display import display\n"
        "data = base64.b64encode(os.urandom(6_000_000)).decode()\n"
        "display({'image/png': data}, raw=True)\nlen(data)"
    )
    (image,) = [each["data"] for each in ended.of("display_data") if "image/png" in each["data"]]
    assert len(image["image/png"]) == int(ended.value()) == 8_000_000
