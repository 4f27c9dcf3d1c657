"""The quickstart notebook in every tool that runs notebooks by itself."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys

import nbclient
import nbformat
import papermill
import pytest
import requests
from papermill.exceptions import PapermillExecutionError

from tests.kernels import sessions, wait_for
from tests.notebooks import quickstart

VOILA_OUTPUT = r'<script type="application/vnd.voila.cell-output\+json">(.*?)</script>'

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """A copy of the notebook in a folder of its own, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return shutil.copy(quickstart.PATH, tmp_path / "quickstart.ipynb")


def test_nbclient_runs_it_and_leaves_no_session_file_or_secret(notebook, tmp_path):
    made = nbformat.read(notebook, 4)
    quickstart.check(nbclient.NotebookClient(made, timeout=120).execute())
    wait_for(lambda: not sessions(), "the session's end")
    assert os.listdir(tmp_path) == ["quickstart.ipynb"]
    assert not re.search(r"https?://127\.0\.0\.1:\d+/\S{8}", nbformat.writes(made))


def test_papermill_runs_it(notebook, tmp_path):
    target = str(tmp_path / "out.ipynb")
    # Papermill runs on behind a tagged error, as others do, but reports it at the end.
    with pytest.raises(PapermillExecutionError, match="'depth'"):
        papermill.execute_notebook(str(notebook), target, progress_bar=False)
    quickstart.check(nbformat.read(target, 4))


def test_nbconvert_runs_it(notebook, tmp_path):
    words = ["--to", "notebook", "--execute", "--output", "out", "quickstart.ipynb"]
    done = subprocess.run(
        [sys.executable, "-m", "nbconvert", *words], capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stderr
    quickstart.check(nbformat.read(tmp_path / "out.ipynb", 4))


@pytest.fixture
def voila(notebook):
    """The URL at which Voilà runs the notebook."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--no-browser", f"--port={port}", "--show_tracebacks=True", "quickstart.ipynb"]
    process = subprocess.Popen(
        [sys.executable, "-m", "voila", *words],
        stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONWARNINGS": "default"},
    )  # fmt: skip
    with process:
        yield wait_for(lambda: _url(process.stderr.readline()), "the URL", 60)
        process.terminate()
        process.communicate(timeout=20)


def _url(line):
    found = re.search(r"http://\S+:\d+/", line)
    return found[0] if found else ""


def test_voila_shows_its_table_figure_and_link(voila):
    page = requests.get(voila, timeout=150).text
    shown = [json.loads(text) for text in re.findall(VOILA_OUTPUT, page, re.DOTALL)]
    data = [output["data"] for output in shown]
    assert any("<th>count</th>" in each.get("text/html", "") for each in data)
    assert any(base64.b64decode(each.get("image/png", ""))[1:4] == b"PNG" for each in data)
    assert {"text/plain": "9.84"} in data
    assert "200 <h1>Tides</h1><p>served from the session</p>" in html.unescape(page)


def test_the_repository_has_it_without_outputs():
    cells = nbformat.read(quickstart.PATH, 4).cells
    assert [cell.outputs for cell in cells if cell.get("outputs")] == []
