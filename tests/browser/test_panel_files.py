"""Files between the browser and the session by the panel, in JupyterLab and Notebook 7."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.test_panel import in_our_lab, ours, ready, send, unfold

# A script can make no folder that is dropped.
DROP = """target => {
    const item = DataTransferItem.prototype, known = item.webkitGetAsEntry;
    item.webkitGetAsEntry = function () {
        const { name } = this.getAsFile();
        return { name, isDirectory: name === "pictures" };
    };
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["dropped"], "dropped.txt"));
    dataTransfer.items.add(new File([""], "pictures"));
    for (const name of ["dragover", "drop"]) {
        target.dispatchEvent(new DragEvent(name, {dataTransfer, bubbles: true}));
    }
    item.webkitGetAsEntry = known;
}"""


@ours
def test_files_are_sent_looked_into_and_fetched(sheet, shown):
    panel = shown()
    ready(panel)
    data = bytes(range(256)) * 6000
    send(sheet, panel, ("data.bin", data))
    fetch = panel.get_by_role("button", name="Download data.bin")
    expect(fetch).to_be_visible(timeout=30_000)
    with sheet.page.expect_download() as download:
        fetch.click()
    assert Path(download.value.path()).read_bytes() == data
    send(sheet, panel, ("note.txt", b"first"))
    panel.get_by_role("button", name="Preview note.txt").click()
    preview = panel.get_by_role("group", name="Preview")
    expect(preview.locator("pre")).to_have_text("first")
    preview.get_by_role("button", name="Close").click()
    send(sheet, panel, ("note.txt", b"second"))
    asked = panel.get_by_role("group", name="Replace")
    expect(asked).to_contain_text("note.txt exists in the session")
    asked.get_by_role("button", name="Replace").click()
    row = panel.get_by_role("list", name="Files").get_by_role("listitem")
    expect(row.filter(has_text="note.txt")).to_contain_text("6 B")
    panel.get_by_role("button", name="Preview note.txt").click()
    expect(preview.locator("pre")).to_have_text("second")


@in_our_lab
def test_each_file_that_is_there_is_asked_about_and_the_others_go_on(sheet, shown):
    panel = shown()
    ready(panel)
    rows = panel.get_by_role("list", name="Files").get_by_role("listitem")
    send(sheet, panel, ("one.txt", b"1"), ("two.txt", b"2"))
    expect(rows.filter(has_text="two.txt")).to_contain_text("1 B")
    send(sheet, panel, ("one.txt", b"new"), ("two.txt", b"new"), ("three.txt", b"new"))
    expect(rows.filter(has_text="three.txt")).to_contain_text("3 B")
    asked = panel.get_by_role("group", name="Replace")
    expect(asked).to_contain_text("one.txt exists in the session")
    asked.get_by_role("button", name="Replace").click()
    expect(asked).to_contain_text("two.txt exists in the session")
    expect(asked.get_by_role("button", name="Cancel")).to_be_focused()
    expect(rows.filter(has_text="one.txt")).to_contain_text("3 B")
    sheet.page.keyboard.press("Escape")
    expect(asked).to_have_count(0)
    expect(panel.get_by_role("button", name="Upload files")).to_be_focused()
    expect(rows.filter(has_text="two.txt")).to_contain_text("1 B")


@in_our_lab
def test_a_file_is_sent_by_dropping_it_and_a_folder_is_refused(sheet, shown):
    panel = shown()
    ready(panel)
    unfold(panel, "Files")
    panel.locator("[data-agentbay-drop]").evaluate(DROP)
    expect(panel.get_by_role("alert")).to_contain_text("Folders are not uploaded: pictures.")
    expect(panel.get_by_role("button", name="Preview dropped.txt")).to_be_visible(timeout=30_000)
    expect(panel.get_by_role("button", name="Preview pictures")).to_have_count(0)
    panel.get_by_role("button", name="Dismiss").click()
    expect(panel.get_by_role("alert")).to_have_count(0)
