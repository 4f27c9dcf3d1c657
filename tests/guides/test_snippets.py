"""Every Python snippet of the vendors' guides, in today's names, against the local service."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import kernels
from tests.guides.blocks import blocks
from tests.guides.renames import RENAMES, ported
from tests.guides.test_scripts import directly

BLOCKS = blocks()
# What is another one in every run.
MASKS = (
    (r"s-[0-9a-f]{16}", "s-…"),
    (r"http://\S+", "http://…"),
    (r"wss?://\S+", "ws://…"),
    (r"\b[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", "…"),
    (r"0x[0-9a-f]+", "0x…"),
    (r"\d+\.\d\ds", "…s"),
    (r"total \d+", "total …"),
    (r"(?m)Task [123]$", "Task …"),  # in the order in which they end
    (r"(?m)^d[rwx-]{9} .* (?=\S+$)", "d… "),
)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What came of each snippet, by its name; all run in one process beside one another."""
    home = tmp_path_factory.mktemp("h")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATA", "RUNTIME", "LOG"):
            patch.setenv(f"AGENTBAY_KERNEL_{name}_DIR", str(home / name.lower()))
        # It must outlast the import of the SDK on a busy machine.
        patch.setenv("AGENTBAY_KERNEL_LINGER_SECONDS", "60")
        record = kernels.start_service()
        keys = {"AGENTBAY_API_KEY": record.key, "AGENTBAY_ENDPOINT": record.url}
        found = _run([ported(each.code) for each in BLOCKS], {**directly(), **keys}, home)
        left = kernels.sessions()
        kernels.stop_service()
    assert left == []
    return dict(zip((each.name for each in BLOCKS), found, strict=True))


def _run(snippets, environment, folder):
    root = str(Path(__file__).parents[2])
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.guides.run_blocks"],
        input=json.dumps(snippets),
        env={**environment, "AGENTBAY_LOG_LEVEL": "CRITICAL", "PYTHONPATH": root},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", BLOCKS, ids=[each.name for each in BLOCKS])
def test_a_snippet_does_what_the_guide_says(outcomes, block):
    found = outcomes[block.name]
    assert found["error"] == ""
    printed = found["printed"]
    for pattern, instead in MASKS:
        printed = re.sub(pattern, instead, printed)
    assert printed == (block.printed or "")


def test_all_snippets_are_kept():
    assert len(BLOCKS) == 61


@pytest.mark.parametrize(("old", "new"), RENAMES, ids=[old for old, _ in RENAMES])
def test_no_rename_is_idle(old, new):
    assert any(old in each.code for each in BLOCKS)
    assert old != new
