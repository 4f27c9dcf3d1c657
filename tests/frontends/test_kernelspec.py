"""The kernelspec, as the front ends look for it and as they start it."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from agentbay_kernel import cli


@pytest.fixture
def spec():
    return KernelSpecManager().get_kernel_spec("agentbay")


def test_it_is_listed_by_jupyter():
    words = [sys.executable, "-m", "jupyter_client.kernelspecapp", "list", "--json"]
    listed = json.loads(subprocess.run(words, capture_output=True, check=True, timeout=60).stdout)
    assert listed["kernelspecs"]["agentbay"]["spec"]["display_name"] == "AgentBay (Python)"


def test_it_does_not_look_like_a_default_kernel(spec):
    assert not re.match(r"^Python \d", spec.display_name)
    assert "ipykernel" not in " ".join(spec.argv)


def test_front_ends_take_it_for_a_python_kernel_that_is_stopped_by_a_message(spec):
    assert (spec.language, spec.interrupt_mode) == ("python", "message")


def test_it_declares_encryption_and_no_debugger(spec):
    assert spec.metadata == {"supported_encryption": ["curve"]}


def test_in_an_environment_the_interpreter_is_the_environments(spec):
    assert spec.argv[0] == "python"


@pytest.mark.parametrize("edge", [32, 64])
def test_its_logo_has_the_edge_that_its_name_says(spec, edge):
    header = (Path(spec.resource_dir) / f"logo-{edge}x{edge}.png").read_bytes()[:24]
    assert struct.unpack(">II", header[16:24]) == (edge, edge)


def test_it_has_a_scalable_logo(spec):
    assert (Path(spec.resource_dir) / "logo-svg.svg").read_text().startswith("<svg")


def test_it_starts_when_encryption_is_required(start_kernel):
    kernel = start_kernel(manager={"transport_encryption": "required"})
    assert kernel.ask("kernel_info_request", {}).status == "ok"


def test_install_writes_the_absolute_interpreter(tmp_path):
    assert cli.main(["install", "--prefix", str(tmp_path)]) == 0
    folder = tmp_path / "share" / "jupyter" / "kernels" / "agentbay"
    assert json.loads((folder / "kernel.json").read_text())["argv"][0] == sys.executable
    assert (folder / "logo-svg.svg").exists()


def test_install_is_for_the_user_by_default(surroundings):
    assert cli.main(["install"]) == 0
    assert (surroundings / "jupyter" / "data" / "kernels" / "agentbay" / "kernel.json").exists()
