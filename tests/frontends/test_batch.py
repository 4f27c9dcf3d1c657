"""Tools that run notebooks without a front end."""

from __future__ import annotations

import subprocess
import sys
import time

import nbclient
import nbformat
import papermill
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook
from papermill.exceptions import PapermillExecutionError

from tests.kernels import sessions, wait_for
from tests.sizes import size

CELLS = (
    "x = 20\nprint('printed')",
    "x + 1",
    "import sys\nprint('warned', file=sys.stderr)",
    "from IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'))\nx * 2",
    "1 / 0",
    "import pandas as pd\npd.DataFrame({'a': [1, 2]})",
    "%%capture taken\nprint('captured')",
    "taken.stdout",
)


def notebook(*cells, kernel="agentbay", tags=("raises-exception",)):
    made = [new_code_cell(code) for code in cells]
    for cell in made:
        cell.metadata["tags"] = list(tags)
    spec = {"name": kernel, "display_name": kernel, "language": "python"}
    return new_notebook(cells=made, metadata={"kernelspec": spec})


def execute(made, **options):
    return nbclient.NotebookClient(made, timeout=60, **options).execute()


def shown(made):
    """The outputs without what names a place: tracebacks and counts."""
    lists = []
    for cell in made.cells:
        outputs = [dict(output) for output in cell.outputs]
        for output in outputs:
            output.pop("traceback", None)
        lists.append(outputs)
    return lists


def test_nbclient_shows_what_it_shows_with_ipykernel():
    ours = execute(notebook(*CELLS), coalesce_streams=True)
    theirs = execute(notebook(*CELLS, kernel="python3"), coalesce_streams=True)
    assert shown(ours) == shown(theirs)


def test_nbclient_keeps_the_states_of_the_sessions_widgets():
    done = execute(notebook("import ipywidgets\nipywidgets.IntSlider(3)"))
    (output,) = done.cells[0].outputs
    model = output["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
    kept = done.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert kept[model]["state"]["value"] == 3
    names = {each["model_name"] for each in kept.values()}
    assert names == {"IntSliderModel", "LayoutModel", "SliderStyleModel"}


def test_nbclient_waits_for_a_session_that_starts_slowly(cloud):
    cloud.delays["CreateMcpSession"] = size("slow_create_seconds")
    done = execute(notebook("6 * 7"), startup_timeout=30)
    assert done.cells[0].outputs[-1]["data"]["text/plain"] == "42"


def test_nbclient_stops_at_an_error():
    made = notebook("1 / 0", "late = 1", tags=())
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execute(made)
    assert made.cells[1].execution_count is None


def test_input_fails_fast_where_nobody_can_answer():
    made, began = notebook("input('name? ')", tags=()), time.monotonic()
    with pytest.raises(CellExecutionError):
        execute(made)
    assert time.monotonic() - began < 20


def test_nbclient_leaves_no_session():
    execute(notebook("1"))
    wait_for(lambda: not sessions(), "the session's end")


def write(path, made):
    nbformat.write(made, path)
    return str(path)


def parameterised(tmp_path, *cells):
    made = notebook("a = 1", *cells, tags=())
    made.cells[0].metadata["tags"] = ["parameters"]
    return write(tmp_path / "in.ipynb", made)


def test_papermill_injects_parameters(tmp_path):
    source, target = parameterised(tmp_path, "a + 1"), str(tmp_path / "out.ipynb")
    papermill.execute_notebook(source, target, {"a": 41}, progress_bar=False)
    assert nbformat.read(target, 4).cells[-1].outputs[0]["data"]["text/plain"] == "42"


def test_papermill_fails_with_the_cells_error(tmp_path):
    source, target = parameterised(tmp_path, "1 / 0"), str(tmp_path / "out.ipynb")
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        papermill.execute_notebook(source, target, progress_bar=False)


def test_papermill_takes_the_kernels_name(tmp_path):
    made = notebook("a = 1", "a", kernel="python3", tags=())
    source, target = write(tmp_path / "in.ipynb", made), str(tmp_path / "out.ipynb")
    papermill.execute_notebook(source, target, kernel_name="agentbay", progress_bar=False)
    assert nbformat.read(target, 4).cells[-1].outputs[0]["data"]["text/plain"] == "1"


def _nbval(path):
    words = ["--nbval", str(path), "--nbval-kernel-name", "agentbay", "-q", "-W", "default"]
    words += ["-p", "no:randomly", "-p", "no:cacheprovider", "-c", "/dev/null"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=path.parent, capture_output=True, text=True, timeout=110,
    )  # fmt: skip


def test_nbval_passes_a_notebook_whose_outputs_are_right(tmp_path):
    write(tmp_path / "right.ipynb", execute(notebook("x = 6", "x * 7", "print(x)")))
    done = _nbval(tmp_path / "right.ipynb")
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_nbval_fails_a_notebook_whose_outputs_are_wrong(tmp_path):
    made = execute(notebook("6 * 7"))
    made.cells[0].outputs[0]["data"]["text/plain"] = "43"
    write(tmp_path / "wrong.ipynb", made)
    assert "1 failed" in _nbval(tmp_path / "wrong.ipynb").stdout
