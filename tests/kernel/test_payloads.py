"""What a reply asks the front end to do, and the reply's fields."""

from __future__ import annotations

import pytest

from tests.kernel.same import level, shown, told


def both(theirs, ours, *cells, **flags):
    """The last of some cells on both kernels."""
    level(theirs, ours)
    done = []
    for kernel in (theirs, ours):
        for code in cells:
            ended = kernel.execute(code, **flags)
        done.append(ended)
    return done


@pytest.mark.parametrize(
    "cells",
    [
        ("open('code.py', 'w').write('a = 1\\nb = 2\\n')", "%load code.py"),
        ("'to be recalled'", "%recall"),
        ("get_ipython().set_next_input('text')",),
        ("get_ipython().set_next_input('text', replace=True)",),
        ("get_ipython().set_next_input('one')\nget_ipython().set_next_input('two')",),
        ("len?",),
        ("len?\nprint?",),
        ("%page len",),
        ("%quickref",),
        ("open('cat.py', 'w').write('a = 1\\nb = 2\\n')", "%pycat cat.py"),
        ("len?\n1/0",),
        ("1",),
        ("print(1)",),
        ("1/0",),
        ("x = (",),
        ("%no_such_magic",),
        ("%%no_such_magic\n1",),
        ("raise KeyboardInterrupt",),
        ("",),
        ("# nothing",),
        ("!exit 3",),
        ("import asyncio\nawait asyncio.sleep(0)\n1/0",),
    ],
)
def test_replies_and_outputs_are_ipykernels(shared, either, cells):
    theirs, ours = both(shared("python3"), either, *cells)
    if "quickref" in cells[0]:
        for ended in (theirs, ours):
            # The card lists all magics; those of ipykernel itself may lack.
            text = ended.content["payload"][0]["data"].pop("text/plain")
            assert "Quick Reference Card" in text
    assert told(ours) == told(theirs)
    assert shown(ours) == shown(theirs)


def test_a_system_exit_is_one_error(every):
    ended = every.execute("import sys\nsys.exit(3)")
    assert [(each["ename"], each["evalue"]) for each in ended.of("error")] == [("SystemExit", "3")]
    assert (ended.status, ended.content["ename"]) == ("error", "SystemExit")


def test_a_payload_is_told_once(either):
    assert either.execute("len?").content["payload"]
    assert either.execute("1").content["payload"] == []


def test_a_mixed_cell_has_the_payloads_of_all_its_pieces(either):
    ended = either.execute("len?\n%fs?\n")
    assert [each["source"] for each in ended.content["payload"]] == ["page", "page"]


def test_a_local_cells_payloads_come_too(either):
    ended = either.execute("%%local\nget_ipython().set_next_input('text')")
    assert ended.content["payload"] == [
        {"source": "set_next_input", "text": "text", "replace": False}
    ]


def test_code_of_the_session_cannot_put_our_magics_into_the_next_cell(either):
    ended = either.execute("get_ipython().set_next_input('%agentbay delete')")
    assert ended.content["payload"] == []


@pytest.mark.parametrize("code", ["exit", "quit", "exit()", " quit()\n"])
def test_leaving_is_told_to_a_console_and_ends_neither_kernel_nor_session(either, code):
    either.execute("still = 'here'")
    ended = either.execute(code)
    assert ended.content["payload"] == [{"source": "ask_exit", "keepkernel": False}]
    assert "%agentbay delete" in ended.text("stderr")
    assert either.execute("still").value() == "'here'"


def test_leaving_needs_no_session(kernel):
    ended = kernel.execute("exit")
    assert ended.content["payload"] == [{"source": "ask_exit", "keepkernel": False}]
    assert kernel.execute("%agentbay").of("display_data")[0]["data"]["text/plain"].count("start")


def test_a_name_called_exit_is_the_users(either):
    either.execute("former, exit = exit, 5")
    ended = either.execute("exit")
    either.execute("exit = former")
    assert ended.value() == "5"
    assert ended.content["payload"] == []


def test_code_of_the_session_cannot_make_a_console_leave(either):
    ended = either.execute("get_ipython().ask_exit()")
    assert ended.content["payload"] == []


def test_a_value_that_cannot_be_shown_ends_the_cell_as_an_error(every):
    ended = every.execute("class Broken:\n    def __repr__(self):\n        1/0\nBroken()")
    assert ended.status == "error"
    assert [each["ename"] for each in ended.of("error")] == ["ZeroDivisionError"]
    for _ in range(3):
        every.execute("'no longer the last result'")
