"""The panel below a cell, in JupyterLab and Notebook 7, by mouse and keyboard."""

import contextlib
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import STAGES
from tests.browser.shots import take
from tests.browser.side import Side

OURS = [each for each in STAGES if each[1] == "agentbay"]
ours = pytest.mark.parametrize("stage", OURS, ids="-".join, indirect=True)
in_our_lab = pytest.mark.parametrize("stage", OURS[:1], ids="-".join, indirect=True)

UNTIL_GO = """\
import os, time
print("running")
while not os.path.exists("/workspace/go"):
    time.sleep(0.02)
os.remove("/workspace/go")"""
SERVER = """\
import http.server, threading
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"tides")
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("0.0.0.0", 30122), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()"""
EVIL = "<img src=x onerror=window.hacked=1><script>window.hacked=2</script>" + "very" * 40
HOSTILE = f"""\
evil = {EVIL!r}
open("/workspace/" + evil.replace("/", "\\u2215")[:200], "w").write(evil)
print("written")"""
COMPOSED = """async field => {
    const init = {key: "Enter", isComposing: true, bubbles: true};
    field.dispatchEvent(new KeyboardEvent("keydown", init));
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    return field.form.querySelector("button").disabled;
}"""
AXE_OFF = {"rules": {"page-has-heading-one": {"enabled": False}}}


def ready(panel):
    """Start a session by a click if there is none."""
    if panel.get_by_role("button", name="Start a session").count():
        panel.get_by_role("button", name="Start a session").click()
    expect(panel.get_by_text("Ready", exact=True)).to_be_visible(timeout=30_000)


def unfold(panel, *names):
    for name in names:
        button = panel.get_by_role("button", name=name, exact=True)
        if button.get_attribute("aria-expanded") == "false":
            button.click()
        expect(button).to_have_attribute("aria-expanded", "true")
        # What is out of sight is not asked for.
        panel.get_by_role("region", name=name, exact=True).scroll_into_view_if_needed()


@contextlib.contextmanager
def cell_running(sheet, panel, index):
    sheet.start(index)
    expect(sheet.output(index)).to_contain_text("running")
    expect(panel.get_by_text("Busy", exact=True)).to_be_visible()
    yield
    send(sheet, panel, ("go", b"go"))
    sheet.ended(index)


def send(sheet, panel, *pairs):
    """Upload files, given by name and content, as a person chooses them."""
    unfold(panel, "Files")
    with sheet.page.expect_file_chooser() as chooser:
        panel.get_by_role("button", name="Upload files").click()
    kind = {"mimeType": "application/octet-stream"}
    chooser.value.set_files([{"name": name, "buffer": data, **kind} for name, data in pairs])


def label(panel, text):
    return panel.get_by_role("button", name=f"Edit label {text}", exact=True)


@ours
def test_a_session_is_started_and_told_of(shown):
    panel = shown()
    ready(panel)
    expect(panel.locator("dd code")).to_have_text(re.compile("^s-"))
    for name in ("Age", "Idle time left", "Life left"):
        expect(panel.get_by_text(name, exact=True)).to_be_visible()
    expect(panel.get_by_role("list", name="Labels")).to_be_visible()
    expect(panel.get_by_text("Memory", exact=True)).to_be_visible()


@ours
def test_labels_are_added_changed_and_removed_by_keys(sheet, shown):
    panel, keys = shown(), sheet.page.keyboard
    ready(panel)
    panel.get_by_role("button", name="Add label").focus()
    keys.press("Enter")
    expect(panel.get_by_role("textbox", name="Key")).to_be_focused()
    keys.type("project")
    keys.press("Tab")
    keys.type("tides")
    keys.press("Enter")
    expect(label(panel, "project=tides")).to_be_visible()
    label(panel, "project=tides").focus()
    keys.press("Enter")
    expect(panel.get_by_role("textbox", name="Value")).to_be_focused()
    keys.press("Escape")
    expect(label(panel, "project=tides")).to_be_focused()
    keys.press("Enter")
    expect(panel.get_by_role("textbox", name="Value")).to_be_focused()
    keys.press("Control+A")
    keys.press("Backspace")
    # An input method's Enter ends a word, not the form.
    assert not panel.get_by_role("textbox", name="Value").evaluate(COMPOSED)
    expect(panel.get_by_role("alert")).to_have_count(0)
    keys.press("Enter")
    expect(panel.get_by_role("alert")).to_contain_text("needs a key and a value")
    keys.type("waves")
    keys.press("Enter")
    expect(label(panel, "project=waves")).to_be_visible()
    panel.get_by_role("button", name="Remove label project").press("Enter")
    expect(label(panel, "project=waves")).to_have_count(0)


