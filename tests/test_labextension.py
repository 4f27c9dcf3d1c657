"""The JupyterLab extension's sources, how it is built and what it asks of the kernel."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import agentbay_kernel
from agentbay_kernel.kernel import lab_comm
from agentbay_kernel.panel.sections import ACTIONS

ROOT = Path(__file__).parent.parent
EXTENSION = ROOT / "labextension"
STRING = re.compile(r"__\(\s*'((?:[^'\\]|\\.)*)'")
PLACE = re.compile(r"%\w+")
PROTOCOL = (EXTENSION / "src/protocol.ts").read_text()


def pip(command, *words, path, cwd=ROOT):
    """Run pip with the build requirements that are here, and tools from `path` first."""
    searched = os.pathsep.join([str(path), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, "-m", "pip", command, "--no-deps", "--no-build-isolation", *words, "."],
        cwd=cwd,
        env={**os.environ, "PATH": searched, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.fixture
def without_registry(tmp_path):
    """A folder whose `jlpm` ends as one does that reaches no registry."""
    tool = tmp_path / "bin" / "jlpm"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho 'no registry' >&2\nexit 1\n")
    tool.chmod(0o755)
    return tool.parent


def test_an_installation_goes_on_without_the_registry_and_says_what_is_lacking(
    without_registry, tmp_path
):
    done = pip("install", "--target", str(tmp_path / "there"), path=without_registry)
    assert done.returncode == 0, done.stderr
    assert "JupyterLab extension was NOT built (`jlpm install` failed)" in done.stderr
    assert (tmp_path / "there/agentbay_kernel/panel/model.py").exists()
    assert not (tmp_path / "there/share/jupyter/labextensions").exists()
    assert (tmp_path / "there/share/jupyter/kernels/agentbay/kernel.json").exists()


def test_a_wheel_is_not_made_without_the_extension(without_registry, tmp_path):
    done = pip("wheel", "-w", str(tmp_path / "wheels"), path=without_registry)
    assert done.returncode != 0
    assert not list(tmp_path.glob("wheels/*.whl"))


def test_the_extension_is_there_and_enabled():
    listed = subprocess.run(
        [sys.executable, "-m", "jupyter", "labextension", "list"],
        capture_output=True,
        text=True,
        check=True,
    )
    plain = re.sub(r"\x1b\[\d*m", "", listed.stdout + listed.stderr)
    assert re.search(r"agentbay-kernel v\S+ enabled OK \(python, agentbay-kernel\)", plain)


def test_versions_are_the_same_on_both_sides():
    package = json.loads((EXTENSION / "package.json").read_text())
    assert package["version"] == agentbay_kernel.__version__
    assert f"VERSION = {lab_comm.VERSION};" in PROTOCOL


def test_all_that_is_asked_is_answered():
    asked = PROTOCOL.partition("export type Action =")[2].partition(";")[0]
    actions = set(re.findall(r"'(\w+)'", asked))
    assert actions
    assert actions - {"panel"} <= ACTIONS.keys()


def test_every_string_is_translated():
    path = ROOT / "agentbay_kernel/locale/zh_CN/LC_MESSAGES/agentbay_kernel.json"
    known = json.loads(path.read_text())
    assert known.pop("")["language"] == "zh_CN"
    sources = "".join(each.read_text() for each in EXTENSION.glob("src/**/*.ts"))
    # No string is made of pieces, which nobody could translate.
    assert len(re.findall(r"__\(", sources)) == len(STRING.findall(sources))
    assert known.keys() == set(STRING.findall(sources))
    for english, (chinese,) in known.items():
        assert sorted(PLACE.findall(english)) == sorted(PLACE.findall(chinese))


def test_the_lock_names_no_registry():
    lock = (EXTENSION / "yarn.lock").read_text()
    assert "@jupyterlab/application" in lock
    assert not re.search(r"https?:|resolved", lock)


@pytest.mark.parametrize("path", sorted(EXTENSION.glob("src/**/*.ts")), ids=lambda path: path.name)
def test_a_source_is_short_and_has_one_plugin_at_most(path):
    source = path.read_text()
    assert source.count("\n") <= 400
    plugins = re.findall(r"^export const \w+: JupyterFrontEndPlugin<", source, re.MULTILINE)
    assert len(plugins) == (1 if path.parent.name == "plugins" else 0)
