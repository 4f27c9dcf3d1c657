"""The table of what reaches each member of the vendors' guides: whole, and every row works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.guides.blocks import blocks

TABLE = (Path(__file__).parent / "coverage.md").read_text()
ROWS = re.findall(r"^\| `([^`]+)`[^|]*\| [^|]+ \| `([^`]+)` \|$", TABLE, re.MULTILINE)
CELLS = list(dict.fromkeys(here for _, here in ROWS))
# Names of the guides' own programs and of what results hold.
OWN = {"agb.active_sessions"}
_MEMBER = re.compile(r"\b(?P<owner>session|agent_bay|agb)\.(?P<path>[a-z_]+(?:\.[a-z_]+\()?)")


def shown() -> set[str]:
    """The members of clients and sessions in the guides' snippets."""
    found = set()
    for block in blocks():
        for match in _MEMBER.finditer(block.code):
            found.add(f"{match['owner']}.{match['path'].rstrip('(')}")
        for name in re.findall(r"^(\w+)  # ", block.code, re.MULTILINE):
            found.add(f"session.{name}")
        for name in re.findall(r"^(?:async )?(\w+)\(.*\) -> ", block.code, re.MULTILINE):
            found.add(f"session.{name}")
    return {each for each in found if not each.startswith(("agent_bay.session", "agb.session"))}


@pytest.fixture(scope="module")
def kernel(shared):
    """One kernel for all rows."""
    return shared("pipe")


def test_every_member_of_the_guides_has_a_row():
    rows = {member.partition("(")[0] for member, _ in ROWS}
    assert shown() - rows - OWN == set()


def test_every_line_of_the_table_is_a_row():
    lines = [line for line in TABLE.splitlines() if line.startswith("| `")]
    assert len(ROWS) == len(lines) > 50


@pytest.mark.parametrize("here", CELLS)
def test_what_a_row_says_works(kernel, here):
    kernel.execute("pass")  # another row may have ended the session
    if here.startswith(("%", "!", "print")):
        done = kernel.execute(here)
    else:
        lines = ["%%local", "import agentbay_kernel", "sdk = agentbay_kernel.current().sdk", here]
        done = kernel.execute("\n".join(lines))
    assert done.status == "ok", done.content
