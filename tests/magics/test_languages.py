"""Cells in the session's other languages, through a real kernel, the SDK and the local service."""

import json
import sys
from pathlib import Path

import pytest

from agentbay_kernel import cli
from tests import kernels


@pytest.mark.parametrize(
    ("magic", "code", "value"),
    [
        ("r", "x <- 20\nx + 1", "[1] 21"),
        ("java", "int x = 20;\nx + 1", "21"),
        ("node", "const x = 20\nx + 1", "21"),
    ],
)
def test_a_cell_gives_its_last_value(kernel, magic, code, value):
    done = kernel.execute(f"%%{magic}\n{code}")
    assert done.status == "ok"
    assert done.value() == value


@pytest.mark.parametrize(("magic", "again"), [("r", "x * 2"), ("java", "x * 2")])
def test_r_and_java_keep_their_names(kernel, magic, again):
    begin = {"r": "x <- 21", "java": "int x = 21;"}[magic]
    kernel.execute(f"%%{magic}\n{begin}")
    assert "42" in kernel.execute(f"%%{magic}\n{again}").value()


def test_javascript_keeps_none(kernel):
    kernel.execute("%%node\nvar kept = 1")
    assert kernel.execute("%%node\nkept").content["ename"] == "ReferenceError"


@pytest.mark.parametrize(
    ("magic", "code", "name"),
    [
        ("r", "stop('no luck')", "Error"),
        ("java", "int y = 1 / 0;", "ArithmeticException"),
        ("node", "null.x", "TypeError"),
    ],
)
def test_an_error_ends_the_cell_and_is_told(kernel, magic, code, name):
    done = kernel.execute(f"%%{magic}\n{code}")
    assert done.content["ename"] == name
    assert done.of("error")[0]["ename"] == name


def test_output_streams_and_a_stop_keeps_the_names(kernel):
    kernel.execute("%%r\nkept <- 7")
    request = kernel.send(
        "execute_request", kernels.execute_content("%%r\ncat('begun\\n')\nrepeat {}")
    )
    kernel.await_text(request, "begun")
    kernel.interrupt()
    assert kernel.finish(request).content["ename"] == "KeyboardInterrupt"
    assert kernel.execute("%%r\nkept").value() == "[1] 7"


@pytest.mark.parametrize("magic", ["java", "node"])
def test_each_language_can_be_stopped(kernel, magic):
    words = {"java": 'System.out.println("begun");', "node": 'console.log("begun");'}[magic]
    content = kernels.execute_content(f"%%{magic}\n{words}\nwhile (true) {{}}")
    request = kernel.send("execute_request", content)
    kernel.await_text(request, "begun")
    kernel.interrupt()
    assert kernel.finish(request).content["ename"] == "KeyboardInterrupt"


def test_a_stop_holds_while_the_next_piece_of_java_compiles(kernel):
    long = "\n".join(f"int n{each} = {each};" for each in range(4000))
    code = f'%%java\nSystem.out.println("begun");\n{{\n{long}\nwhile (true) {{}}\n}}'
    request = kernel.send("execute_request", kernels.execute_content(code))
    kernel.await_text(request, "begun")
    kernel.interrupt()
    assert kernel.finish(request).content["ename"] == "KeyboardInterrupt"


@pytest.mark.parametrize("magic", ["r", "java", "node"])
def test_a_wrong_option_runs_nothing(kernel, magic):
    done = kernel.execute(f"%%{magic} --timeout 0\nsyntax error (")
    assert done.content["ename"] == "UsageError"


def test_a_cell_ends_at_its_timeout(kernel):
    done = kernel.execute("%%node --timeout 0.3\nwhile (true) {}")
    assert done.content["ename"] == "CellTimeout"


def test_a_kernel_of_another_language(surroundings, start_kernel, capsys):
    assert cli.main(["install", "--language", "r", "--user"]) == 0
    place = Path(capsys.readouterr().out.split(" in ")[1].strip())
    spec = json.loads((place / "kernel.json").read_text())
    assert (place.name, spec["display_name"], spec["language"]) == (
        "agentbay-r",
        "AgentBay (R)",
        "R",
    )
    assert spec["argv"][0] == sys.executable
    kernel = start_kernel("agentbay-r")
    info = kernel.ask("kernel_info_request", {}).content["language_info"]
    assert (info["name"], info["file_extension"]) == ("R", ".r")
    assert kernel.execute("y <- c(1, 2)\ny %in% 2").value() == "[1] FALSE  TRUE"
    assert kernel.execute("%agentbay").status == "ok"
    for code, status in [("f(1,", "incomplete"), ("f(1)", "complete"), ("f)", "invalid")]:
        assert kernel.ask("is_complete_request", {"code": code}).content["status"] == status
    matches = kernel.ask("complete_request", {"code": "pri", "cursor_pos": 3}).content["matches"]
    assert matches == []
    kernel.manager.restart_kernel(now=False)
    kernel.client.wait_for_ready(timeout=60)
    assert kernel.execute("exists('y')").value() == "[1] FALSE"


@pytest.mark.parametrize("language", ["cobol", ""])
def test_a_language_that_is_not_known_is_refused(language, capsys):
    with pytest.raises(SystemExit):
        cli.main(["install", "--language", language])
    assert "invalid choice" in capsys.readouterr().err
