"""Whatever a session sends becomes one of our events, which can be published, or nothing."""

from __future__ import annotations

import base64
import json
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_client.session import json_packer, json_unpacker

from agentbay_kernel.bridge import messages, values
from agentbay_kernel.events import (
    CellError,
    ClearOutput,
    CommMessage,
    DisplayData,
    ExecuteResult,
    Stream,
    UpdateDisplayData,
)
from agentbay_kernel.kernel.publisher import _message
from tests.properties import json_values, some

EVENTS = {
    "stream": Stream,
    "display_data": DisplayData,
    "update_display_data": UpdateDisplayData,
    "execute_result": ExecuteResult,
    "clear_output": ClearOutput,
    "error": CellError,
    "comm_open": CommMessage,
    "comm_msg": CommMessage,
    "comm_close": CommMessage,
}
FIELDS = (
    "name", "text", "data", "metadata", "transient", "wait", "ename", "evalue", "traceback",
    "comm_id", "target_name", "target_module", "status", "payload", "user_expressions", "id",
    "prompt", "password", "file", "python", "ipython", "executable", "control", "relay", "loop",
)  # fmt: skip

likely = (
    json_values
    | st.sampled_from(["stdout", "stderr", "ok", True])
    | st.dictionaries(st.sampled_from(["display_id", "a"]), st.text() | json_values)
)
contents = st.dictionaries(st.sampled_from(FIELDS), likely, max_size=12)
any_message = st.fixed_dictionaries(
    {"t": st.sampled_from([*EVENTS, "status"]) | json_values, "c": contents | json_values},
    optional={
        "p": json_values,
        "m": json_values,
        "b": st.lists(st.binary().map(lambda b: base64.b64encode(b).decode())) | json_values,
    },
)


def received(value):
    """A value as it comes out of a frame."""
    try:
        return values.parse(json.dumps(value))
    except ValueError:  # no number, an integer of too many digits
        return {}


def packs(content):
    """Whether Jupyter's own serialiser takes it, and gives the same again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # its way with 1e999
        return json_unpacker(json_packer(content)) == content


@some
@given(any_message)
def test_any_message_becomes_an_event_that_can_be_published_or_none(value):
    message = received(value)
    try:
        event = messages.to_event(message)
    except messages.Malformed:
        return
    assert type(event) is EVENTS[message["t"]]
    published = _message(event, 1)
    assert published.kind == message["t"]
    assert packs(published.content)
    assert packs(published.metadata)
    assert isinstance(published.metadata, dict)
    assert all(isinstance(each, bytes) for each in published.buffers)
    for name in ("data", "metadata", "transient"):
        assert isinstance(published.content.get(name, {}), dict)


@some
@given(contents)
def test_any_reply_can_be_told(value):
    content = received(value)
    try:
        reply = messages.to_reply(content)
    except messages.Malformed:
        return
    assert reply.ok is (reply.error is None)
    assert packs(dict(reply.user_expressions))
    assert all(packs(each) for each in reply.payload)


@some
@given(contents)
def test_any_request_for_input_is_two_texts_and_a_flag(value):
    try:
        asked = messages.to_input(received(value))
    except messages.Malformed:
        return
    assert type(asked.password) is bool
    assert packs([asked.number, asked.prompt, asked.place])


@some
@given(contents)
def test_any_hello_is_texts_and_flags(value):
    try:
        hello = messages.to_hello(received(value))
    except messages.Malformed:
        return
    assert packs([hello.python, hello.ipython, hello.executable, hello.control, hello.relay])
    assert {type(each) for each in (hello.inner_kernel, hello.loop, hello.comm)} == {bool}


GOOD = {
    "stream": {"name": "stderr", "text": "x"},
    "display_data": {"data": {"text/plain": "x"}},
    "update_display_data": {"data": {}, "transient": {"display_id": "d"}},
    "execute_result": {"data": {"text/plain": "x"}, "metadata": {"a": 1}},
    "clear_output": {"wait": True},
    "error": {"ename": "E", "evalue": "e", "traceback": ["t"]},
    "comm_open": {"comm_id": "c", "target_name": "t"},
    "comm_msg": {"comm_id": "c", "data": {"a": 1}},
    "comm_close": {"comm_id": "c"},
}


@pytest.mark.parametrize("kind", GOOD)
def test_each_kind_has_its_event(kind):
    assert type(messages.to_event({"t": kind, "c": GOOD[kind]})) is EVENTS[kind]


WRONG = {
    "stream of another name": ("stream", {"name": "stdin", "text": "x"}),
    "stream without text": ("stream", {"name": "stdout", "text": 5}),
    "display without data": ("display_data", {"metadata": {}}),
    "display of a text": ("display_data", {"data": "x"}),
    "update without an id": ("update_display_data", {"data": {}}),
    "update of an empty id": (
        "update_display_data",
        {"data": {}, "transient": {"display_id": ""}},
    ),
    "update of a numeric id": (
        "update_display_data",
        {"data": {}, "transient": {"display_id": 5}},
    ),
    "error without a name": ("error", {"evalue": "", "traceback": []}),
    "comm without an id": ("comm_msg", {"data": {}}),
    "comm open without a target": ("comm_open", {"comm_id": "c"}),
    "another kind": ("status", {"execution_state": "idle"}),
    "no kind": (None, {}),
    "a list for a kind": (["stream"], {"name": "stdout", "text": "x"}),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_message_of_another_shape_is_malformed(what):
    kind, content = WRONG[what]
    with pytest.raises(messages.Malformed):
        messages.to_event({"t": kind, "c": content})


@pytest.mark.parametrize(
    "buffers", [5, "YQ==", [5], ["*"], [None], [["YQ=="]], {"a": "YQ=="}, None]
)
def test_buffers_of_another_shape_are_malformed(buffers):
    with pytest.raises(messages.Malformed):
        messages.to_event({"t": "comm_msg", "c": GOOD["comm_msg"], "b": buffers})


def test_buffers_come_as_bytes():
    event = messages.to_event({"t": "comm_msg", "c": GOOD["comm_msg"], "b": ["AP8="]})
    assert event.buffers == (b"\x00\xff",)


def test_a_display_id_of_another_type_is_none():
    content = {"data": {}, "transient": {"display_id": 5}}
    assert messages.to_event({"t": "display_data", "c": content}).display_id is None


def test_lines_of_a_traceback_that_are_no_texts_are_left_out():
    content = {"ename": "E", "evalue": "", "traceback": ["a", 5, ["b"], "c"]}
    assert messages.to_event({"t": "error", "c": content}).traceback == ("a", "c")
