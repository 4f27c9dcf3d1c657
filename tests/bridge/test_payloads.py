"""A session's reply may show a page and fill the next cell, but never with a magic of ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbay_kernel import cells
from agentbay_kernel.bridge.payloads import admitted, passed, refused
from agentbay_kernel.events import Stream
from tests.properties import small_values, some

PAGE = {"source": "page", "data": {"text/plain": "x"}, "start": 0}


def following(text):
    return {"source": "set_next_input", "text": text, "replace": False}


def test_a_page_and_a_next_input_are_admitted_as_they_are():
    assert admitted([PAGE, following("x")]) == [PAGE, following("x")]


def test_the_last_of_each_counts():
    many = [following(str(number)) for number in range(1000)]
    assert admitted([*many, PAGE]) == [following("999"), PAGE]


def test_fields_that_nobody_knows_are_left_out():
    assert admitted([PAGE | {"x": 1}, following("x") | {"y": 1}]) == [PAGE, following("x")]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"source": "load"},
        {"source": "edit", "filename": "x"},
        {"source": "ask_exit"},
        {"source": ["page"], "data": {}},
        {"source": "page", "data": "x"},
        {"source": "page"},
        {"source": "set_next_input"},
        {"source": "set_next_input", "text": 5},
    ],
)
def test_another_payload_is_refused(payload):
    assert admitted([payload]) == []
    assert refused([payload]) == [str(payload.get("source"))]


@pytest.mark.parametrize("start", [True, "1", None, 1.5, [1]])
def test_a_pages_start_is_a_number(start):
    assert admitted([PAGE | {"start": start}]) == [PAGE]


OURS = (
    "%agentbay", "%agentbay delete", "%fs ls", "%%local", "%%local\nx", "\n\n%%local\nx",
    "1\n%fs put x", "  %fs ls", "\t%fs ls", "x = %agentbay info", "x=%fs ls", "a, b = %fs ls",
    "1\r%%local\nx", "1\r\n%fs ls", "1\x0b%fs ls", "1\u2028%fs ls", "\ufeff%%local", "\0%%local",
    "%agentbay?", "%fs?", "?%fs", "%fs \\\n ls", "if 1:\n    %fs ls", "%%%fs ls",
)  # fmt: skip
THEIRS = (
    "1", "", "100 %fs", "i %local", "%timeit 1", "%%bash\nls", "%fsck", "%agentbays", "x = 5 %fs",
    "a'%fs'", "# use %fs", "print('a %agentbay b')", "%run local", "x == y %fs",
)  # fmt: skip


@pytest.mark.parametrize("text", OURS)
def test_a_next_input_with_one_of_our_magics_is_refused(text):
    assert admitted([following(text)]) == []


@pytest.mark.parametrize("text", THEIRS)
def test_a_next_input_without_them_is_admitted(text):
    assert admitted([following(text)]) == [following(text)]


pieces = st.sampled_from(
    [*OURS, *THEIRS, "\n", "\r", " ", "\t", "%", "%%", "fs", "local", "=", "x"]
)


@some
@given(st.lists(pieces, max_size=8).map("".join))
def test_no_admitted_text_is_read_as_one_of_our_magics(text):
    if not admitted([following(text)]):
        return
    for shown in (text, text.replace("\r\n", "\n").replace("\r", "\n"), text.strip()):
        try:
            segments = cells.parse(shown)
        except (SyntaxError, cells.CellRefused):
            continue
        assert [each for each in segments if not isinstance(each, cells.Remote)] == []


@some
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["source", "text", "data", "start"]), small_values),
        max_size=5,
    )
)
def test_anything_else_is_refused_without_a_fault(payloads):
    assert len(admitted(payloads)) <= 2
    assert isinstance(refused(payloads), list)


def test_a_long_text_takes_no_long_time():
    text = "\n" * 300_000 + "=" * 300_000 + " " * 300_000
    assert admitted([following(text)]) == [following(text)]


def test_the_user_hears_of_what_was_refused_in_one_line():
    said = []
    assert passed([{"source": "edit\n" * 999}, {"source": "load"}, PAGE] * 100, said.append) == [
        PAGE
    ]
    assert [type(each) for each in said] == [Stream]
    assert len(said[0].text) < 200
    assert "load" in said[0].text


def test_nothing_is_said_when_nothing_is_refused():
    said = []
    passed([PAGE], said.append)
    assert said == []
