"""Completion, tooltips and the pager tell of the objects that live in the kernel."""

from playwright.sync_api import expect

# The words are put together so that no front end can find them in the notebook's text.
LIVE = """\
globals().update({"remark" + "able_one": 1, "remark" + "able_two": 2})

def documented(a, b=2):
    return a

documented.__doc__ = " ".join(["Tells", "what", "it", "does."])"""


def at_the_end_of(sheet, index):
    sheet.editor(index).click()
    sheet.page.keyboard.press("Control+End")


def pressed_until(sheet, key, wanted):
    """Press a key until its answer is there: a front end gives a cold completer one second."""
    for _ in range(30):
        sheet.page.keyboard.press(key)
        try:
            expect(wanted).to_be_visible(timeout=1200)
        except AssertionError:
            continue
        return
    expect(wanted).to_be_visible()


def test_tab_offers_the_live_names(sheet):
    sheet.fill(LIVE, "remark")
    sheet.run(0)
    at_the_end_of(sheet, 1)
    offers = sheet.page.locator(".jp-Completer-item")
    pressed_until(sheet, "Tab", offers.filter(has_text="remarkable_one"))
    two = offers.filter(has_text="remarkable_two")
    expect(two).to_be_visible()
    two.click()
    expect(sheet.editor(1)).to_have_text("remarkable_two")


def test_shift_tab_shows_a_docstring(sheet):
    sheet.fill(LIVE, "documented(")
    sheet.run(0)
    at_the_end_of(sheet, 1)
    tooltip = sheet.page.locator(".jp-Tooltip")
    pressed_until(sheet, "Shift+Tab", tooltip)
    expect(tooltip).to_contain_text("documented(a, b=2)")
    expect(tooltip).to_contain_text("Tells what it does.")
    sheet.page.keyboard.press("Escape")


def test_a_question_mark_opens_the_pager(sheet):
    sheet.fill(LIVE, "documented?")
    sheet.run(0)
    sheet.run(1)
    expect(sheet.output(1)).to_contain_text("Signature: documented(a, b=2)")
    expect(sheet.output(1)).to_contain_text("Docstring: Tells what it does.")
