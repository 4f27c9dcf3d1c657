"""The doctor and the bench, through a real kernel and in a terminal."""

import os
import subprocess
import sys

import psutil
import pytest

from tests import kernels
from tests.kernels import service, sessions, wait_for


def test_the_doctor_shows_a_table_that_grows_and_leaves_the_session(kernel):
    kernel.execute("kept = 42")
    done = kernel.execute("%agentbay doctor -o found")
    assert done.status == "ok", done.content
    assert len(done.of("display_data")) == 1
    last = done.of("update_display_data")[-1]["data"]["text/plain"]
    assert "handshake" in last
    assert "delete" in last
    assert "Everything that was tried works" in done.text()
    states = {"pipe": "['ok']", "agb": "['cannot', 'ok']"}[kernel.name]
    code = "kept, sorted({each['state'] for each in found})"
    assert kernel.execute(code).value() == f"(42, {states})"


def test_a_stopped_doctor_leaves_nothing(kernel):
    request = kernel.send("execute_request", {"code": "%agentbay doctor", "silent": False})
    kernel.until(
        request, lambda message: "create" in str(message["content"].get("data", "")), timeout=30
    )
    kernel.interrupt()
    done = kernel.finish(request)
    assert done.content["ename"] == "KeyboardInterrupt"
    left = kernel.execute("%agentbay list --all -o rows\nlen(rows)").value()
    assert left == "1"


def test_the_bench_gives_figures(kernel):
    done = kernel.execute("%agentbay bench --rounds 3 -o figures")
    assert done.status == "ok", done.content
    code = "all(0 < each['from'] <= each['median'] <= each['to'] for each in figures), len(figures)"
    assert kernel.execute(code).value() == "(True, 5)"
    code = (
        "[each['what'] for each in figures if not (each['bare'] or 0) * (each['ratio'] or 0) > 0]"
    )
    assert kernel.execute(code).value() == "['a request to the provider']"
    assert "bare ipykernel" in done.of("display_data")[-1]["data"]["text/plain"]


def test_a_stop_of_the_bench_leaves_no_bare_kernel(kernel):
    request = kernel.send("execute_request", kernels.execute_content("%agentbay bench --rounds 3"))
    running = wait_for(lambda: bare_kernels(kernel), "a bare kernel runs", 60)
    kernel.interrupt()
    assert kernel.finish(request).content["ename"] == "KeyboardInterrupt"
    wait_for(lambda: not any(each.is_running() for each in running), "it is gone", 20)


def bare_kernels(kernel):
    children = psutil.Process(kernel.pid).children(recursive=True)
    return [each for each in children if "ipykernel_launcher" in " ".join(each.cmdline())]


@pytest.mark.parametrize("line", ["%agentbay doctor me", "%agentbay bench --rounds 1"])
def test_wrong_words_are_refused(kernel, line):
    assert kernel.execute(line).content["ename"] == "UsageError"


def test_the_terminals_doctor_fails_with_a_wrong_key():
    assert service() is None
    environment = {"AGENTBAY_API_KEY": "akm-secret", "AGENTBAY_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-m", "agentbay_kernel.cli", "doctor", "--provider", "agentbay"],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | environment,
    )
    assert done.returncode == 1
    assert "Failed: endpoint" in done.stdout
    assert "akm-secret" not in done.stdout + done.stderr


def test_the_terminals_doctor_works_locally():
    done = subprocess.run(
        [sys.executable, "-m", "agentbay_kernel.cli", "doctor"],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything that was tried works" in done.stdout
    assert sessions() == []
