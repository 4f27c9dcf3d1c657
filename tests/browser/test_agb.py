"""A notebook over AGB in JupyterLab: output, a question, a widget and the panel."""

import json
import os
import sys

import pytest
from playwright.sync_api import expect

from tests import kernels
from tests.browser.server import surroundings
from tests.browser.sheet import Sheet
from tests.browser.side import Side
from tests.browser.test_questions import answer

BUTTON = """\
import ipywidgets as widgets
button, label = widgets.Button(description="Count"), widgets.Label("0 clicks")
button.on_click(lambda _: setattr(label, "value", "clicked"))
display(button, label)"""


@pytest.fixture(scope="module")
def sheet(jupyter, browser):
    """A notebook whose kernel has AGB's key and endpoint, those of the local service."""
    home = jupyter.folder.parent
    with pytest.MonkeyPatch.context() as patch:
        for name, value in surroundings(home).items():
            patch.setenv(name, value)
        kernels.use_agb(patch)
        names = ("AGENTBAY_KERNEL_PROVIDER", "AGB_API_KEY", "AGB_ENDPOINT")
        spec = {"argv": [sys.executable, "-m", "agentbay_kernel", "-f", "{connection_file}"]}
        spec |= {"display_name": "agb", "language": "python", "interrupt_mode": "message"}
        spec["env"] = {name: os.environ[name] for name in names}
    folder = home / "data" / "kernels" / "agentbay-agb"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    sheet = Sheet(page, jupyter, "lab", "agentbay-agb")
    sheet.open()
    yield sheet
    page.close()
    jupyter.shut_kernels_down()


def test_a_notebook_over_agb_streams_asks_and_shows_widgets_and_its_panel(sheet):
    sheet.fill("print('text')\n6 * 7", "name = input('name? ')\nname", BUTTON, "%agentbay panel")
    sheet.run(0)
    expect(sheet.output(0)).to_contain_text("text")
    expect(sheet.output(0)).to_contain_text("42")
    sheet.start(1)
    answer(sheet, "name? ", "Ada")
    sheet.ended(1)
    expect(sheet.output(1)).to_contain_text("'Ada'")
    sheet.run(2)
    sheet.click(2, "Count")
    expect(sheet.output(2)).to_contain_text("clicked")
    sheet.run(3)
    panel = sheet.output(3).get_by_role("region", name="AgentBay panel")
    expect(panel).to_contain_text("agb")
    assert Side(sheet).complaints() == []
