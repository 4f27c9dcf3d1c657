"""Which functions can go into a session as source, and what is said of others."""

import ast
import functools
import math
import sys
from pathlib import Path

import pytest
import vermin

from agentbay_kernel import pool
from agentbay_kernel.errors import UsageError
from agentbay_kernel.pool.functions import request

LIMIT = 3
INSIDE = (Path(pool.__file__).parent / "inside.py").read_text()


def root(number):
    return math.sqrt(number)


def factorial(number):
    return 1 if number < 2 else number * factorial(number - 1)


def below(number):
    return number < LIMIT


@functools.cache
def cached(number):
    return number


def around():
    limit = 3

    def inner(number):
        return number < limit

    def free(number):
        return number

    return inner, free


class Thing:
    def method(self):
        pass


def test_a_function_goes_as_its_source_with_the_modules_it_uses():
    assert request(root) == {
        "function": "root",
        "source": "def root(number):\n    return math.sqrt(number)\n",
        "modules": {"math": "math"},
    }


def test_a_function_may_call_itself_and_stand_in_another():
    assert request(factorial)["modules"] == {}
    assert request(around()[1])["source"].startswith("def free(")


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (around()[0], "uses limit of the function around it"),
        (lambda number: number, "is a lambda"),
        (below, "uses the global name LIMIT"),
        (cached, "is no function that was written with def"),
        (len, "is no function that was written with def"),
        (Thing, "is no function that was written with def"),
        (Thing().method, "is no function that was written with def"),
        (functools.partial(root, 1), "is no function that was written with def"),
    ],
)
def test_others_are_refused_with_words(function, why):
    with pytest.raises(UsageError, match=why):
        request(function)


def test_a_function_without_source_is_refused():
    scope = {}
    exec("def made(number):\n    return number", scope)
    with pytest.raises(UsageError, match="has no source"):
        request(scope["made"])


def test_a_decorator_that_hides_is_refused():
    def plain(function):
        return function

    @plain
    def decorated(number):
        return number

    with pytest.raises(UsageError, match="has a decorator"):
        request(decorated)


def test_what_runs_in_the_session_is_python_3_8():
    ast.parse(INSIDE, feature_version=(3, 8))
    config = vermin.Config()
    config.set_eval_annotations(False)
    assert vermin.visit(INSIDE, config).minimum_versions()[1] <= (3, 8)


def test_what_runs_in_the_session_knows_the_standard_library_and_typed_data_only():
    names = set()
    for node in ast.walk(ast.parse(INSIDE)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    assert names - sys.stdlib_module_names == {"IPython", "agentbay_typed"}
