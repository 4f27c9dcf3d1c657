"""What AGB cannot is said in words where it is asked for, in the magics and in the panel."""

import pytest

from agentbay_kernel.providers._agb_sdk import AgbWords
from tests.panel.page import Page, Refused

REASONS = AgbWords.capabilities.reasons


@pytest.fixture
def kernel(shared):
    """One kernel with a session at AGB."""
    kernel = shared("agb")
    kernel.execute("kept = 42")
    return kernel


@pytest.mark.parametrize(
    ("line", "lacks"),
    [
        ("%agentbay pause", "pause"),
        ("%agentbay env A=1", "variables"),
        ("%sync mount data /mnt/data", "mount"),
        ("%fs cp oss://bucket/key /workspace/key", "bucket"),
    ],
)
def test_a_magic_says_what_is_missing_and_nothing_is_lost(kernel, line, lacks):
    done = kernel.execute(line)
    assert done.content["ename"] == "NotSupported"
    assert REASONS[lacks] in done.content["evalue"]
    assert kernel.execute("kept").value() == "42"


def test_the_status_lists_what_is_missing(kernel):
    done = kernel.execute("%agentbay -o found\nfound['can'], found['cannot']")
    assert "streaming, shell" in done.value()
    assert "pause: AGB's sessions cannot sleep" in done.value()


def test_the_panel_says_it_too(kernel):
    page = Page(kernel)
    assert "cannot sleep" in page.ask("capabilities")["cannot"]
    with pytest.raises(Refused, match="in new sessions only"):
        page.ask("mount", name="data", path="/mnt/data")


def test_a_new_session_has_its_contexts_and_keeps_them(kernel):
    made = kernel.execute("%agentbay new --name kept --mount data:/mnt/data\n")
    assert made.status == "ok", made.content
    kernel.execute("%%on kept\nwith open('/mnt/data/f', 'w') as file: file.write('kept')\n")
    found = kernel.execute("%%on kept\n%sync").of("display_data")[0]["data"]["text/plain"]
    assert "/mnt/data" in found and "data" in found
    assert kernel.execute("%agentbay delete --sync kept").status == "ok"
    kernel.execute("%agentbay new --name next --mount data:/mnt/data")
    assert kernel.execute("%%on next\nopen('/mnt/data/f').read()").value() == "'kept'"
    kernel.execute("%agentbay delete next --yes --force")
