"""What is sent into a session runs on Python 3.8."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import vermin

from agentbay_kernel import remote

FILES = sorted(Path(remote.__file__).parent.glob("*.py"))
OLDEST = (3, 8)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_python_3_8s_grammar(path):
    ast.parse(path.read_text(), feature_version=OLDEST)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_uses_nothing_that_came_later(path):
    config = vermin.Config()
    config.set_eval_annotations(False)
    found = vermin.visit(path.read_text(), config)
    assert found.minimum_versions()[1] <= OLDEST, found.output_text()


@pytest.mark.parametrize(
    "text",
    ["'a'.removeprefix('b')", "import asyncio\nasyncio.to_thread(f)", "{} | {}", "x: list[int]"],
)
def test_what_came_later_is_found(text):
    config = vermin.Config()
    config.set_eval_annotations(True)
    assert vermin.visit(text, config).minimum_versions()[1] > OLDEST


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_imports_the_standard_library_and_ipythons_own_only(path):
    allowed = {"IPython", "comm", "ipykernel", "ipywidgets", "traitlets"}
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").partition(".")[0])
    assert names - sys.stdlib_module_names <= allowed
