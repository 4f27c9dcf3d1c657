"""The console script, run as a user runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import requests

from agentbay_kernel import cli
from tests import kernels
from tests.kernels import wait_for


def run(*words, timeout=60, **environment):
    return subprocess.run(
        [sys.executable, "-m", "agentbay_kernel.cli", *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | environment,
    )


def test_service_status_without_a_service_says_so_with_its_own_exit_code():
    done = run("service", "status")
    assert (done.returncode, "not running" in done.stdout) == (3, True)


def test_service_start_prints_the_status():
    done = run("service", "start")
    assert done.returncode == 0, done.stderr
    assert re.search(rf"pid +{kernels.service().pid}\b", done.stdout)
    assert re.search(r"sessions +0\n", done.stdout)


def test_service_start_is_fine_when_it_runs():
    run("service", "start")
    before = kernels.service()
    assert run("service", "start").returncode == 0
    assert kernels.service() == before


def test_service_status_tells_no_secret():
    run("service", "start")
    done = run("service", "status")
    assert kernels.service().key not in done.stdout + done.stderr


def test_service_status_counts_sessions(kernel):
    kernel.execute("1")
    assert re.search(r"sessions +1\n", run("service", "status").stdout)


def test_service_status_says_how_sessions_are_isolated():
    run("service", "start")
    assert re.search(r"isolation +(bwrap|folder.*)\n", run("service", "status").stdout)


def test_service_status_names_the_engine():
    run("service", "start", AGENTBAY_KERNEL_ENGINE="ipykernel")
    assert re.search(r"engine +ipykernel\n", run("service", "status").stdout)


def test_service_stop_ends_it():
    run("service", "start")
    assert run("service", "stop").returncode == 0
    assert kernels.service() is None


def test_service_stop_without_a_service_is_fine():
    assert run("service", "stop").returncode == 0


def test_service_env_gives_exports_that_reach_the_service():
    exports = run("service", "env").stdout
    names = ("$AGENTBAY_ENDPOINT", "$AGENTBAY_API_KEY", "$AGB_ENDPOINT", "$AGB_API_KEY")
    done = subprocess.run(
        ["sh", "-c", f"{exports}\necho {' '.join(names)}"],
        capture_output=True, text=True, check=True, timeout=10,
    )  # fmt: skip
    endpoint, key, agb_endpoint, agb_key = done.stdout.split()
    data = {"Authorization": f"Bearer {key}"}
    answer = requests.post(endpoint, params={"Action": "ListSession"}, data=data, timeout=10)
    assert answer.json()["Success"] is True
    headers = {"Authorization": f"Bearer {agb_key}"}
    answer = requests.get(f"{agb_endpoint}/sdk/ListSession", headers=headers, timeout=10)
    assert answer.json()["success"] is True


def test_service_env_ignores_a_proxy_that_refuses():
    run("service", "start")
    done = run(
        "service", "status", HTTP_PROXY="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9"
    )
    assert done.returncode == 0, done.stderr


def test_an_option_that_cannot_be_used_is_one_line_on_stderr():
    done = run("service", "start", AGENTBAY_KERNEL_LINGER_SECONDS="soon")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "AGENTBAY_KERNEL_LINGER_SECONDS" in done.stderr


def test_an_unknown_argument_is_refused():
    assert run("service", "status", "--loud").returncode == 2


def test_no_command_shows_the_usage():
    assert "usage:" in run().stderr


def test_lab_says_how_to_install_jupyterlab(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main(["lab"]) == 1
    assert "pip install 'agentbay-kernel[lab]'" in capsys.readouterr().err


@pytest.fixture
def replaced(monkeypatch, tmp_path):
    """The words with which the process would become JupyterLab."""
    seen = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "execv", lambda path, words: seen.extend(words) or sys.exit(0))
    return seen


def lab(*words):
    with pytest.raises(SystemExit):
        cli.main(["lab", *words])


def test_lab_copies_the_quickstart_into_the_folder(replaced, tmp_path):
    lab()
    made = json.loads((tmp_path / "quickstart.ipynb").read_text())
    assert made["metadata"]["kernelspec"]["name"] == "agentbay"


def test_lab_keeps_a_quickstart_that_is_there(replaced, tmp_path):
    (tmp_path / "quickstart.ipynb").write_text("mine")
    lab()
    assert (tmp_path / "quickstart.ipynb").read_text() == "mine"


def test_lab_says_when_the_extension_was_not_built(replaced, monkeypatch, capsys):
    lab()
    assert "extension" not in capsys.readouterr().err
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: ["/nowhere"])
    lab()
    assert "The JupyterLab extension was not built" in capsys.readouterr().err


def test_lab_hands_further_arguments_to_jupyterlab(replaced):
    lab("--port=9999")
    assert "--port=9999" in replaced


def test_lab_pins_the_provider(replaced, monkeypatch):
    monkeypatch.setenv("AGENTBAY_KERNEL_PROVIDER", "auto")
    lab("--provider", "local")
    assert os.environ["AGENTBAY_KERNEL_PROVIDER"] == "local"


@pytest.mark.parametrize(("uid", "expected"), [(0, True), (1000, False)])
def test_lab_allows_root_only_as_root(replaced, monkeypatch, uid, expected):
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    lab()
    assert ("--allow-root" in replaced) is expected


@pytest.mark.parametrize(("display", "expected"), [("", True), (":0", False)])
def test_lab_opens_no_browser_where_there_is_none(replaced, monkeypatch, display, expected):
    for name in ("BROWSER", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", display)
    lab()
    assert ("--no-browser" in replaced) is expected


def test_lab_serves_the_quickstart_at_the_url_that_it_prints(tmp_path):
    words = ["lab", "--port=0", "--ServerApp.log_level=INFO"]
    environment = dict.fromkeys(("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"), "")
    with subprocess.Popen(
        [sys.executable, "-m", "agentbay_kernel.cli", *words],
        cwd=tmp_path, env=os.environ | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            url = wait_for(lambda: _url(process.stdout.readline()), "the URL", 60)
            answer = requests.get(url, timeout=30)
        finally:
            process.terminate()
    assert (answer.status_code, "JupyterLab" in answer.text) == (200, True)


def _url(line):
    found = re.search(r"http://127\.0\.0\.1:\d+/lab\S*quickstart\.ipynb\S*", line)
    return found[0] if found else ""


def test_the_script_is_installed_beside_the_interpreter():
    folder = os.path.dirname(sys.executable)
    assert shutil.which("agentbay-kernel", path=folder)
