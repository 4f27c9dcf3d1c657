import html
import re

import pytest

from agentbay_kernel.bridge.untrusted import bundle, passive
from agentbay_kernel.events import (
    CellError,
    ClearOutput,
    CommMessage,
    DisplayData,
    ExecuteResult,
    Stream,
    UpdateDisplayData,
)

SCRIPT = "<script>parent.document.title = 'taken'</script>"


@pytest.mark.parametrize(
    "kind",
    [
        "application/javascript",
        "text/javascript",
        "application/vnd.jupyter.widget-view+json",
        "application/vnd.plotly.v1+json",
        "application/vnd.bokehjs_exec.v0+json",
        "application/x-unknown",
    ],
)
def test_what_may_be_active_is_left_out(kind):
    assert bundle({"text/plain": "p", kind: "x"}) == {"text/plain": "p"}


def test_html_goes_into_a_frame_without_the_pages_origin():
    shown = bundle({"text/html": f'<b>"quoted" & \'</b>{SCRIPT}'})["text/html"]
    assert shown.startswith('<iframe sandbox="allow-scripts"')
    assert "allow-same-origin" not in shown
    assert "<script" not in shown


def test_the_frame_holds_the_document_unchanged():
    document = f'<b title="a">\'</b>&amp;{SCRIPT}'
    shown = bundle({"text/html": document})["text/html"]
    found = re.search(r'srcdoc="([^"]*)"', shown)
    assert html.unescape(found[1]) == document


def test_a_quote_cannot_end_the_frames_attribute():
    shown = bundle({"text/html": '"></iframe><script>1</script>'})["text/html"]
    assert shown.count("</iframe>") == 1
    assert shown.endswith("</iframe>")


def test_svg_is_framed_too():
    shown = bundle({"image/svg+xml": f"<svg>{SCRIPT}</svg>"})
    assert list(shown) == ["text/html"]
    assert "<script" not in shown["text/html"]


def test_markdown_keeps_no_html():
    assert bundle({"text/markdown": f"*a* {SCRIPT}"}) == {
        "text/markdown": "*a* &lt;script>parent.document.title = 'taken'&lt;/script>"
    }


@pytest.mark.parametrize(
    "event",
    [Stream("stdout", "<b>"), CellError("E", "v", ()), ClearOutput(True)],
)
def test_text_and_errors_pass(event):
    assert passive(event) == event


@pytest.mark.parametrize(
    "event",
    [
        DisplayData({"text/html": "x"}, {"text/html": {"isolated": False}}, "d"),
        UpdateDisplayData({"text/html": "x"}, "d"),
        ExecuteResult({"text/html": "x"}),
    ],
)
def test_displays_and_results_are_made_passive(event):
    made = passive(event)
    assert "iframe" in made.data["text/html"]
    assert made.metadata == {}


def test_widgets_do_not_pass():
    assert passive(CommMessage("comm_open", "1", {}, "jupyter.widget")) is None
