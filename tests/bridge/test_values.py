"""What of a session's JSON and text a Jupyter message can carry."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from agentbay_kernel.bridge.values import DEEPEST, clean, parse
from tests.properties import json_values, some


def nested(depth):
    return "[" * depth + "]" * depth


@some
@given(json_values)
def test_a_value_without_surrogates_and_infinities_comes_out_as_it_went_in(value):
    try:
        text = json.dumps(value, allow_nan=False)
        assert value == json.loads(text.encode("ascii").decode().encode().decode())
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return
    assert parse(text) == value


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("a", "a"),
        ("é\U0001f600", "é\U0001f600"),
        ("a\ud800b", "a\ufffdb"),
        ("\udc80", "\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\udc00\ud800", "\ufffd\ufffd"),
        ("\ufeffa\0", "\ufeffa\0"),
    ],
)
def test_lone_surrogates_are_replaced_and_pairs_joined(text, mended):
    assert clean(text) == mended
    assert parse(json.dumps({text: [text]})) == {mended: [mended]}


def test_nesting_has_a_limit():
    assert parse(nested(DEEPEST))
    for depth in (DEEPEST + 1, 900, 100_000):
        with pytest.raises(ValueError, match="deep"):
            parse(nested(depth))


def test_brackets_of_both_kinds_are_levels():
    assert parse('{"a":[' * 64 + "]}" * 64)
    with pytest.raises(ValueError, match="deep"):
        parse('{"a":[' * 65 + "]}" * 65)


def test_many_brackets_are_not_deep():
    assert len(parse(f"[{','.join(['{}'] * 1000)}]")) == 1000


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "é", "", "[", "9" * 5000, '{"a"}'])
def test_what_is_not_json_in_ascii_is_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        parse(text)
