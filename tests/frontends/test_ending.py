"""How front ends end a kernel, and what becomes of its session each time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.kernels import has_ended, sessions, wait_for
from tests.sizes import size

DELETE = "DeleteSessionAsync"
CREATE = "CreateMcpSession"
GUARDIAN_SECONDS = 30


@pytest.fixture(autouse=True)
def short_wait(monkeypatch):
    """A guardian waits for a restarted kernel before it deletes what a killed one left."""
    monkeypatch.setenv("AGENTBAY_KERNEL_RESTART_WAIT_SECONDS", "2")


def _gone(process):
    return has_ended(process.pid)


def test_sigterm_sends_the_deletion_within_a_second_and_ends_the_process(cloud, start_kernel):
    kernel = start_kernel()
    kernel.execute("1")
    process, began = psutil.Process(kernel.pid), time.monotonic()
    process.terminate()
    wait_for(lambda: _gone(process), "the kernel's end", 2)
    wait_for(lambda: cloud.actions[DELETE], "the deletion", 1)
    assert cloud.moments[DELETE] - began < 1
    wait_for(lambda: not sessions(), "the session's end")


def test_sigterm_after_the_children_were_ended_deletes_the_session(kernel):
    kernel.execute("1")
    process = psutil.Process(kernel.pid)
    for child in process.children(recursive=True):
        child.terminate()
    process.terminate()
    wait_for(lambda: _gone(process), "the kernel's end", 3)
    wait_for(lambda: not sessions(), "the session's end")


@pytest.mark.parametrize("place", ["pipe"])  # needs lifetime
def test_a_new_session_has_a_life_limit_from_its_first_moment(cloud, start_kernel):
    start_kernel().execute("1")
    body = cloud.bodies[CREATE]
    assert b"MaxRuntime=480" in body
    assert b"Timeout=60" in body


@pytest.mark.parametrize("number", [signal.SIGKILL])
def test_a_killed_kernels_session_is_deleted_by_its_guardian(kernel, number):
    kernel.execute("1")
    os.kill(kernel.pid, number)
    wait_for(lambda: not sessions(), "the session's end", GUARDIAN_SECONDS)


def test_a_shutdown_is_over_in_time_though_the_deletion_is_slow(cloud, start_kernel):
    kernel = start_kernel()
    kernel.execute("1")
    cloud.delays[DELETE] = size("slow_delete_seconds")
    process, began = psutil.Process(kernel.pid), time.monotonic()
    kernel.manager.shutdown_kernel()
    assert _gone(process)
    assert time.monotonic() - began < 5
    assert cloud.moments[DELETE] - began < 0.5
    wait_for(lambda: not sessions(), "the session's end", 20)


def test_a_restart_deletes_nothing(cloud, start_kernel):
    kernel = start_kernel()
    kernel.execute("1")
    before = sessions()
    kernel.manager.restart_kernel()
    kernel.client.wait_for_ready(timeout=30)
    assert (sessions(), cloud.actions[DELETE]) == (before, 0)


def test_a_shutdown_now_leaves_the_deletion_to_the_guardian(kernel):
    kernel.execute("1")
    kernel.manager.shutdown_kernel(now=True)
    wait_for(lambda: not sessions(), "the session's end", GUARDIAN_SECONDS)


PARENT = """
import os, sys
from tests import kernels
kernel = kernels.start()
kernel.execute("1")
print(kernel.pid, flush=True)
sys.stdin.readline()
os._exit(0)
"""


def test_the_parents_death_ends_the_kernel_and_the_session():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    process = psutil.Process(int(parent.stdout.readline()))
    assert len(sessions()) == 1
    parent.communicate("\n", timeout=10)
    wait_for(lambda: _gone(process), "the kernel's end", 3)
    wait_for(lambda: not sessions(), "the session's end", GUARDIAN_SECONDS)