@ours
def test_focus_that_went_elsewhere_stays_there_when_a_form_is_done(sheet, shown):
    panel = shown()
    ready(panel)
    panel.get_by_role("button", name="Add label").click()
    panel.get_by_role("textbox", name="Key").fill("sea")
    value = panel.get_by_role("textbox", name="Value")
    value.fill("calm")
    cell = sheet.page.locator(".cm-content").first
    value.evaluate(
        "(field, next) => {field.form.requestSubmit(); next.focus()}", cell.element_handle()
    )
    expect(label(panel, "sea=calm")).to_be_visible()
    expect(panel.get_by_role("button", name="Add label")).to_be_visible()
    expect(cell).to_be_focused()


@ours
def test_everything_answers_while_a_cell_runs(sheet, shown):
    panel = shown(UNTIL_GO)
    ready(panel)
    with cell_running(sheet, panel, 1):
        panel.get_by_role("button", name="Extend").click()
        expect(panel.get_by_role("status").first).to_have_text("The idle time starts anew")
        panel.get_by_role("button", name="Details").click()
        expect(panel.get_by_text("Control channel")).to_be_visible()
        panel.get_by_role("button", name="Restart interpreter").click()
        asked = panel.get_by_role("group", name="Restart the interpreter")
        expect(asked).to_contain_text("All names of the session are lost")
        expect(asked.get_by_role("button", name="Cancel")).to_be_focused()
        sheet.page.keyboard.press("Escape")
        expect(panel.get_by_role("button", name="Restart interpreter")).to_be_focused()
    expect(panel.get_by_text("Ready", exact=True)).to_be_visible()


@in_our_lab
def test_a_link_opens_and_is_copied_and_stays_nowhere(sheet, shown):
    panel = shown(SERVER)
    sheet.run(1)
    ready(panel)
    port = panel.get_by_role("textbox", name="Port")
    port.fill("8080")
    expect(panel.get_by_text("A port is a number from 30100 to 30199.")).to_be_visible()
    expect(panel.get_by_role("button", name="Open", exact=True)).to_be_disabled()
    port.fill("30122")
    with sheet.page.context.expect_page() as opened:
        panel.get_by_role("button", name="Open", exact=True).click()
    expect(opened.value.locator("body")).to_have_text("tides")
    link = opened.value.url
    opened.value.close()
    expect(panel.get_by_text("answers (HTTP 200)")).to_be_visible()
    sheet.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel.get_by_role("button", name="Copy the link").click()
    expect(panel.get_by_role("status").first).to_have_text("Copied")
    assert sheet.page.evaluate("navigator.clipboard.readText()") == link
    secret = link.split("://")[1].partition("/")[2]
    assert len(secret) > 20
    assert secret not in sheet.save()
    assert secret not in panel.inner_html()


@contextlib.contextmanager
def without_its_store(sheet, name):
    """A time in which a context cannot be uploaded."""
    stores = (sheet.server.folder.parent / "agentbay/data/contexts").glob("*/meta.json")
    (home,) = [each.parent for each in stores if f'"{name}"' in each.read_text()]
    away = home.rename(home.with_name("away"))
    yield
    away.rename(home)


