"""What the extension keeps: panels out of sight, and its surfaces when a page begins anew."""

import contextlib
import re

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.side import DRAWN, Side
from tests.browser.test_labextension import GATED, beside, in_our_lab, started
from tests.browser.test_panel import unfold
from tests.sizes import size

DROP = """target => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["of the computer"], "computer.txt"));
    for (const name of ["dragenter", "dragover", "drop"]) {
        const options = {dataTransfer, bubbles: true, cancelable: true};
        target.dispatchEvent(new DragEvent(name, options));
    }
}"""
KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"


@pytest.fixture
def side(sheet):
    side = Side(sheet)
    side.close()
    yield side
    side.close()
    assert side.complaints() == []


@contextlib.contextmanager
def listed(side, folder):
    """The panel's list of files, with a folder of the session open; it goes back in the end."""
    unfold(side.docked, "Files")
    found = side.docked.locator(f"[data-agentbay-drop='/workspace/{folder}']")
    side.docked.get_by_role("button", name=f"Open folder {folder}").click()
    expect(found).to_be_visible()
    found.scroll_into_view_if_needed()
    yield found
    crumbs = side.docked.get_by_role("navigation", name="Folder")
    crumbs.get_by_role("button", name="workspace").click()
    expect(side.docked.locator("[data-agentbay-drop='/workspace']")).to_be_visible()


def dragged(page, file, target):
    """Drag a file of the file browser by the mouse."""
    start, end = file.bounding_box(), target.bounding_box()
    page.mouse.move(start["x"] + 40, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(start["x"] + 300, start["y"] + 60, steps=4)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=4)
    page.mouse.up()


@in_our_lab
def test_files_dropped_on_the_list_go_once_and_into_its_folder(sheet, side):
    (sheet.server.folder / "browser.txt").write_text("of the file browser")
    sheet.fill("import os\nos.makedirs('tides', exist_ok=True)")
    sheet.run(0)
    side.open()
    page = sheet.page
    with listed(side, "tides") as target:
        page.get_by_role("button", name="Refresh the file browser").click()
        file = page.locator(".jp-DirListing-item", has_text="browser.txt")
        expect(file).to_be_visible()
        dragged(page, file, target)
        expect(side.docked.get_by_role("button", name="Preview browser.txt")).to_be_visible()
        target.evaluate(DROP)
        expect(side.docked.get_by_role("button", name="Preview computer.txt")).to_be_visible()
    expect(side.panel).not_to_have_class(re.compile("agentbay-mod-dropTarget"))
    sheet.fill("print(sorted(os.listdir('tides')), os.path.exists('computer.txt'))")
    sheet.run(0)
    expect(sheet.output(0)).to_have_text("['browser.txt', 'computer.txt'] False\n")


@in_our_lab
def test_every_surface_is_there_after_a_reload_while_a_cell_runs(sheet, side):
    started(sheet)
    side.open()
    session_id = side.session_id
    sheet.fill(GATED)
    sheet.save()
    sheet.start(0)
    expect(side.chip).to_have_text("busy")
    sheet.page.reload()
    expect(side.chip).to_have_text("busy", timeout=30_000)
    expect(side.status).to_have_text(re.compile("^AgentBay: busy"))
    if not side.panel.is_visible():
        side.open()
    assert side.session_id == session_id
    expect(side.docked.get_by_text("Busy", exact=True)).to_be_visible()
    side.menu("Kernel", "AgentBay Session", "Show Capabilities")
    with side.dialog("What the session can do") as dialog:
        expect(dialog).to_contain_text("code_latest")
        sheet.page.keyboard.press("Enter")
    sheet.press("interrupt")
    expect(side.chip).to_have_text("ready")
    sheet.settled()


@in_our_lab
@pytest.mark.timeout(120 + size("hidden_seconds"))
def test_what_was_begun_in_a_panel_is_kept_while_it_is_out_of_sight(sheet, side):
    started(sheet)
    side.open()
    side.docked.get_by_role("button", name="Add label").click()
    key = side.docked.get_by_role("textbox", name="Key")
    key.fill("harbour")
    side.close()
    side.open()
    expect(key).to_have_value("harbour")
    with beside(sheet, "agentbay") as other:
        other.locator(".cm-content").click()
        expect(side.docked).to_contain_text("beside-agentbay.ipynb")
        expect(key).to_have_count(0)
        sheet.page.locator(".jp-NotebookPanel").first.locator(".cm-content").click()
        expect(key).to_have_value("harbour")
        # Neither panel asks for anything while nobody sees it.
        side.close()
        expect(sheet.page.locator("#agentbay-panel .agentbay-Docked")).to_have_count(2)
        sheet.page.evaluate(DRAWN)
        sheet.forget()
        sheet.page.wait_for_timeout(1000 * size("hidden_seconds"))
        assert sheet.sent == []
    side.open()
    expect(side.panel.locator(".agentbay-Docked")).to_have_count(1)
    expect(key).to_have_value("harbour")
    key.press("Escape")


@in_our_lab
def test_every_surface_is_there_after_somebody_else_restarts_the_kernel(sheet, side):
    started(sheet)
    side.open()
    kernel = sheet.page.evaluate(f"() => {KERNEL}.id")
    url = f"{sheet.server.url}/api/kernels/{kernel}/restart"
    requests.post(url, timeout=60).raise_for_status()
    sheet.run(0)
    expect(side.chip).to_have_text("ready")
    expect(side.docked.get_by_text("Ready", exact=True)).to_be_visible()
    assert side.session_id.startswith("s-")
    answers(side.docked)


def answers(panel):
    """What the panel's own widget asks is answered."""
    panel.get_by_role("button", name="Details").click()
    expect(panel.get_by_text("Engine", exact=True)).to_be_visible()
    panel.get_by_role("button", name="Details").click()


@in_our_lab
def test_every_surface_is_there_after_a_lost_connection(sheet, side):
    started(sheet)
    side.open()
    before = side.session_id
    sheet.page.evaluate(f"() => {KERNEL}.reconnect()")
    expect(side.chip).to_have_text("ready")
    assert side.session_id == before
    answers(side.docked)
    side.menu("Kernel", "AgentBay Session", "Show Capabilities")
    with side.dialog("What the session can do"):
        sheet.page.keyboard.press("Enter")
    # The kernel tells this page again of what it does.
    sheet.run(0)
    expect(side.chip).to_have_text("ready")
