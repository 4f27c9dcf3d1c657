"""Cells that run detached in the session, through a real kernel."""

import re

import pytest

from tests import kernels


def started(kernel, body, words=""):
    done = kernel.execute(f"%%background {words}\n{body}")
    assert done.status == "ok", done.content
    return re.search(r"Job (\w+) runs", done.text())[1]


def test_a_cell_runs_beside_the_notebook_and_its_output_is_followed(kernel):
    job = started(kernel, "import time\nprint('grüße')\nopen('made', 'w').close()")
    followed = kernel.execute(f"%agentbay jobs {job} --follow -o facts")
    assert followed.text() == f"grüße\n— job {job} ended with status 0\n"
    assert kernel.execute("__import__('os').path.exists('made'), facts['state']").value() == (
        "(True, '0')"
    )


def test_a_shell_cell_tells_its_status(kernel):
    job = started(kernel, "echo out; echo err >&2; exit 3", "bash")
    text = kernel.execute(f"%agentbay jobs {job} --follow").text()
    assert text == f"out\nerr\n— job {job} ended with status 3\n"
    assert f"{job}  failed (3)" in str(kernel.execute("%agentbay jobs").of("display_data"))


def test_a_job_outlives_a_restart_and_can_be_cancelled(start_kernel):
    kernel = start_kernel()
    job = started(kernel, "echo begun; sleep 60 & sleep 60", "bash")
    kernel.manager.restart_kernel(now=False)
    kernel.client.wait_for_ready(timeout=60)
    while "begun" not in kernel.execute(f"%agentbay jobs {job}").text():
        pass
    request = kernel.send(
        "execute_request", kernels.execute_content(f"%agentbay jobs {job} --follow")
    )
    kernel.await_text(request, "begun")
    kernel.interrupt()
    assert kernel.finish(request).content["ename"] == "KeyboardInterrupt"
    assert "is running" in kernel.execute(f"%agentbay jobs {job}").text()
    assert kernel.execute(f"%agentbay jobs {job} --cancel").status == "ok"
    assert "was cancelled" in kernel.execute(f"%agentbay jobs {job} --follow").text()
    assert kernel.execute("!pgrep -x sleep").text().strip() == ""
    again = kernel.execute(f"%agentbay jobs {job} --cancel").content
    assert again["evalue"].startswith(f"Job {job} has ended already")


def test_long_output_is_not_cut(kernel):
    job = started(kernel, "print('é' * 300_000)")
    text = kernel.execute(f"%agentbay jobs {job} --follow").text()
    assert text.count("é") == 300_000


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%%background\n", "no lines"),
        ("%%background\n!ls", "Line 2 is no plain Python"),
        ("%%background cobol\nx", "invalid choice"),
        ("%agentbay jobs 123456", "no job 123456"),
        ("%agentbay jobs '$(id)'", "no job"),
        ("%agentbay jobs --follow", "Which job"),
        ("%agentbay jobs 123456 --cancel --follow", "exclude each other"),
    ],
)
def test_bad_words_are_refused(kernel, cell, words):
    done = kernel.execute(cell)
    assert done.content["ename"] == "UsageError"
    assert words in done.content["evalue"]


def test_ids_are_completed(kernel):
    job = started(kernel, "pass")
    code = f"%agentbay jobs {job[:3]}"
    asked = {"code": code, "cursor_pos": len(code)}
    assert job in kernel.ask("complete_request", asked).content["matches"]
