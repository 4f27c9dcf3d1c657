"""The extension of JupyterLab and Notebook 7, by mouse and keyboard."""

import contextlib
import hashlib
import json
import re

import pytest
from playwright.sync_api import expect

from tests import kernels
from tests.browser.conftest import STAGES

ours = pytest.mark.parametrize(
    "stage", [each for each in STAGES if each[1] == "agentbay"], ids="-".join, indirect=True
)
in_our_lab = pytest.mark.parametrize("stage", [("lab", "agentbay")], ids="-".join, indirect=True)

GATED = """\
import pathlib, time

print("running")
while not pathlib.Path("go").exists():
    time.sleep(0.02)
pathlib.Path("go").unlink()"""


def started(sheet):
    """The notebook's session is there and idle."""
    sheet.fill("print('there')")
    sheet.run(0)


@contextlib.contextmanager
def beside(sheet, kernel):
    """Another notebook, to the right of the first."""
    name = f"beside-{kernel}.ipynb"
    sheet.server.write(name, kernel, ["print('beside')"])
    sheet.command("docmanager:open", path=name, options={"mode": "split-right"})
    other = sheet.page.locator(".jp-NotebookPanel").nth(1)
    expect(other.locator(".jp-CodeCell")).to_have_count(1)
    # It is the one in front: what is run before its kernel is there is lost.
    sheet.settled()
    yield other
    other.locator(".cm-content").click()
    sheet.save()
    sheet.command("application:close")
    expect(sheet.page.locator(".jp-NotebookPanel")).to_have_count(1)
    # A page that is loaded before JupyterLab has written that down has both again.
    layouts = sheet.server.folder.parent / "workspaces"
    kernels.wait_for(
        lambda: not any(f"notebook:{name}" in each.read_text() for each in layouts.iterdir()),
        "a saved layout",
    )


def shown_in_layouts(sheet):
    """Whether JupyterLab has written down that the panel is shown."""
    layouts = sheet.server.folder.parent / "workspaces"
    for path in layouts.iterdir():
        # Empty while the server writes it.
        saved = json.loads(path.read_text() or "{}").get("data", {})
        right = saved.get("layout-restorer:data", {}).get("right", {})
        if right.get("current") == "agentbay-panel" and not right["collapsed"]:
            return True
    return False


@contextlib.contextmanager
def running_section(sheet):
    """The section of the account's sessions, in the sidebar of what is running."""
    sheet.page.get_by_role("tab", name="Running Terminals and Kernels").click()
    yield sheet.page.get_by_role("region", name="AgentBay sessions Section")
    sheet.page.get_by_role("tab", name="File Browser").click()


@ours
def test_the_chip_tells_the_state_and_opens_the_panel(sheet, side):
    started(sheet)
    expect(side.chip).to_have_text("ready")
    side.open()
    inner = side.panel.get_by_role("region", name="AgentBay panel")
    expect(inner).to_contain_text("Ready")
    expect(inner).to_contain_text("code_latest")
    assert side.session_id.startswith("s-")


@ours
def test_the_panel_is_opened_by_keys_alone(sheet, side):
    started(sheet)
    side.chip.focus()
    sheet.page.keyboard.press("Enter")
    expect(side.panel).to_be_visible()
    side.close()
    side.command("Show AgentBay Panel")
    expect(side.panel).to_be_visible()


@ours
def test_the_menus_lead_to_the_panel_and_its_commands(sheet, side):
    started(sheet)
    side.menu("View", "Show AgentBay Panel")
    expect(side.panel).to_be_visible()
    side.menu("Kernel", "AgentBay Session", "Show Capabilities")
    with side.dialog("What the session can do") as dialog:
        expect(dialog.get_by_role("term").first).to_be_visible()
        expect(dialog).to_contain_text("code_latest")
        sheet.page.keyboard.press("Enter")


