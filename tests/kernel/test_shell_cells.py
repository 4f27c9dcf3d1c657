"""Shell commands in cells: output as it comes, and the exit status."""

import time

import pytest

from tests import kernels

WAIT = "echo begun; touch on; while [ ! -e go ]; do sleep 0.02; done; rm go on; echo ended"


@pytest.mark.parametrize("magic", ["!", "%%bash\n"])
def test_output_of_a_command_comes_while_it_runs(either, magic):
    request = either.send("execute_request", kernels.execute_content(magic + WAIT))
    either.await_text(request, "begun")
    while not (marks := list(either.home.glob("data/sessions/*/fs/workspace/on"))):
        time.sleep(0.01)
    (marks[0].parent / "go").touch()
    assert either.finish(request).text().replace("\r", "") == "begun\nended\n"


def test_the_exit_status_is_there_for_the_next_cell(either):
    assert either.execute("!exit 3").status == "ok"
    assert either.execute("_exit_code").value() == "3"


def test_a_shell_cell_that_fails_is_an_error(either):
    done = either.execute("%%bash\necho out; echo err >&2; exit 3")
    assert done.content["ename"] == "CalledProcessError"
    assert "exit status 3" in done.content["evalue"]
    assert (done.text(), done.text("stderr")) == ("out\n", "err\n")
