"""Widgets answer a person's hand, while the kernel is idle and while a cell runs."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import in_lab

COUNTER = """\
import asyncio, time
import ipywidgets as widgets
from IPython.display import display

clicks = []
button, label = widgets.Button(description="Count"), widgets.Label("0 clicks")

@button.on_click
def count(_):
    clicks.append(1)
    label.value = f"{len(clicks)} clicks"

display(button, label)"""

AWAITING = """\
print("running")
while not clicks:
    await asyncio.sleep(0.01)
print("seen while running")"""

BUSY = """\
print("running")
end = time.monotonic() + 2
while time.monotonic() < end:
    pass
print(len(clicks), "seen while running")"""

PLOT = """\
import matplotlib.pyplot as plt
from ipywidgets import interact

@interact(n=(1, 9))
def draw(n=3):
    plt.figure(figsize=(4, 2))
    plt.plot([0, n], linewidth=n)
    plt.ylim(0, 9)
    plt.show()"""

CAPTURED = """\
import ipywidgets as widgets
from IPython.display import HTML, display

out, button = widgets.Output(), widgets.Button(description="Say")

@button.on_click
def say(_):
    with out:
        print("printed")
        display(HTML("<b>displayed</b>"))
        1 / 0

display(button)"""

LOUD = """\
import ipywidgets as widgets

button, label = widgets.Button(description="Say"), widgets.Label("silent")

@button.on_click
def say(_):
    print("said by the callback")
    label.value = "said"

widgets.VBox([button, label])"""


def label(sheet, index=0):
    return sheet.output(index).locator(".widget-label")


def counter(sheet, *cells):
    """A button that counts in a label, in the first cell."""
    sheet.fill(COUNTER, *cells)
    sheet.run(0)
    expect(label(sheet)).to_have_text("0 clicks")


def test_a_button_updates_a_label_while_the_kernel_is_idle(sheet):
    counter(sheet)
    sheet.click(0, "Count")
    expect(label(sheet)).to_have_text("1 clicks")
    sheet.click(0, "Count")
    expect(label(sheet)).to_have_text("2 clicks")


def test_a_button_updates_a_label_while_a_cell_awaits(sheet):
    counter(sheet, AWAITING)
    sheet.start(1)
    expect(sheet.output(1)).to_have_text("running\n")
    sheet.click(0, "Count")
    sheet.ended(1)
    expect(sheet.output(1)).to_contain_text("seen while running")
    expect(label(sheet)).to_have_text("1 clicks")


def test_a_click_waits_for_the_end_of_a_busy_cell(sheet):
    counter(sheet, BUSY)
    sheet.start(1)
    expect(sheet.output(1)).to_have_text("running\n")
    sheet.click(0, "Count")
    sheet.ended(1)
    expect(sheet.output(1)).to_contain_text("0 seen while running")
    expect(label(sheet)).to_have_text("1 clicks")


def test_a_slider_redraws_a_plot(sheet):
    sheet.fill(PLOT)
    sheet.run(0)
    picture, handle = sheet.output(0).locator("img"), sheet.output(0).locator(".noUi-handle")
    three = picture.get_attribute("src")
    handle.focus()
    handle.press("PageUp")
    expect(sheet.output(0).locator(".widget-readout")).to_have_text("8")
    expect(picture).not_to_have_attribute("src", three)
    handle.press("PageDown")
    expect(picture).to_have_attribute("src", three)
    assert picture.evaluate("image => image.naturalWidth") > 200


def test_an_output_widget_captures_a_callback(sheet):
    sheet.fill(CAPTURED, "out")
    sheet.run(0)
    sheet.run(1)
    sheet.click(0, "Say")
    captured = sheet.output(1)
    expect(captured).to_contain_text("printed")
    expect(captured.locator("b")).to_have_text("displayed")
    expect(captured).to_contain_text("ZeroDivisionError")
    expect(sheet.output(0)).to_have_text(re.compile(r"^\s*Say\s*$"))


def test_what_a_callback_prints_goes_to_the_log_and_to_no_cell(sheet):
    sheet.fill(LOUD)
    sheet.run(0)
    sheet.click(0, "Say")
    expect(label(sheet)).to_have_text("said")
    with sheet.log() as log:
        expect(log).to_contain_text("said by the callback")
    expect(sheet.output(0)).not_to_contain_text("said by the callback")


@in_lab
def test_a_click_writes_nothing_to_stderr(sheet):
    counter(sheet, "label.value")
    sheet.forget()
    sheet.click(0, "Count")
    expect(label(sheet)).to_have_text("1 clicks")
    sheet.run(1)
    assert [frame for frame in sheet.received if b'"stderr"' in frame] == []