@in_our_lab
def test_contexts_are_mounted_and_synced(sheet, shown):
    panel = shown("%sync mount browser-later /mnt/later")
    ready(panel)
    panel.get_by_role("button", name="Mount a context").click()
    expect(panel.get_by_label("Context name")).to_be_focused()
    sheet.page.keyboard.type("browser-models")
    sheet.page.keyboard.press("Enter")
    rows = panel.get_by_role("list", name="Contexts").get_by_role("listitem")
    row = rows.filter(has_text="browser-models")
    expect(row).to_contain_text("/mnt/browser-models", timeout=30_000)
    expect(row).to_contain_text("downloaded")
    row.get_by_role("button", name="Sync browser-models now").click()
    expect(row).to_contain_text("↑ uploaded", timeout=30_000)
    sync = row.get_by_role("button", name="Sync browser-models now")
    with without_its_store(sheet, "browser-models"):
        sync.click()
        expect(row.get_by_role("alert")).to_contain_text("No such file")
        sheet.run(1)
        expect(rows.filter(has_text="browser-later")).to_have_count(1)
        # Its failure outlives the reading that found the other.
        expect(row.get_by_role("alert")).to_contain_text("No such file")
    sync.click()
    expect(row).to_contain_text("↑ uploaded", timeout=30_000)
    expect(row.get_by_role("alert")).to_have_count(0)
    # Last, since its words were there before: nothing tells this download's end.
    row.get_by_role("button", name="Download browser-models again").click()
    expect(row.get_by_role("group", name="Download")).to_contain_text("are replaced")
    row.get_by_role("button", name="Download", exact=True).click()
    expect(row).to_contain_text("↓ downloaded", timeout=30_000)


@in_our_lab
def test_the_accounts_sessions_are_attached_to_and_deleted(sheet, shown):
    panel = shown("%agentbay new --name aside")
    ready(panel)
    sheet.run(1)
    unfold(panel, "Sessions")
    rows = panel.get_by_role("list", name="Sessions").get_by_role("listitem")
    name = re.search("s-[0-9a-f]+", sheet.output(1).inner_text())[0]
    other = rows.filter(has_text=name)
    other.get_by_role("button", name=f"Delete {name}").click()
    asked = other.get_by_role("group", name="Sync and delete")
    expect(asked).to_contain_text(f"{name} ends, with its names and files")
    sheet.page.keyboard.press("Escape")
    panel.get_by_role("button", name="Details").click()
    expect(panel.get_by_text("Engine", exact=True)).to_be_visible()
    panel.get_by_role("button", name="Restart interpreter").click()
    other.get_by_role("button", name=f"Attach to {name}").click()
    expect(panel.locator("dd code")).to_have_text(name)
    # What was asked and told about the session before is not about this one.
    expect(panel.get_by_role("group", name="Restart the interpreter")).to_have_count(0)
    expect(panel.get_by_text("Engine", exact=True)).to_have_count(0)
    mine = rows.filter(has=panel.page.get_by_text("this notebook"))
    expect(mine.locator("code")).to_have_text(name)
    panel.get_by_role("button", name=f"Delete {name}").click()
    asked = mine.get_by_role("group", name="Sync and delete")
    expect(asked).to_contain_text("a running cell ends")
    asked.get_by_role("button", name="Sync and delete").click()
    expect(other).to_have_count(0)
    expect(panel.locator("dd code")).not_to_have_text(name)


@in_our_lab
def test_a_paused_session_is_seen_and_woken(sheet, shown):
    panel, chip = shown("%agentbay pause"), Side(sheet).chip
    ready(panel)
    sheet.run(1)
    expect(panel.get_by_text("Paused", exact=True).first).to_be_visible()
    expect(panel.get_by_text("The session sleeps")).to_be_visible()
    expect(chip).to_have_text("paused")
    panel.get_by_role("button", name="Wake", exact=True).click()
    expect(panel.get_by_text("Ready", exact=True)).to_be_visible()
    expect(panel.get_by_role("button", name="Wake", exact=True)).to_have_count(0)
    expect(chip).to_have_text("ready")


