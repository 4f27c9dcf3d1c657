"""A page that is loaded anew finds its widgets as the kernel has them."""

from playwright.sync_api import expect

from tests.browser.conftest import in_lab

SLIDER = """\
import ipywidgets as widgets

{name} = widgets.IntSlider({value}, 0, 30)
{name}"""


def here(sheet, code):
    """The code in the kernel's own process, where that is not where the other cells run."""
    return f"%%local\n{code}" if sheet.kernel == "agentbay" else code


def moved(output, value):
    """Move the slider by a key, five steps up, to that value."""
    handle = output.locator(".noUi-handle")
    handle.focus()
    # Notebook 7 keeps the arrow keys for itself.
    handle.press("PageUp")
    expect(output.locator(".widget-readout")).to_have_text(str(value))


def two_sliders(sheet):
    """A slider in the session and one in the kernel's own process; two cells that tell."""
    sheet.fill(
        SLIDER.format(name="far", value=3),
        here(sheet, SLIDER.format(name="near", value=11)),
        "print('far', far.value)",
        here(sheet, "print('near', near.value)"),
    )
    sheet.run(0)
    sheet.run(1)


def shown(sheet, index):
    return sheet.output(index).locator(".widget-readout")


def test_sliders_keep_their_values_and_go_on_working(sheet):
    two_sliders(sheet)
    sheet.save()
    # What is moved after saving only the kernel knows.
    moved(sheet.output(0), 8)
    moved(sheet.output(1), 16)
    sheet.reload()
    expect(shown(sheet, 0)).to_have_text("8")
    expect(shown(sheet, 1)).to_have_text("16")
    moved(sheet.output(0), 13)
    moved(sheet.output(1), 21)
    sheet.run(2)
    sheet.run(3)
    expect(sheet.output(2)).to_have_text("far 13\n")
    expect(sheet.output(3)).to_have_text("near 21\n")


@in_lab
def test_all_widgets_come_in_one_answer_and_without_complaint(sheet):
    two_sliders(sheet)
    sheet.save()
    sheet.forget()
    sheet.reload()
    expect(shown(sheet, 0)).to_have_text("3")
    expect(shown(sheet, 1)).to_have_text("11")
    # What a page asks, widget by widget, when the one answer fails or takes four seconds.
    assert not any(b"comm_info_request" in request for request in sheet.sent)
    with sheet.log() as log:
        expect(log).to_have_text("No log messages.")
