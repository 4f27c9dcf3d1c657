"""The modules as text in a session's interpreter."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
import vermin

from agentbay_kernel import typed
from agentbay_kernel.typed import files
from agentbay_kernel.typed.source import loader

FILES = [path for path in sorted(Path(typed.__file__).parent.glob("*.py")) if path.stem != "source"]
OLDEST = (3, 8)


def run(code):
    """Run code in an interpreter that knows nothing of this package."""
    words = [sys.executable, "-I", "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_runs_on_python_3_8(path):
    ast.parse(path.read_text(), feature_version=OLDEST)
    config = vermin.Config()
    config.set_eval_annotations(False)
    found = vermin.visit(path.read_text(), config)
    assert found.minimum_versions()[1] <= OLDEST, found.output_text()


def test_the_text_leaves_one_package_and_no_name():
    names = "print(set(globals()) - before - {'before'})"
    code = f"before = set(globals())\n{loader()}\n{loader()}\n{names}"
    assert run(code) == "set()\n"


def test_a_value_goes_from_one_interpreter_to_another(tmp_path):
    code = (
        f"{loader()}\nimport json, agentbay_typed.files as files\n"
        "files.offer({'a': (1, {2}), 'b': object()}, %r)" % str(tmp_path)
    )
    run(code)
    first, second = json.loads((tmp_path / "notices.json").read_text())
    assert files.accept(str(tmp_path), [first]) == [(1, {2})]
    with pytest.raises(typed.NotTyped, match="no safe form"):
        files.check(second)
