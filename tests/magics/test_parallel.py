"""`%%map` in a real kernel: values, errors, lost sessions, Stop and what is left behind."""

import re

import pytest

from agentbay_kernel.ledger import Ledger
from agentbay_kernel.magics.parallel import _split
from tests import kernels
from tests.conftest import PROVIDERS
from tests.sizes import size

ITEMS, SESSIONS = size("map_items"), size("map_sessions")


@pytest.fixture(scope="module", params=PROVIDERS)
def kernel(request, shared):
    """One kernel with a session for all tests of this module."""
    kernel = shared(request.param)
    kernel.execute("base = 2")
    return kernel


@pytest.fixture(autouse=True)
def surroundings(kernel, monkeypatch):
    """That of the shared kernel, whose service is asked for its sessions."""
    for name, folder in (("DATA", "data"), ("RUNTIME", "run"), ("LOG", "log")):
        monkeypatch.setenv(f"AGENTBAY_KERNEL_{name}_DIR", str(kernel.home / folder))
    assert len(kernels.sessions()) == 1
    yield
    assert len(kernels.sessions()) == 1


def table(exchange):
    """The table as it was shown last."""
    return exchange.of("update_display_data")[-1]["data"]["text/plain"]


def has(text):
    """Whether a message updates the table to one that has some text."""
    return lambda message: (
        message["msg_type"] == "update_display_data"
        and text in message["content"]["data"]["text/plain"]
    )


def test_every_item_has_its_value_in_order(kernel):
    done = kernel.execute(
        "%%map x in range(base, 12) --sessions 3 --label project=demo -o out\n"
        "import math\nprint('at', x)\nmath.factorial(x)"
    )
    assert done.status == "ok", done.content
    assert table(done).splitlines()[-1].startswith("10 of 10 items done; ")
    assert "all sessions deleted" in table(done)
    assert "[10] at 11\n" in done.text()
    code = "import math; out == [math.factorial(x) for x in range(2, 12)]"
    assert kernel.execute(code).value() == "True"


def test_items_and_values_are_typed_data_and_cells_are_ipythons(kernel):
    done = kernel.execute(
        """%%map item in [(1, {2}), "it's --sessions 9", None, b'z' * 400_000] -o out
import asyncio
!echo shell
await asyncio.sleep(0)
display("shown")
{"item": item}"""
    )
    assert done.status == "ok", done.content
    assert "shell" in done.text()
    assert done.of("display_data")[1]["data"]["text/plain"] == "'shown'"
    code = (
        "[each['item'] for each in out] == [(1, {2}), \"it's --sessions 9\", None, b'z' * 400000]"
    )
    assert kernel.execute(code).value() == "True"


def test_a_failed_item_does_not_stop_the_others(kernel):
    done = kernel.execute("%%map x in [1, 0, 2] --sessions 1 --retries 1 -o out\n1 / x")
    assert done.content["ename"] == "MapError"
    assert done.content["evalue"].startswith(
        "1 of 3 items failed, first item 2 (ZeroDivisionError: division by zero)."
    )
    lines = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(done.content["traceback"]))
    assert "1 / x" in lines
    assert "1 runs repeated" in table(done)
    assert kernel.execute("out").value() == (
        "[1.0, RuntimeError('ZeroDivisionError: division by zero'), 0.5]"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%%map x on items\n1", "choose from 'in'"),
        ("%%map x in [1\n1", "is no expression"),
        ("%%map 1x in [1]\n1", "is no name of a variable"),
        ("%%map x in [1] -o a.b\n1", "is no name of a variable"),
        ("%%map x in [1] --sessions 0\n1", "goes from 1 to"),
        ("%%map x in [1] --retries -1\n1", "--retries from 0"),
        ("%%map x in [1] --label a\n1", "is no label"),
        ("%%map x in [1]\n", "There is no cell below"),
        ("%%map x in [1]\n1 +", "is no Python"),
        ("%%map x in [1] --sesions 3\n1", "Did you mean --sessions"),
    ],
)
def test_bad_input_is_refused_before_anything_is_touched(kernel, line, words):
    done = kernel.execute(line)
    assert done.content["ename"] == "UsageError"
    assert words in done.content["evalue"]
    assert done.of("display_data") == []


def test_an_error_of_the_expression_is_shown_as_any_cells(kernel):
    done = kernel.execute("%%map x in nothing_of_that_name\n1")
    assert done.content["ename"] == "NameError"
    assert done.of("display_data") == []


def test_items_that_are_no_data_are_told_by_their_number(kernel):
    done = kernel.execute("%%map x in [1, object()]\n1")
    assert done.content["evalue"].startswith("Item 2: ")


def test_no_items_need_no_session(kernel):
    done = kernel.execute("%%map x in [] -o out\n1")
    assert done.status == "ok"
    assert kernel.execute("out").value() == "[]"


def test_a_stop_keeps_the_values_and_ends_the_sessions(kernel):
    request = kernel.send(
        "execute_request",
        kernels.execute_content(
            "%%map x in range(9) --sessions 2 -o out\n"
            "import time\nif x > 2:\n    time.sleep(100)\nx"
        ),
    )
    kernel.until(request, has("3 of 9"))
    kernel.interrupt()
    done = kernel.finish(request)
    assert done.content["ename"] == "KeyboardInterrupt"
    assert "3 of 9 items done" in table(done)
    assert kernel.execute("out[:3], {type(each).__name__ for each in out[3:]}").value() == (
        "([0, 1, 2], {'CancelledError'})"
    )


@pytest.mark.timeout(400)
def test_all_items_are_done_although_a_session_is_killed(kernel):
    (own,) = kernels.sessions()

    def under_way(message):
        found = re.search(rf"(\d+) of {ITEMS} items", str(message["content"]))
        return found and int(found[1]) >= ITEMS // 4

    request = kernel.send(
        "execute_request",
        kernels.execute_content(
            f"%%map x in range({ITEMS}) --sessions {SESSIONS} -o out\n"
            "import time\ntime.sleep(0.3)\nx * x"
        ),
    )
    kernel.until(request, under_way, 200)
    kernels.release(kernels.service(), (set(kernels.sessions()) - {own}).pop())
    done = kernel.finish(request, timeout=300)
    assert done.status == "ok", done.content
    assert f"{ITEMS} of {ITEMS} items done; " in table(done)
    assert "1 session was lost" in table(done)
    assert kernel.execute(f"out == [x * x for x in range({ITEMS})]").value() == "True"
    assert [row.session_id for row in Ledger.of_user().rows()] == [own]


def test_options_and_expression_are_told_apart():
    assert _split(" x in [a - b, '--no'] --sessions 2 --label 'a=b c'") == [
        *("x", "in", "[a - b, '--no']"),
        *("--sessions", "2", "--label", "a=b c"),
    ]
    assert _split('x in "it\'s"') == ["x", "in", '"it\'s"']


def test_the_magic_is_completed_and_explained(kernel):
    reply = kernel.ask("complete_request", {"code": "%%ma", "cursor_pos": 4})
    assert "%%map" in reply.content["matches"]
    code = "%%map x in [1] --ret"
    reply = kernel.ask("complete_request", {"code": code, "cursor_pos": len(code)})
    assert reply.content["matches"] == ["--retries"]
    page = kernel.execute("%%map?").content["payload"][0]["data"]["text/plain"]
    assert page.startswith("%%map")
