"""Unmodified programs with either vendor's SDK, pointed at the service by the environment alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import kernels

QUIET = {"AGENTBAY_LOG_LEVEL": "CRITICAL", "AGB_LOG_LEVEL": "CRITICAL"}
SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))


def directly() -> dict[str, str]:
    """This environment without proxies, through which the SDK sends even a loopback address."""
    given = os.environ.items()
    return {name: value for name, value in given if not name.lower().endswith("_proxy")}


def exported() -> dict[str, str]:
    """What `agentbay-kernel service env` tells a shell to set."""
    command = [sys.executable, "-m", "agentbay_kernel.cli", "service", "env"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    found = dict(re.findall(r"^export (\w+)='?([^'\n]*)'?$", printed.stdout, re.MULTILINE))
    assert len(found) == 4
    return found


@pytest.mark.timeout(180)
@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_the_script_runs_against_the_local_service(script, tmp_path, monkeypatch):
    # It must outlast the import of the SDK on a busy machine.
    monkeypatch.setenv("AGENTBAY_KERNEL_LINGER_SECONDS", "60")
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        env={**directly(), **exported(), **QUIET},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert kernels.sessions() == []
