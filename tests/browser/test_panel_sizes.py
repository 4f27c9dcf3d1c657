"""Panel and side bar at every width, in light and dark: nothing is cut, axe finds nothing."""

import contextlib

import pytest
from playwright.sync_api import TimeoutError, expect

from tests.browser.shots import take
from tests.browser.side import THEMES
from tests.browser.test_labextension import in_our_lab, started
from tests.browser.test_labextension_looks import violations
from tests.browser.test_panel import ready, unfold

NARROW = (280, 300, 340, 381, 420, 460)
WIDE = 1200
WIDE_AS = """width => {
    const found = document.getElementById("agentbay-panel").getBoundingClientRect().width;
    return Math.abs(found - width) < 20;
}"""
_TRIES = 5
# What is shortened by dots on purpose says all of itself in a title or below its own fold.
CUT = """root => {
    const all = root.getBoundingClientRect();
    const seen = [...root.querySelectorAll("*")].filter(each => each.getClientRects().length
        && !each.matches(".agentbay-Panel-heading"));
    const beyond = seen.filter(each => {
        const {left, right} = each.getBoundingClientRect();
        return right > all.right + 1 || left < all.left - 1;
    });
    const clipped = seen.filter(each => each.scrollWidth > each.clientWidth + 1
        && each.clientWidth > 0 && getComputedStyle(each).overflowX === "hidden"
        && !each.closest("[title]") && !each.querySelector("[title]"));
    return [...beyond, ...clipped].map(each => each.outerHTML.slice(0, 160));
}"""


def filled(sheet, *more):
    """A session with something to show in each section."""
    started(sheet)
    sheet.fill(
        "%agentbay panel",
        "%agentbay labels project=tides stage=draft owner=ada",
        "%sync mount tide-tables /mnt/tides",
        "import os; os.makedirs('/workspace/figures', exist_ok=True)\n"
        "open('/workspace/tides-of-all-harbours-1990-2026.parquet', 'w').write('x' * 9999)",
        *more,
    )
    for index in (1, 2, 3, 0):
        sheet.run(index)


def drag_to(side, width):
    """Make the side bar so wide, by its edge."""
    # While the front end lays itself out the edge is elsewhere by the time that it is caught.
    for _ in range(_TRIES):
        box, mouse = side.panel.bounding_box(), side.page.mouse
        mouse.move(box["x"] - 2, box["y"] + 300)
        mouse.down()
        mouse.move(box["x"] + box["width"] - width - 2, box["y"] + 300, steps=4)
        mouse.up()
        with contextlib.suppress(TimeoutError):
            side.page.wait_for_function(WIDE_AS, arg=width, timeout=2000)
            return
    raise AssertionError(f"the side bar is not {width} wide")


@in_our_lab
def test_the_panel_fits_every_width(sheet, side, tmp_path):
    filled(sheet)
    panel = sheet.output(0).get_by_role("region", name="AgentBay panel")
    ready(panel)
    side.resize(1700, 1500)
    panel.get_by_role("button", name="Check").click()
    expect(panel.get_by_text("answers (HTTP 200)")).to_be_visible()
    unfold(panel, "Meters", "Files", "Sessions")
    expect(panel.get_by_role("list", name="Sessions")).to_be_visible()
    for theme in THEMES:
        side.dress(theme)
        for width in (*NARROW, WIDE):
            panel.evaluate("(each, width) => each.parentElement.style.width = `${width}px`", width)
            assert panel.evaluate("each => each.scrollWidth - each.clientWidth") <= 0
            assert panel.evaluate(CUT) == [], (theme, width)
            if width in (NARROW[0], 340, WIDE):
                take(panel, f"panel-{theme}-{width}", tmp_path)
        panel.evaluate("each => each.parentElement.style.width = ''")


@in_our_lab
@pytest.mark.parametrize("theme", THEMES)
def test_the_side_bar_fits_every_width(sheet, side, theme, tmp_path):
    filled(sheet)
    side.open()
    side.resize(1500, 1100)
    unfold(side.panel, "Meters", "Files", "Sessions")
    side.dress(theme)
    # The last width stays for the tests to come, whose toolbar must have room for the chip.
    for width in (560, 380, 300):
        drag_to(side, width)
        assert side.panel.evaluate(CUT) == [], width
        assert side.docked.evaluate("each => each.scrollWidth - each.clientWidth") <= 0
        take(sheet.page, f"side-bar-{theme}-{width}", tmp_path)
        assert violations(sheet.page) == ""
