"""Every Python snippet of the vendors' guides, in today's names of its vendor's SDK, locally."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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
    (r"http://[^\s']+", "http://…"),
    (r"wss?://\S+", "ws://…"),
    (r"\b[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", "…"),
    (r"0x[0-9a-f]+", "0x…"),
    (r"'auth_code': '[^']+'", "'auth_code': '…'"),
    (r"\d{4}-\d\d-\d\dT[\d:]+Z(?=\"})", "…"),
    (r"\b\d+\.py\b", "….py"),
    (r"\d+\.\d\ds", "…s"),
    (r"total \d+", "total …"),
    (r"(?m)Task [123]$", "Task …"),  # in the order in which they end
    (r"(?m)^d[rwx-]{9} .* (?=\S+$)", "d… "),
)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What came of each snippet, by its name; each vendor's in one process beside one another."""
    with pytest.MonkeyPatch.context() as patch:
        homes = {vendor: tmp_path_factory.mktemp("h") for vendor in RENAMES}
        with ThreadPoolExecutor() as executor:
            # The services are started one after the other: the environment says where.
            runs = [_begin(executor, vendor, home, patch) for vendor, home in homes.items()]
            found = {name: outcome for run in runs for name, outcome in run.result().items()}
        for home in homes.values():
            _move(patch, home)
            assert kernels.sessions() == []
            kernels.stop_service()
    return found


def _move(patch, home):
    for name in ("DATA", "RUNTIME", "LOG"):
        patch.setenv(f"AGENTBAY_KERNEL_{name}_DIR", str(home / name.lower()))


def _begin(executor, vendor, home, patch):
    _move(patch, home)
    record = kernels.start_service()
    variables = {
        **directly(),
        f"{vendor.upper()}_API_KEY": record.key,
        f"{vendor.upper()}_ENDPOINT": record.url,
        f"{vendor.upper()}_LOG_LEVEL": "CRITICAL",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return executor.submit(_run, vendor, variables, home)


def _run(vendor, environment, folder):
    mine = [each for each in BLOCKS if each.vendor == vendor]
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.guides.run_blocks", vendor],
        input=json.dumps([ported(each.code, vendor) for each in mine]),
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return dict(zip((each.name for each in mine), json.loads(ended.stdout), strict=True))


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


PORTED = [(vendor, *rename) for vendor, renames in RENAMES.items() for rename in renames]


@pytest.mark.parametrize(("vendor", "old", "new"), PORTED)
def test_no_rename_is_idle(vendor, old, new):
    assert any(old in each.code for each in BLOCKS if each.vendor == vendor)
    assert old != new
