"""The notebooks with tasks, run headless and saved: what they show, and what they may not hold."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests import kernels
from tests.kernels import wait_for

pytestmark = pytest.mark.timeout(240)

FOLDER = Path(__file__).parents[2] / "notebooks"
JUPYTER = Path(sys.executable).with_name("jupyter")
# For each notebook the outputs that only its task can have made, by the text of their cells.
SHOWN = {
    "labels": {
        "stage=review": "review",
        "%%on control": "computed in the control session: 2.4",
        '"amplitude" in globals()': "False",
        "len(found)": "2",
        "--yes": "deleted",
        "%agentbay list --label project=tide-model\n": "0 of 0",
    },
    "files": {
        "highest": "{'Emden': 1.8, 'Husum': 1.8}",
        "%fs cat": '{"limit": 1.5, "python": 3}',
        "len(tables)": "2",
        "sorted(str": "results/tides/Husum.csv",
    },
    "contexts": {
        "%sync files": "stations.txt",
        "len(path.read_text": "{'depths.txt': 2, 'stations.txt': 3}",
        "copy.read_text": "12.5\n3.1",
    },
    "languages": {
        "!wc": "4 /workspace/levels.csv",
        "%%bash": "Husum,2.4",
        "%%node": "Emden Husum Cuxhaven",
        "mean(levels$metres)": "1.8",
        "which.max": "Husum is the highest",
        "System.out": "stations: 3",
    },
    "panel": {
        "%agentbay panel": "project=tides",
        "panel\n": "panel-notes /mnt/panel-notes",
        "range(4)": "step 3",
        "--sync": "deleted",
        "%sync delete": "panel-notes",
    },
    "parallel": {
        "len(estimates)": "(8, 3.1)",
        "type(each)": "['float', 'float', 'RuntimeError', 'float']",
        "SessionPoolExecutor": "[7, 158, 2568]",
        "%agentbay list": "1 of 1",
    },
}
SHOWN["agb"] = {
    "%agentbay\n": "AGB's sessions cannot sleep",
    "%%on testing": "Testing environment",
    "%agentbay use": "testing",
    "%agentbay delete": "deleted",
    "results": "['Task 1', 'Task 2', 'Task 3']",
    "mem_used": "True",
    "submit(work": "from a session of its own: 42",
    "in globals()": "False",
    "for batch in": "[8, 10, 12]",
    "get_labels": "agb.session True",
}
SECRETS = re.compile(
    r"(?:https?|wss?)://[^\s\"\\]*\?[^\s\"\\]|/secret/|(?:ticket|token|authcode)=", re.IGNORECASE
)


@pytest.mark.parametrize("name", SHOWN)
def test_a_notebook_does_its_task_and_saves_no_secret(name, tmp_path, surroundings, monkeypatch):
    if name == "agb":
        kernels.use_agb(monkeypatch)
    path = shutil.copy(FOLDER / f"{name}.ipynb", tmp_path / f"{name}.ipynb")
    words = [str(JUPYTER), "execute", "--inplace", path.name]
    with subprocess.Popen(
        words, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        record = wait_for(lambda: _record(surroundings), "the service", 60)
        _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    made = nbformat.read(path, 4)
    for cell, text in SHOWN[name].items():
        assert text in _output(made, cell), (cell, _output(made, cell))
    saved = path.read_text()
    assert record["key"] not in saved
    assert not SECRETS.search(saved)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def _record(home):
    try:
        return json.loads((home / "run" / "service.json").read_text())
    except (FileNotFoundError, ValueError):
        return None


def _output(made, text):
    """The plain text of the last cell that has `text`."""
    cell = [each for each in made.cells if each.cell_type == "code" and text in each.source + "\n"][
        -1
    ]
    return "".join(
        each.text if "text" in each else each.get("data", {}).get("text/plain", "") + "\n"
        for each in cell.outputs
    )
