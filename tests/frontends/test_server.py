"""A kernel under a Jupyter server, which restarts it when it dies."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests
from jupyter_client.blocking import BlockingKernelClient

from tests.kernels import RunningKernel, sessions, wait_for
from tests.sizes import size

TOKEN = {"Authorization": "token for-the-test"}


@pytest.fixture
def server(surroundings, tmp_path):
    """A Jupyter server's URL."""
    words = [
        "--no-browser",
        "--allow-root",
        "--ServerApp.port=0",
        f"--ServerApp.root_dir={tmp_path}",
    ]
    words += ["--IdentityProvider.token=for-the-test", "--ServerApp.log_level=ERROR"]
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter_server", *words], start_new_session=True
    )
    runtime = Path(os.environ["JUPYTER_RUNTIME_DIR"])

    def url():
        found = list(runtime.glob("jpserver-*.json"))
        try:
            address = json.loads(found[0].read_text())["url"].rstrip("/") if found else ""
        except ValueError:
            return ""  # it is being written
        # The server writes its file before it listens.
        return address if address and _answers(address) else ""

    yield wait_for(url, "the server's start", 30)
    process.terminate()
    process.wait(timeout=20)


def _answers(url):
    try:
        return requests.get(f"{url}/api", timeout=10).ok
    except requests.ConnectionError:
        return False


@pytest.fixture
def served(server):
    """A kernel that the server started."""
    answer = requests.post(
        f"{server}/api/kernels", headers=TOKEN, json={"name": "agentbay"}, timeout=60
    )
    identity = answer.json()["id"]
    kernel = RunningKernel(None, _client(identity))
    yield kernel, identity
    kernel.client.stop_channels()
    requests.delete(f"{server}/api/kernels/{identity}", headers=TOKEN, timeout=30)


def _client(identity):
    client = BlockingKernelClient()
    client.load_connection_file(f"{os.environ['JUPYTER_RUNTIME_DIR']}/kernel-{identity}.json")
    client.start_channels()

    def ready():
        # A heartbeat that is late while the kernel starts is taken for its death.
        with contextlib.suppress(RuntimeError):
            client.wait_for_ready(timeout=60)
            return True
        return False

    wait_for(ready, "a ready kernel", 60)
    return client


def _pid(identity):
    for process in psutil.process_iter(["cmdline", "ppid"]):
        words = process.info["cmdline"] or []
        if "agentbay_kernel" in words and any(f"kernel-{identity}.json" in word for word in words):
            return process.pid
    return 0


def test_a_killed_kernel_is_restarted_with_the_same_session(served):
    kernel, identity = served
    kernel.execute("open('kept.txt', 'w').write('still here'); name = 1")
    before = sessions()
    for _ in range(size("autorestarts")):
        old = _pid(identity)
        os.kill(old, signal.SIGKILL)
        wait_for(lambda old=old: _pid(identity) not in (0, old), "the restart", 20)
        kernel.client.stop_channels()
        kernel = RunningKernel(None, _client(identity))
        assert kernel.execute("open('kept.txt').read()").value() == "'still here'"
        assert kernel.execute("'name' in globals()").value() == "False"
    assert sessions() == before
    kernel.client.stop_channels()


def test_a_restart_as_lab_asks_for_it_keeps_session_and_files_and_loses_the_names(server, served):
    kernel, identity = served
    kernel.execute("open('kept.txt', 'w').write('still here'); name = 1")
    before = sessions()
    answer = requests.post(f"{server}/api/kernels/{identity}/restart", headers=TOKEN, timeout=60)
    answer.raise_for_status()
    kernel.client.stop_channels()
    kernel = RunningKernel(None, _client(identity))
    assert kernel.execute("open('kept.txt').read()").value() == "'still here'"
    assert kernel.execute("name").content["ename"] == "NameError"
    assert sessions() == before
    kernel.client.stop_channels()


def test_a_servers_shutdown_deletes_the_session(server, served):
    kernel, identity = served
    kernel.execute("1")
    requests.delete(f"{server}/api/kernels/{identity}", headers=TOKEN, timeout=30)
    wait_for(lambda: not sessions(), "the session's end")
