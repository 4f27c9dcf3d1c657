import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbay_kernel.remote import frames
from tests.properties import some

PADDING = "x" * frames.LARGE
LONG = "x" * frames._BLOCK


def unpacked(message):
    found = frames.pack(message, 7)
    if len(found) == 1:
        return json.loads(found[0][1])
    assert [kind for kind, _ in found] == ["p"] * (len(found) - 1) + ["q"]
    assert all(payload[:8] == "00000007" for _, payload in found)
    return json.loads("".join(payload[8:] for _, payload in found))


def display(data, **more):
    return {"t": "display_data", "c": {"data": data, **more}, "p": "request", "m": {"a": 1}}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@some
@given(values, st.text())
def test_a_display_with_large_text_is_the_same_as_json(value, text):
    message = display(
        {"first": value, text[:3]: text + PADDING, "last": value},
        metadata={"b": value},
        transient={"display_id": "é"},
    )
    assert unpacked(message) == message


@pytest.mark.parametrize("text", ['\\ "\n\r\t\x7f', "\x1b", "\x00", "é", "😀", "\ud800"])
@pytest.mark.parametrize("before", ["", LONG[:-1], LONG * 2])
def test_a_large_text_is_exact_wherever_its_specials_stand(text, before):
    message = display({"text/plain": before + text + LONG + text})
    assert unpacked(message) == message
    assert all(payload.isascii() for _, payload in frames.pack(message, 1))


@pytest.mark.parametrize("data", [{1: PADDING * 2}, [PADDING * 2], PADDING * 2, None])
def test_data_of_another_shape_is_json_as_ever(data):
    message = display(data)
    assert unpacked(message) == json.loads(json.dumps(message))


def test_what_json_does_not_know_stands_beside_a_large_text():
    shown = unpacked(display({"a": float("nan"), "b": b"1", "large": PADDING * 2}))
    assert (shown["c"]["data"]["a"], shown["c"]["data"]["b"]) == ("nan", "MQ==")