@in_our_lab
def test_hostile_strings_are_text_and_break_no_layout(sheet, shown):
    panel = shown(HOSTILE)
    sheet.run(1)
    ready(panel)
    unfold(panel, "Files")
    expect(panel.get_by_role("list", name="Files")).to_contain_text("<img src=x")
    panel.get_by_role("button", name="Add label").click()
    panel.get_by_role("textbox", name="Key").fill("evil")
    panel.get_by_role("textbox", name="Value").fill(EVIL[:60])
    sheet.page.keyboard.press("Enter")
    expect(label(panel, f"evil={EVIL[:60]}")).to_be_visible()
    assert sheet.page.evaluate("window.hacked") is None
    assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    assert panel.locator("img, script").count() == 0
    panel.get_by_role("button", name="Remove label evil").click()


@in_our_lab
def test_out_of_sight_it_says_so_to_the_kernel(sheet, shown):
    panel = shown()
    ready(panel)
    sheet.forget()
    sheet.command("launcher:create")
    expect(panel).to_be_hidden()
    sheet.said(rb'"visible".*"sections":\s*\[\]')
    sheet.command("application:close")
    expect(panel).to_be_visible()


@in_our_lab
def test_after_a_kernel_restart_it_says_that_nobody_answers(sheet, shown):
    panel = shown()
    ready(panel)
    sheet.restart()
    panel.get_by_role("button", name="Meters", exact=True).click()
    expect(panel.get_by_role("alert")).to_contain_text("does not answer", timeout=30_000)
    sheet.run(0)
    fresh = sheet.output(0).get_by_role("region", name="AgentBay panel")
    expect(fresh.get_by_text("No session")).to_be_visible()
    ready(fresh)


@in_our_lab
@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_nothing_and_it_fits(sheet, shown, tmp_path, theme):
    panel = shown("%agentbay labels project=tides stage=draft", "%sync mount axe /mnt/axe")
    ready(panel)
    sheet.run(1)
    sheet.run(2)
    unfold(panel, "Meters", "Files", "Sessions")
    page = sheet.page
    sheet.command("apputils:change-theme", theme=f"JupyterLab {theme}")
    page.set_viewport_size({"width": 1200, "height": 1500})
    try:
        expect(panel.get_by_text("/mnt/axe")).to_be_visible()
        expect(page.locator(f"body[data-jp-theme-name='JupyterLab {theme}']")).to_have_count(1)
        panel.screenshot(path=tmp_path / f"panel-{theme}.png")
        found = Axe().run(page, context=".abk", options=AXE_OFF)
        assert found.violations_count == 0, found.generate_report()
        assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    finally:
        page.set_viewport_size({"width": 1200, "height": 900})
        sheet.command("apputils:change-theme", theme="JupyterLab Light")


@in_our_lab
def test_it_speaks_chinese_in_a_chinese_page(sheet, shown, tmp_path):
    panel = shown()
    ready(panel)
    # It is drawn anew each second, in the page's language at that time.
    sheet.page.evaluate("document.documentElement.lang = 'zh-CN'")
    try:
        chinese = sheet.output(0).get_by_role("region", name="AgentBay 面板")
        unfold(chinese, "会话列表")
        expect(chinese.get_by_text("运行中 · ").first).to_be_visible()
        expect(chinese.get_by_text("就绪", exact=True)).to_be_visible()
        take(chinese, "panel-chinese", tmp_path)
    finally:
        sheet.page.evaluate("document.documentElement.lang = 'en'")
    expect(panel).to_be_visible()


def reloaded_empty(sheet):
    """The page loaded anew, with no view in it of a widget that its kernel may have lost."""
    sheet.fill("pass")
    sheet.save()
    sheet.reload()


@in_our_lab
def test_without_the_lab_extension_it_works_the_same(sheet, shown):
    page = sheet.page
    page.route("**/extensions/agentbay-kernel/**", lambda route: route.abort())
    try:
        reloaded_empty(sheet)
        panel = shown()
        expect(Side(sheet).chip).to_have_count(0)
        ready(panel)
        panel.get_by_role("button", name="Extend").click()
        expect(panel.get_by_role("status").first).to_have_text("The idle time starts anew")
    finally:
        page.unroute("**/extensions/agentbay-kernel/**")
        reloaded_empty(sheet)
        sheet.console.clear()
