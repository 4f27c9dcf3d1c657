"""Widgets of the session: their states, changes, callbacks and captured output."""

from __future__ import annotations

import json

import pytest

from tests.kernel.same import level, plain
from tests.kernel.talk import messages, open_here, states, tell

WIDGETS = """
import ipywidgets
picture = ipywidgets.Image(value=bytes(range(9)), format='png')
picture.model_id
"""


@pytest.mark.parametrize("aside", [False, True])
def test_a_page_that_is_loaded_again_gets_the_widgets_of_both_places(either, aside):
    there = either.execute(WIDGETS).value().strip("'")
    here = either.execute(f"%%local{WIDGETS}").value().strip("'")
    header = {}
    if aside:
        made = either.ask("create_subshell_request", {}, channel="control").content
        header = {"subshell_id": made["subshell_id"]}
    version = {"metadata": {"version": "1.0.0"}}
    control, _ = open_here(either, "jupyter.widget.control", header_extra=header, **version)
    ended = tell(either, control, {"method": "request_states"}, header_extra=header)
    (answer,) = [each for each in ended.outputs if each["msg_type"] == "comm_msg"]
    data = answer["content"]["data"]
    assert data["method"] == "update_states"
    assert data["states"][there]["model_name"] == data["states"][here]["model_name"] == "ImageModel"
    paths = {each[0]: bytes(answer["buffers"][n]) for n, each in enumerate(data["buffer_paths"])}
    assert paths[there] == paths[here] == bytes(range(9))
    assert states(ended) == ["busy", "idle"]


def test_a_widgets_change_is_echoed_under_its_message(every):
    every.execute("import ipywidgets\nslider = ipywidgets.IntSlider()")
    model = every.execute("slider.model_id").value().strip("'")
    update = {"method": "update", "state": {"value": 7}, "buffer_paths": []}
    ended = tell(every, model, update)
    echoed = [each["data"] for each in ended.of("comm_msg")]
    assert {"method": "echo_update", "state": {"value": 7}, "buffer_paths": []} in echoed
    assert every.execute("slider.value").value() == "7"


def test_a_buttons_callback_prints_under_the_click(every):
    every.execute(
        "import ipywidgets\nbutton = ipywidgets.Button()\n"
        "button.on_click(lambda _: (print('clicked'), display('shown')))"
    )
    model = every.execute("button.model_id").value().strip("'")
    ended = tell(every, model, {"method": "custom", "content": {"event": "click"}})
    assert ended.text() == "clicked\n"
    assert ended.of("display_data")[0]["data"] == {"text/plain": "'shown'"}
    assert states(ended) == ["busy", "idle"]


def captured(exchange):
    """The message ids that an Output widget told the front end to capture."""
    updates = [each["data"].get("state", {}) for each in exchange.of("comm_msg")]
    return [each["msg_id"] for each in updates if "msg_id" in each]


def test_an_output_widget_captures_what_its_cell_says(every):
    every.execute("import ipywidgets\nout = ipywidgets.Output()")
    ended = every.execute("with out:\n    print('captured')\n    display('shown')\nprint('free')")
    assert captured(ended) == [ended.request["header"]["msg_id"], ""]
    said = [
        each["content"].get("text", each["msg_type"])
        for each in ended.outputs
        if each["msg_type"] in ("stream", "display_data", "comm_msg")
    ]
    assert "".join(said) == "comm_msgcaptured\ndisplay_datacomm_msgfree\n"


def test_an_output_widget_captures_what_a_callback_says(every):
    every.execute(
        "import ipywidgets\nout, button = ipywidgets.Output(), ipywidgets.Button()\n"
        "@button.on_click\n@out.capture()\ndef _(_):\n    print('clicked')"
    )
    model = every.execute("button.model_id").value().strip("'")
    ended = tell(every, model, {"method": "custom", "content": {"event": "click"}})
    assert captured(ended) == [ended.request["header"]["msg_id"], ""]
    assert ended.text() == "clicked\n"


def test_a_widgets_messages_are_those_of_ipykernel(shared, either):
    code = (
        "import ipywidgets as w\nbox = w.VBox([w.IntSlider(3), w.Text('t'), w.Image(value=b'x')])\n"
        "w.jslink((box.children[0], 'value'), (box.children[0], 'max'))\nbox"
    )
    theirs, said = shared("python3"), []
    level(theirs, either)
    for kernel in (theirs, either):
        ended = kernel.execute(code)
        text = json.dumps([messages(ended), ended.of("execute_result")], default=str)
        for number, each in enumerate(ended.of("comm_open")):
            text = text.replace(each["comm_id"], f"id {number}")
        said.append([[each["msg_type"] for each in ended.outputs], plain(text)])
    assert said[0] == said[1]
