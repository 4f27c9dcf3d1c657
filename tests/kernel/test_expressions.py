"""User expressions: evaluated after a cell, in the namespace where it ran."""

from __future__ import annotations

import pytest

from tests.kernel.same import told


def evaluated(ended):
    return {
        name: value["data"]["text/plain"] if value["status"] == "ok" else value["ename"]
        for name, value in ended.content["user_expressions"].items()
    }


@pytest.mark.parametrize(
    "expressions",
    [{}, {"a": "x", "b": "x + 1"}, {"bad": "1/0", "good": "x"}, {"unknown": "no_such_name"},
     {"syntax": "x = ("}, {"rich": "__import__('IPython').display.HTML('<b>')"}],
)  # fmt: skip
def test_they_are_what_ipykernel_answers(shared, either, expressions):
    ours, theirs = (
        told(kernel.execute("x = 5", user_expressions=expressions))["user_expressions"]
        for kernel in (either, shared("python3"))
    )
    for value in (*ours.values(), *theirs.values()):
        value.pop("traceback", None)
    assert ours == theirs


def test_they_see_what_the_cell_did(every):
    assert evaluated(every.execute("n = 41", user_expressions={"n": "n + 1"})) == {"n": "42"}


def test_after_an_error_there_are_none(every):
    ended = every.execute("n = 1\n1/0", user_expressions={"n": "n"})
    assert ended.content["user_expressions"] == {}


def test_one_that_fails_does_not_fail_the_cell(every):
    ended = every.execute("n = 1", user_expressions={"bad": "no_such_name", "n": "n"})
    assert ended.status == "ok"
    assert evaluated(ended) == {"bad": "NameError", "n": "1"}


def test_one_that_prints_prints_under_the_cell(every):
    ended = every.execute("n = 1", user_expressions={"p": "print('said')"})
    assert ended.text() == "said\n"


@pytest.mark.parametrize(
    "code", ["n = 2\n%fs ls\nn = 3", "n = 3\n%fs ls", "%fs ls\nn = 3", "%fs ls\n\nn = 3\n%fs ls"]
)
def test_a_mixed_cell_has_them_after_its_end(either, code):
    assert evaluated(either.execute(code, user_expressions={"n": "n"})) == {"n": "3"}


def test_a_cell_of_a_magic_alone_has_them_of_the_session(either):
    either.execute("n = 7")
    assert evaluated(either.execute("%agentbay", user_expressions={"n": "n"})) == {"n": "7"}


@pytest.mark.parametrize("silent", [False, True])
def test_they_may_be_asked_without_code(every, silent):
    every.execute("n = 8")
    assert evaluated(every.execute("", user_expressions={"n": "n"}, silent=silent)) == {"n": "8"}


def test_without_a_session_there_are_none(kernel):
    ended = kernel.execute("%agentbay", user_expressions={"n": "1"})
    assert ended.content["user_expressions"] == {}
