"""How the extension looks in light and dark, wide and narrow, and to who cannot see it."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.shots import take
from tests.browser.side import THEMES
from tests.browser.test_labextension import ours, started
from tests.browser.test_panel import unfold

SURFACES = "#agentbay-panel", ".agentbay-Indicator", ".jp-Dialog"
LONG = "very" * 40
WIDTHS = {"wide": 1400, "narrow": 800}
CUT = """docked => {
    const edge = docked.getBoundingClientRect().left + docked.clientWidth;
    const range = document.createRange();
    const right = text => {
        range.selectNode(text);
        return range.getBoundingClientRect().right;
    };
    const texts = each => [...each.childNodes].filter(node => node.nodeType === Node.TEXT_NODE);
    return [...docked.querySelectorAll("*")]
        .filter(each => !each.closest(".abk-cut"))
        .filter(each => each.getBoundingClientRect().right > edge + 1
            || texts(each).some(text => right(text) > edge + 1))
        .map(each => each.outerHTML.slice(0, 200));
}"""
"""What goes beyond the edge: boxes, and text wider than its own, unless shortened on purpose."""


def violations(page):
    """What axe finds on the extension's surfaces that are there now."""
    there = [each for each in SURFACES if page.locator(each).count()]
    found = Axe().run(page, context={"include": [[each] for each in there]})
    return found.generate_report() if found.violations_count else ""


@ours
@pytest.mark.parametrize("theme", THEMES)
def test_the_side_bar_is_whole_and_without_violations(sheet, side, theme, tmp_path):
    sheet.fill(f"open({LONG!r}, 'w').close()")
    sheet.run(0)
    side.open()
    side.dress(theme)
    unfold(side.docked, "Files")
    side.docked.get_by_role("button", name="Refresh the files").click()
    expect(side.docked.get_by_title(LONG, exact=True)).to_be_visible(timeout=30_000)
    for name, width in WIDTHS.items():
        side.resize(width, 900)
        expect(side.docked.get_by_text("Ready", exact=True)).to_be_visible()
        take(sheet.page, f"{sheet.front_end}-{theme}-{name}", tmp_path)
        assert side.docked.evaluate(CUT) == [], name
        assert side.docked.evaluate("each => each.scrollWidth <= each.clientWidth")
        assert violations(sheet.page) == "", name


@ours
def test_the_dialogs_are_without_violations(sheet, side):
    started(sheet)
    for command in ("Copy Link", "Delete Session", "Show Capabilities"):
        side.command(command)
        expect(
            sheet.page.get_by_role("dialog").filter(has=sheet.page.get_by_role("button"))
        ).to_be_visible()
        assert violations(sheet.page) == ""
        sheet.page.keyboard.press("Escape")
        expect(sheet.page.locator(".jp-Dialog")).to_have_count(0)
