"""Restart, shutdown and kill: what survives, what is said, and that nothing is left."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from tests import kernels
from tests.kernels import wait_for

PID = "import os; os.getpid()"


def gone(what, timeout=40):
    wait_for(lambda: not kernels.sessions(), f"{what} leaves no session", timeout)


def session_id(kernel):
    (found,) = kernels.sessions()
    return found


def test_two_kernels_share_one_service(start_kernel):
    first, second = start_kernel(), start_kernel()
    first.execute("x = 1")
    pid = kernels.service().pid
    second.execute("x = 2")
    assert kernels.service().pid == pid
    assert len(kernels.sessions()) == 2
    assert first.execute("x").value() == "1"


def test_shutdown_deletes_the_session(kernel):
    kernel.execute("1")
    kernel.close()
    gone("shutdown", 5)


def restart_gracefully(kernel):
    kernel.manager.restart_kernel()


def restart_now(kernel):
    kernel.manager.restart_kernel(now=True)


@pytest.mark.parametrize("restart", [restart_gracefully, restart_now])
def test_a_restart_keeps_session_and_files_and_loses_the_names(kernel, restart):
    kernel.execute("x = 1; open('kept.txt', 'w').write('here')")
    before = session_id(kernel)
    restart(kernel)
    kernel.client.wait_for_ready(timeout=30)
    assert kernel.execute("open('kept.txt').read()").value() == "'here'"
    assert kernel.execute("x").content["ename"] == "NameError"
    assert session_id(kernel) == before


def test_a_terminated_kernel_deletes_its_session_at_once(kernel):
    kernel.execute("1")
    process = psutil.Process(kernel.pid)
    process.terminate()
    process.wait(timeout=2.5)
    gone("SIGTERM", 5)


def test_a_killed_interpreter_is_said_and_the_session_goes_on(kernel):
    kernel.execute("open('kept.txt', 'w').write('here')")
    before = session_id(kernel)
    died = kernel.execute("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert died.status == "error"
    assert "SIGKILL" in died.content["evalue"]
    assert kernel.execute("open('kept.txt').read()").value() == "'here'"
    assert session_id(kernel) == before


@pytest.mark.parametrize("place", ["pipe"])  # nobody replaces a cloud
def test_a_killed_service_is_said_and_replaced(kernel):
    kernel.execute("x = 1")
    os.kill(kernels.service().pid, signal.SIGKILL)
    lost = kernel.execute("x")
    assert lost.status == "error"
    assert "gone" in lost.content["evalue"]
    assert kernel.execute("6 * 7").value() == "42"
    assert kernel.execute("x").content["ename"] == "NameError"


def test_a_killed_service_leaves_no_process(kernel):
    interpreter = int(kernel.execute(PID).value())
    service = psutil.Process(kernels.service().pid)
    children = service.children(recursive=True)
    assert interpreter
    service.kill()
    wait_for(lambda: all(kernels.has_ended(each.pid) for each in children), "the end of all")


def test_a_session_deleted_behind_the_kernels_back_is_said(kernel):
    kernel.execute("x = 1")
    kernel.execute("%agentbay list")
    kernels.release(kernels.service(), session_id(kernel))
    lost = kernel.execute("x")
    assert lost.content["ename"] == "SessionGone"
    assert kernel.execute("6 * 7").value() == "42"


@pytest.mark.parametrize("place", ["pipe"])  # no kernel ends a cloud
def test_the_service_leaves_when_nobody_needs_it(kernel):
    kernel.execute("1")
    pid = kernels.service().pid
    kernel.close()
    wait_for(lambda: kernels.has_ended(pid), "the service leaves", 30)


def test_notebooks_of_one_path_in_two_servers_do_not_share_a_session(start_kernel, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "/work/same.ipynb")
    first, second = start_kernel(), start_kernel()
    first.execute("x = 1")
    assert second.execute("x").content["ename"] == "NameError"
    assert len(kernels.sessions()) == 2


def test_opening_a_notebook_creates_nothing(kernel):
    kernel.ask("kernel_info_request", {})
    kernel.execute("")
    kernel.execute("x", silent=True, store_history=False)
    assert kernels.sessions() == []
