import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbay_kernel.escaping import LARGE
from agentbay_kernel.kernel.packing import display_content, stream_content
from tests.properties import some

PADDING = "x" * LARGE


@some
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_large_text_is_the_same_text_as_json(text):
    content = stream_content("stderr", text + PADDING)
    packed = content if isinstance(content, bytes) else json.dumps(content)
    assert json.loads(packed) == {"name": "stderr", "text": text + PADDING}


def test_large_text_is_packed():
    assert isinstance(stream_content("stdout", '\\ "\n\r\t\x1b é 😀' + PADDING), bytes)


@pytest.mark.parametrize("text", ["short", PADDING + "\x00", PADDING + "\x08"])
def test_other_text_is_left_to_the_packer(text):
    assert stream_content("stdout", text) == {"name": "stdout", "text": text}


def bundle(**data):
    return {"data": data, "metadata": {"a": 1}, "transient": {"display_id": "é"}}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@some
@given(values, st.text(st.characters(exclude_categories=["Cs"])))
def test_a_bundle_with_large_text_is_the_same_bundle_as_json(value, text):
    shown = bundle(first=value, large=text + PADDING, last=value)
    content = display_content(shown)
    packed = content if isinstance(content, bytes) else json.dumps(content)
    assert json.loads(packed) == shown


@pytest.mark.parametrize("kinds", [["image/png"], ["text/plain", "image/png"], ["image/png", "a"]])
def test_a_bundle_with_large_text_is_packed(kinds):
    shown = bundle(**{kind: PADDING if kind == "image/png" else "x" for kind in kinds})
    content = display_content(shown)
    assert isinstance(content, bytes)
    assert json.loads(content) == shown


@pytest.mark.parametrize("value", ["short", PADDING + "\x00", ["x"] * 9, None])
def test_another_bundle_is_left_to_the_packer(value):
    assert display_content(bundle(some=value)) == bundle(some=value)
