"""Every surface of a session in light and dark, in a picture each, and axe over each of them."""

import contextlib

import pytest
from playwright.sync_api import expect

from tests.browser.shots import take
from tests.browser.side import THEMES
from tests.browser.test_labextension import in_our_lab, running_section, started
from tests.browser.test_labextension_looks import violations
from tests.browser.test_panel import send, unfold

PLOT = """\
import numpy as np
import matplotlib.pyplot as plt

hours = np.linspace(0, 24, 240)
plt.figure(figsize=(6, 2.4))
plt.plot(hours, 1.6 + 1.2 * np.sin(hours / 12.42 * 2 * np.pi), label="Husum")
plt.plot(hours, 1.3 + 0.9 * np.sin((hours - 1.4) / 12.42 * 2 * np.pi), label="Emden")
plt.xlabel("hour"), plt.ylabel("metres"), plt.legend()
plt.show()"""
FORECAST = """\
import time

print("reading the gauges of 48 harbours …")
time.sleep(600)"""


@contextlib.contextmanager
def dialog(page, command):
    """The question of a command, which Escape answers."""
    page.evaluate("name => void window.jupyterapp.commands.execute(`agentbay:${name}`)", command)
    asked = page.get_by_role("dialog").filter(has=page.get_by_role("button"))
    expect(asked).to_be_visible()
    yield asked
    page.keyboard.press("Escape")
    expect(page.locator(".jp-Dialog")).to_have_count(0)


def filled(sheet):
    """A notebook with something to show."""
    started(sheet)
    sheet.fill(
        "%agentbay labels project=tides stage=draft",
        "%sync mount tide-tables /mnt/tides",
        PLOT,
        FORECAST,
    )
    for index in range(3):
        sheet.run(index)


def within(sheet, panel, picture):
    """What opens in the panel itself, and is closed again."""
    page = sheet.page
    send(sheet, panel, ("gauges.csv", b"place,metres\nHusum,2.4\nEmden,1.8\n"))
    expect(panel.get_by_role("button", name="Preview gauges.csv")).to_be_visible()
    panel.get_by_role("button", name="Preview gauges.csv").click()
    expect(panel.get_by_role("group", name="Preview")).to_be_visible()
    picture("preview")
    panel.get_by_role("button", name="Close").click()
    send(sheet, panel, ("gauges.csv", b"another\n"))
    expect(panel.get_by_role("group", name="Replace")).to_be_visible()
    picture("replace")
    panel.get_by_role("button", name="Cancel").click()
    panel.get_by_role("button", name="Files", exact=True).click()
    panel.get_by_role("button", name="Add label").click()
    panel.get_by_role("textbox", name="Key").fill("no spaces")
    page.keyboard.press("Enter")
    expect(panel.get_by_role("alert")).to_be_visible()
    panel.get_by_role("button", name="Mount a context").click()
    picture("forms-and-failure")
    page.keyboard.press("Escape")
    panel.get_by_role("button", name="Cancel").first.click()
    panel.get_by_role("button", name="Sync and delete").first.click()
    picture("question")
    page.keyboard.press("Escape")


def menus(sheet, side):
    """Open what lists our commands, one after the other, and give each one's name."""
    page = sheet.page
    sheet.editor(0).click()
    page.keyboard.press("Control+Shift+C")
    page.get_by_role("textbox", name="SEARCH", exact=True).fill("AgentBay")
    palette = page.locator(".lm-CommandPalette-content")
    for label in ("Show AgentBay Panel", "Sync Contexts Now", "Upload Files to Session…"):
        expect(palette.locator(".lm-CommandPalette-item", has_text=label)).to_be_visible()
    yield "palette"
    page.keyboard.press("Escape")
    page.get_by_role("menubar").get_by_role("menuitem", name="Kernel").click()
    page.locator(".lm-Menu-item", has_text="AgentBay Session").hover()
    expect(page.locator(".lm-Menu-item", has_text="Extend Session")).to_be_visible()
    yield "menu"
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    (sheet.server.folder / "gauges.csv").write_text("place,metres\n")
    page.get_by_role("button", name="Refresh the file browser").click()
    page.locator(".jp-DirListing-item", has_text="gauges.csv").click(button="right")
    expect(page.get_by_role("menuitem", name="Send to Session")).to_be_visible()
    yield "context-menu"
    page.keyboard.press("Escape")
    expect(page.locator(".lm-Menu")).to_have_count(0)


@in_our_lab
@pytest.mark.parametrize("theme", THEMES)
def test_every_surface_is_seen_and_without_violations(sheet, side, theme, tmp_path):
    page = sheet.page
    page.set_viewport_size({"width": 1280, "height": 860})

    def picture(what, seen=page):
        take(seen, f"{what}-{theme}", tmp_path)
        assert violations(page) == "", what

    filled(sheet)
    side.dress(theme)
    side.open()
    panel = side.panel
    within(sheet, panel, picture)
    for command in ("delete", "copy-link", "capabilities", "mount-context"):
        with dialog(page, command):
            picture(f"dialog-{command}")
    for name in menus(sheet, side):
        take(page, f"{name}-{theme}", tmp_path)
    with running_section(sheet) as section:
        expect(section.get_by_role("treeitem").first).to_be_visible()
        picture("running")
    unfold(panel, "Files")
    sheet.start(3)
    expect(sheet.output(3)).to_contain_text("gauges")
    expect(side.chip).to_have_text("busy")
    side.docked.evaluate("each => each.scrollTo(0, 0)")
    picture("busy")
    sheet.press("interrupt")
    sheet.ended(3)