@ours
def test_every_surface_follows_a_running_cell(sheet, side):
    started(sheet)
    side.open()
    sheet.fill(GATED, "%%local\nimport agentbay_kernel\nagentbay_kernel.current()")
    sheet.start(0)
    expect(sheet.output(0)).to_have_text("running\n")
    expect(side.chip).to_have_text("busy")
    expect(side.panel).to_contain_text("Busy")
    if sheet.front_end == "lab":
        expect(side.status).to_have_text(re.compile("AgentBay: busy, .* left"))
    # The panel answers meanwhile.
    side.menu("Kernel", "AgentBay Session", "Show Capabilities")
    with side.dialog("What the session can do"):
        sheet.page.keyboard.press("Enter")
    sheet.press("interrupt")
    sheet.ended(0)
    expect(side.chip).to_have_text("ready")


@in_our_lab
def test_a_notebook_of_another_kernel_has_no_session(sheet, side):
    started(sheet)
    side.open()
    with beside(sheet, "python3") as other:
        other.locator(".cm-content").click()
        expect(side.panel).to_contain_text("No AgentBay notebook in front")
        expect(side.panel.get_by_role("button", name="New AgentBay notebook")).to_be_visible()
        expect(side.status).to_have_count(0)
        expect(other.get_by_role("button", name="AgentBay session")).to_have_count(0)
        sheet.page.locator(".jp-NotebookPanel").first.locator(".cm-content").click()
        expect(side.docked).to_contain_text("Ready")


@in_our_lab
def test_the_status_bar_tells_the_time_left_and_opens_the_panel(sheet, side):
    started(sheet)
    expect(side.status).to_have_text(re.compile(r"^AgentBay: ready, \d+ min left$"))
    side.status.click()
    expect(side.panel).to_be_visible()


@in_our_lab
def test_the_panel_is_back_after_a_reload_with_the_same_session(sheet, side):
    started(sheet)
    side.open()
    before = side.session_id
    sheet.save()
    kernels.wait_for(lambda: shown_in_layouts(sheet), "a saved layout")
    sheet.reload()
    expect(side.panel).to_be_visible()
    assert side.session_id == before
    expect(side.chip).to_have_text("ready")


@in_our_lab
def test_the_panel_is_back_after_a_restart_of_the_kernel(sheet, side):
    started(sheet)
    side.open()
    sheet.restart()
    expect(side.panel.get_by_role("region", name="AgentBay panel")).to_be_visible()
    sheet.run(0)
    expect(side.chip).to_have_text("ready")
    assert side.session_id.startswith("s-")


@in_our_lab
def test_the_panel_follows_the_focus_between_two_notebooks(sheet, side):
    started(sheet)
    side.open()
    first = side.session_id
    with beside(sheet, "agentbay") as other:
        other.locator(".cm-content").click()
        expect(side.docked).to_contain_text("beside-agentbay.ipynb")
        side.panel.get_by_role("button", name="Start a session").click()
        expect(side.status).to_have_text(re.compile("^AgentBay: ready"))
        second = side.session_id
        assert second != first
        sheet.page.locator(".jp-NotebookPanel").first.locator(".cm-content").click()
        expect(side.docked.locator("code").first).to_have_text(first)
        other.locator(".cm-content").click()
        expect(side.docked.locator("code").first).to_have_text(second)


@in_our_lab
def test_commands_start_and_delete_a_session(sheet, side):
    started(sheet)
    side.command("Sync and Delete Session")
    with side.dialog("Delete the session") as dialog:
        expect(dialog).to_contain_text("files that are in no context are lost")
        expect(dialog.get_by_role("checkbox", name="Save its contexts first")).to_be_checked()
        # The dialog's own choice is to keep it.
        expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
        dialog.get_by_role("button", name="Delete").click()
    expect(side.chip).to_have_text("no session")
    side.command("Start Session")
    expect(side.chip).to_have_text("ready")


