"""JupyterLab with widgets of the session: made, changed, loaded again, and left behind."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests import kernels
from tests.conftest import MATRIX_PLACES
from tests.frontends import replay
from tests.kernels import Exchange, RunningKernel, sessions

SLIDER = "import ipywidgets\nslider = ipywidgets.IntSlider(3)\nslider"
MODELS = {"IntSliderModel", "LayoutModel", "SliderStyleModel"}
VIEW = "application/vnd.jupyter.widget-view+json"


@dataclass
class Page:
    """A page that shows a slider."""

    kernel: RunningKernel
    shown: Exchange

    @property
    def models(self):
        return {
            each["comm_id"]: each["data"]["state"]["_model_name"]
            for each in self.shown.of("comm_open")
        }

    @property
    def slider(self):
        (result,) = self.shown.of("execute_result")
        return result["data"][VIEW]["model_id"]

    def reload(self, **header):
        """What a page that is loaded again gets: the states of all widgets."""
        opened, asked = (
            replay.step("lab-open", f"widget-{name}") for name in ("control", "states")
        )
        for recorded in (opened, asked):
            ended = replay.send(self.kernel, recorded | {"header_extra": header})
        (answer,) = ended.of("comm_msg")
        closed = {"comm_id": opened["content"]["comm_id"], "data": {}}
        self.kernel.tell("comm_close", closed, header_extra=header)
        assert ended.text("stderr") == ""
        return answer["data"]

    def listed(self):
        asked = {"target_name": "jupyter.widget"}
        return self.kernel.ask("comm_info_request", asked).content["comms"]


@pytest.fixture(scope="module", params=MATRIX_PLACES)
def page(request, shared):
    kernel = shared(request.param)
    return Page(kernel, kernel.execute(SLIDER))


def test_a_slider_is_announced_and_shown(page):
    assert sorted(page.models.values()) == sorted(MODELS)
    assert page.models[page.slider] == "IntSliderModel"
    kinds = [each["msg_type"] for each in page.shown.outputs]
    assert kinds.index("execute_result") > kinds.index("comm_open")


def test_a_change_reaches_the_session_and_its_echo_is_under_the_change(page):
    update = {"method": "update", "state": {"value": 8}, "buffer_paths": []}
    ended = page.kernel.tell("comm_msg", {"comm_id": page.slider, "data": update})
    echoes = [each for each in ended.outputs if each["msg_type"] == "comm_msg"]
    assert update | {"method": "echo_update"} in [each["content"]["data"] for each in echoes]
    mine = ended.request["header"]["msg_id"]
    assert {each["parent_header"]["msg_id"] for each in echoes} == {mine}
    assert page.kernel.execute("slider.value").value() == "8"


@pytest.fixture(params=["main shell", "subshell"])
def header(request, page):
    if request.param == "main shell":
        return {}
    made = replay.send(page.kernel, replay.step("lab-open", "subshell")).content
    return {"subshell_id": made["subshell_id"]}


def test_a_page_that_is_loaded_again_gets_the_three_states(page, header):
    page.kernel.execute("slider.value = 5")
    answer = page.reload(**header)
    assert answer["method"] == "update_states"
    assert set(answer["states"]) == set(page.models)
    assert answer["states"][page.slider]["state"]["value"] == 5


def test_the_live_comms_of_the_session_are_listed_and_no_others(page):
    assert page.listed() == {key: {"target_name": "jupyter.widget"} for key in page.models}


def test_each_listed_comm_answers_a_request_for_its_state(page):
    for identity in page.listed():
        asked = {"comm_id": identity, "data": {"method": "request_state"}}
        (answer,) = page.kernel.tell("comm_msg", asked).of("comm_msg")
        assert (answer["comm_id"], answer["data"]["method"]) == (identity, "update")


def is_close(identity):
    return lambda message: (
        message["msg_type"] == "comm_close" and message["content"]["comm_id"] == identity
    )


def test_widgets_of_a_session_that_was_ended_elsewhere_are_closed(kernel):
    page = Page(kernel, kernel.execute(SLIDER))
    models = page.models
    kernels.release(kernels.service(), sessions()[0])
    closed = {kernel.next_message(is_close(each))["content"]["comm_id"] for each in models}
    assert closed == set(models)
    assert page.listed() == {}
    assert page.reload()["states"] == {}
    assert kernel.execute("1").content["ename"] == "SessionGone"
