import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbay_kernel import escaping
from tests.properties import some

SPECIAL = '\\ "\n\r\t\x1b\x7f é 😀'


@some
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_escaped_is_the_same_text_as_json(text):
    escaped = escaping.escape(text.encode())
    if escaped is None:
        assert any(ord(each) < 32 for each in text)
    else:
        assert json.loads(b'"' + escaped + b'"') == text


@pytest.mark.parametrize("before", range(-6, 2))
def test_it_may_be_cut_anywhere_in_between(before):
    text = "x" * (escaping._BLOCK + before) + SPECIAL * 2
    escaped = escaping.escape(text.encode())
    assert escaped is not None
    assert json.loads(b'"' + escaped + b'"') == text


@pytest.mark.parametrize("control", ["\x00", "\x08", "\x1f"])
@pytest.mark.parametrize("at", [0, escaping._BLOCK, 3 * escaping._BLOCK - 1])
def test_a_rare_control_character_is_found_wherever_it_stands(control, at):
    text = "x" * at + control + "x" * (3 * escaping._BLOCK - at)
    assert escaping.escape(text.encode()) is None