@in_our_lab
def test_the_running_section_lists_opens_and_deletes(sheet, side):
    started(sheet)
    side.open()
    session_id = side.session_id
    side.close()
    page = sheet.page
    with running_section(sheet) as section:
        row = section.get_by_role("treeitem", name=session_id)
        expect(row).to_be_visible()
        row.get_by_text(session_id).click()
        expect(side.panel).to_be_visible()
        row.click(button="right")
        page.get_by_role("menuitem", name="Delete Session…").click()
        with side.dialog(f"Delete the session {session_id}?"):
            page.keyboard.press("Escape")
        expect(row).to_be_visible()
        row.hover()
        row.get_by_role("button").click()
        with side.dialog(f"Delete the session {session_id}?") as dialog:
            dialog.get_by_role("button", name="Delete").click()
        expect(row).to_have_count(0)
        expect(side.chip).to_have_text("no session")


@in_our_lab
def test_a_listed_session_is_attached_after_a_yes(sheet, side):
    sheet.fill("%agentbay new --name spare", "%agentbay use main", "print('there')")
    for index in range(3):
        sheet.run(index)
    side.open()
    first = side.session_id
    with running_section(sheet) as section:
        section.get_by_role("treeitem", name="spare").get_by_text("spare").click()
        with side.dialog("Attach to the session spare?") as dialog:
            expect(dialog).to_contain_text("The next cells of lab-agentbay")
            dialog.get_by_role("button", name="Attach").click()
        expect(side.docked.locator("code").first).not_to_have_text(first)
    sheet.fill("%agentbay delete --yes", "%agentbay use main")
    sheet.run(0)
    sheet.run(1)


@in_our_lab
def test_a_file_of_the_file_browser_is_sent_whole(sheet, side):
    data = bytes(range(256)) * 6000  # more than one piece
    (sheet.server.folder / "sent.bin").write_bytes(data)
    started(sheet)
    page = sheet.page
    page.get_by_role("button", name="Refresh the file browser").click()
    page.locator(".jp-DirListing-item", has_text="sent.bin").click(button="right")
    page.get_by_role("menuitem", name="Send to Session").click()
    expect(page.get_by_role("alert").filter(has_text="sent.bin is in the session")).to_be_visible()
    sheet.fill("import hashlib\nhashlib.sha256(open('sent.bin', 'rb').read()).hexdigest()")
    sheet.run(0)
    expect(sheet.output(0)).to_contain_text(hashlib.sha256(data).hexdigest())


@in_our_lab
def test_a_file_is_dropped_on_the_panel(sheet, side):
    (sheet.server.folder / "dragged.txt").write_text("dragged here")
    started(sheet)
    side.open()
    page = sheet.page
    page.get_by_role("button", name="Refresh the file browser").click()
    file = page.locator(".jp-DirListing-item", has_text="dragged.txt")
    expect(file).to_be_visible()
    start, end = file.bounding_box(), side.panel.bounding_box()
    page.mouse.move(start["x"] + 40, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(start["x"] + 300, start["y"] + 60, steps=4)
    page.mouse.move(end["x"] + 100, end["y"] + 200, steps=4)
    expect(side.panel).to_have_class(re.compile("agentbay-mod-dropTarget"))
    page.mouse.up()
    expect(side.panel).not_to_have_class(re.compile("agentbay-mod-dropTarget"))
    expect(
        page.get_by_role("alert").filter(has_text="dragged.txt is in the session")
    ).to_be_visible()
    sheet.fill("print(open('dragged.txt').read())")
    sheet.run(0)
    expect(sheet.output(0)).to_have_text("dragged here\n")


def keywords(sheet, index):
    """What of a cell is drawn as a keyword of its language."""
    return sheet.editor(index).locator(f"span.{keyword_class(sheet)}")


def keyword_class(sheet):
    """The class that the editors' theme gives to keywords, learned from a cell of Python."""
    return sheet.editor(3).locator("span", has_text="pass").get_attribute("class")


@ours
def test_cells_are_highlighted_in_their_language(sheet, side):
    sheet.fill(
        "%%bash\nfor f in *; do echo $f; done",
        "%%node\nconst answer = 42;",
        "%%fs write tool.js\nfunction twice(x) { return 2 * x }",
        "pass",
    )
    for index, words in enumerate(("for in do done", "const", "function return")):
        expect(keywords(sheet, index)).to_have_text(words.split())
    expect(keywords(sheet, 3)).to_have_text(["pass"])
