"""A notebook run without a front end leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from tests.kernels import wait_for
from tests.notebooks import quickstart
from tests.sizes import size

pytestmark = pytest.mark.timeout(240)

END_SECONDS = 60
JUPYTER = Path(sys.executable).with_name("jupyter")
OWN_FOLDERS = {"data", "run", "log", "ipython", "jupyter"}


@pytest.fixture
def headless(surroundings, tmp_path, monkeypatch):
    """Runs the notebook by `jupyter execute` and gives the addresses that the service had."""
    monkeypatch.setenv("AGENTBAY_KERNEL_LINGER_SECONDS", str(size("linger_seconds")))
    (surroundings / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(surroundings / "tmp"))
    shutil.copy(quickstart.PATH, tmp_path / "quickstart.ipynb")
    words = [str(JUPYTER), "execute", "quickstart.ipynb"]
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        addresses = wait_for(lambda: _addresses(surroundings), "the service", 60)
        _, errors = process.communicate(timeout=150)
    assert process.returncode == 0, errors
    return addresses


def _addresses(home):
    try:
        record = json.loads((home / "run" / "service.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return [record["api_url"], record["browser_url"]]


def _of(home):
    """The processes that have the home in their environment or command."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ", "status"]):
        words = [*(process.info["cmdline"] or []), *(process.info["environ"] or {}).values()]
        zombie = process.info["status"] == psutil.STATUS_ZOMBIE
        if any(str(home) in word for word in words) and process.pid != os.getpid() and not zombie:
            found.append(process)
    return found


def _listens(url):
    place = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((place.hostname, place.port)) == 0


def test_nothing_is_left(headless, surroundings, tmp_path):
    began = time.monotonic()
    wait_for(lambda: not _of(surroundings), "the last process's end", END_SECONDS)
    assert time.monotonic() - began < END_SECONDS
    assert [url for url in headless if _listens(url)] == []
    assert list((surroundings / "data" / "ledger").glob("*.json")) == []
    assert {path.name for path in surroundings.iterdir()} <= OWN_FOLDERS | {"tmp"}
    assert os.listdir(surroundings / "tmp") == []
    assert os.listdir(tmp_path) == ["quickstart.ipynb"]


def test_the_command_runs_without_a_home(tmp_path, monkeypatch):
    empty = tmp_path / "home"
    empty.mkdir()
    monkeypatch.setenv("HOME", str(empty))
    for name in list(os.environ):
        if name.startswith(("JUPYTER_", "IPYTHON")) and name != "JUPYTER_PATH":
            monkeypatch.delenv(name)
    words = [str(JUPYTER), "execute", str(quickstart.PATH)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=200, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in Path(empty).iterdir()} <= {".ipython", ".local", ".jupyter"}
