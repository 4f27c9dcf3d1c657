"""The toolbar's Stop and Restart."""

from playwright.sync_api import expect

ENDLESS = """\
import time
print("running")
while True:
    time.sleep(0.05)"""


def test_stop_ends_a_cell_and_keeps_the_names(sheet):
    sheet.fill("kept = 42", ENDLESS, "kept")
    sheet.run(0)
    sheet.start(1)
    expect(sheet.output(1)).to_have_text("running\n")
    sheet.press("interrupt")
    sheet.ended(1)
    expect(sheet.output(1)).to_contain_text("KeyboardInterrupt")
    sheet.run(2)
    expect(sheet.output(2)).to_contain_text("42")


def test_the_traceback_of_a_stop_shows_the_cell_alone(sheet):
    sheet.fill(ENDLESS)
    sheet.start(0)
    expect(sheet.output(0)).to_have_text("running\n")
    sheet.press("interrupt")
    sheet.ended(0)
    expect(sheet.output(0)).to_contain_text("time.sleep(0.05)")
    expect(sheet.output(0)).not_to_contain_text("File ")


def test_a_restart_forgets_the_names_and_the_notebook_works_on(sheet):
    sheet.fill("forgotten = 42", "'forgotten' in globals()")
    sheet.run(0)
    sheet.restart()
    sheet.run(1)
    expect(sheet.prompt(1)).to_have_text("[1]:")
    expect(sheet.output(1)).to_contain_text("False")
