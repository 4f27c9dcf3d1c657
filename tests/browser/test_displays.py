"""Displays move while a cell runs."""

import re

from playwright.sync_api import expect

GATE = """\
import asyncio
import ipywidgets as widgets
from IPython.display import clear_output, display

opened = []
gate = widgets.Button(description="Go on")
gate.on_click(opened.append)

async def gated():
    while not opened:
        await asyncio.sleep(0.01)

display(gate)"""

BAR = """\
from tqdm.notebook import tqdm

for step in tqdm(range(40), mininterval=0):
    if step == 20:
        await gated()"""

ANIMATION = """\
for frame in range(30):
    clear_output(wait=True)
    print("frame", frame)
    if frame == 12:
        await gated()"""


def running(sheet, code):
    """Run a cell that waits half way until somebody presses the first cell's button."""
    sheet.fill(GATE, code)
    sheet.run(0)
    sheet.start(1)


def test_a_progress_bar_moves_and_ends_full(sheet):
    running(sheet, BAR)
    bar = sheet.output(1).locator(".progress-bar")
    expect(sheet.output(1)).to_contain_text(re.compile(r"50%.*20/40", re.DOTALL))
    expect(bar).to_have_attribute("style", re.compile("width: 50%"))
    expect(sheet.prompt(1)).to_have_text("[*]:")
    sheet.click(0, "Go on")
    sheet.ended(1)
    expect(sheet.output(1)).to_contain_text(re.compile(r"100%.*40/40", re.DOTALL))
    expect(bar).to_have_attribute("style", re.compile("width: 100%"))


def test_a_cleared_output_shows_one_frame_at_a_time(sheet):
    running(sheet, ANIMATION)
    expect(sheet.output(1)).to_have_text("frame 12\n")
    sheet.click(0, "Go on")
    sheet.ended(1)
    expect(sheet.output(1)).to_have_text("frame 29\n")


def test_a_display_is_updated_where_it_stands(sheet):
    sheet.fill(
        "from IPython.display import HTML, display\n"
        "handle = display(HTML('<b>first</b>'), display_id=True)\nprint('below')",
        "handle.update(HTML('<i>second</i>'))",
    )
    sheet.run(0)
    expect(sheet.output(0).locator("b")).to_have_text("first")
    sheet.run(1)
    expect(sheet.output(0).locator("i")).to_have_text("second")
    expect(sheet.output(0).locator("b")).to_have_count(0)
    expect(sheet.output(0)).to_contain_text("below")
    expect(sheet.output(1)).to_be_empty()
