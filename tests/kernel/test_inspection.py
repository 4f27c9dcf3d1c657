"""Help: Shift-Tab, `obj?` and `obj??`, of the session's objects and of our magics."""

from __future__ import annotations

import pytest

from tests.kernel.same import level, plain, shown, told

SETUP = """
import json
class Sample:
    'A sample.'
    def method(self, first, second=2):
        'What it does.'
        return first
sample = Sample()
number = 5
"""


def inspect(kernel, code, detail=0, cursor=None):
    at = len(code) if cursor is None else cursor
    content = {"code": code, "cursor_pos": at, "detail_level": detail}
    return kernel.ask("inspect_request", content).content


@pytest.mark.parametrize("detail", [0, 1])
@pytest.mark.parametrize(
    "code",
    ["sample", "sample.method", "sample.method(", "x = 1\njson.dumps", "len", "number", "%timeit",
     "%%bash", "no_such_name", "", "for"],
)  # fmt: skip
def test_it_is_what_ipython_shows(shared, either, code, detail):
    theirs = shared("python3")
    for kernel in (theirs, either):
        kernel.execute(SETUP)
    assert plain(inspect(either, code, detail)) == plain(inspect(theirs, code, detail))


def test_it_looks_at_the_cursor(every):
    every.execute(SETUP)
    text = inspect(every, "x = sample.method(1) + len('')", cursor=14)["data"]["text/plain"]
    assert "What it does." in text


def test_the_second_level_shows_the_source(every):
    every.execute(SETUP)
    assert "Source:" in inspect(every, "sample.method", 1)["data"]["text/plain"]
    assert "Source:" not in inspect(every, "sample.method", 0)["data"]["text/plain"]


def test_an_unknown_name_is_not_found(every):
    reply = inspect(every, "no_such_name")
    assert (reply["status"], reply["found"], reply["data"]) == ("ok", False, {})


@pytest.mark.parametrize(
    "code",
    ["sample?", "sample.method??", "?sample", "json.dumps?", "no_such_name?", "*dumps*?",
     "%timeit?", "%pinfo2 sample", "%pdoc sample", "%psource Sample"],
)  # fmt: skip
def test_a_question_mark_gives_ipythons_page(shared, either, code):
    theirs = shared("python3")
    level(theirs, either)
    for kernel in (theirs, either):
        kernel.execute(SETUP)
    ours, expected = either.execute(code), theirs.execute(code)
    assert told(ours) == told(expected)
    assert shown(ours) == shown(expected)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("%agentbay", "%agentbay labels"),
        ("x = 1\n%agentbay labels", "--remove"),
        ("%fs", "%fs put"),
        ("%%local\nx", "this computer"),
    ],
)
def test_our_magics_are_explained_at_the_cursor(either, code, words):
    reply = inspect(either, code, cursor=len(code) - ("local" in code) * 2)
    assert reply["found"]
    assert words in reply["data"]["text/plain"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("%agentbay?", "%agentbay labels"),
        ("%agentbay labels?", "--remove"),
        ("%fs??", "%fs put"),
        ("%%local?", "this computer"),
    ],
)
def test_our_magics_have_a_page(either, code, words):
    ended = either.execute(code)
    (page,) = ended.content["payload"]
    assert page["source"] == "page"
    assert words in page["data"]["text/plain"]


def test_without_a_session_pythons_own_names_are_explained(kernel):
    assert "Return the number of items" in inspect(kernel, "len")["data"]["text/plain"]
    assert "%fs put" in inspect(kernel, "%fs")["data"]["text/plain"]


def test_an_inspection_is_one_round_trip(cloud, start_kernel):
    kernel = start_kernel()
    kernel.execute(SETUP)
    inspect(kernel, "sample")
    before = cloud.round_trips
    assert inspect(kernel, "sample.method")["found"]
    assert cloud.round_trips - before == 1
