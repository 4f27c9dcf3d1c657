"""Completion by the session's live names, our magics among IPython's."""

from __future__ import annotations

import pytest

from tests.kernels import execute_content, sessions

SETUP = """
import json, os
import pandas as pd
known = {'alpha': 1, 'beta': 2}
class Sample:
    attribute = 1
    def method(self, first, second=2):
        'What it does.'
sample = Sample()
größe = 1
table = pd.DataFrame({'col one': [1], 'coltwo': [2]})
open('data_file.csv', 'w').close()
"""


def complete(kernel, code, cursor=None, **options):
    content = {"code": code, "cursor_pos": len(code) if cursor is None else cursor}
    return kernel.ask("complete_request", content, **options).content


def both(one, other, code, cursor=None):
    """Two kernels' completions; IPython gives jedi a time, after which types are left unknown."""
    for _ in range(5):
        found = complete(one, code, cursor), complete(other, code, cursor)
        if found[0] == found[1] or "<unknown>" not in str(found):
            break
    return found


@pytest.mark.parametrize(
    "code",
    [
        "sample.",
        "sample.me",
        "a = 1\nsample.at",
        "json.du",
        "known['",
        "known['al",
        "table['co",
        "table.colt",
        "open('data_f",
        "!cat data_f",
        "%ti",
        "%%cap",
        "%%time\nsample.me",
        "from js",
        "import os.pa",
        "os.path.join(sam",
        "grö",
        "'😀'; sample.me",
        "\\alpha",
        "if sample.",
        "no_such_name_at_all",
        "def broken(:\n sample.me",
    ],
)
def test_it_is_what_ipython_completes(shared, either, code):
    theirs = shared("python3")
    for kernel in (theirs, either):
        kernel.execute(SETUP)
    found, wanted = both(either, theirs, code)
    assert found == wanted


def test_an_empty_cell_has_every_name(every):
    every.execute(SETUP)
    assert {"sample", "abs", "%timeit"} <= set(complete(every, "")["matches"])


@pytest.mark.parametrize(("code", "cursor"), [("x = sample.me + 1", 13), ("json.dum\nx = 1", 8)])
def test_it_completes_at_the_cursor_in_the_middle(shared, either, code, cursor):
    theirs = shared("python3")
    for kernel in (theirs, either):
        kernel.execute(SETUP)
    found, wanted = both(either, theirs, code, cursor)
    assert found["matches"]
    assert found == wanted


def test_each_match_has_its_type(every):
    every.execute(SETUP)
    known = complete(every, "sample.me")["metadata"]["_jupyter_types_experimental"]
    assert [(each["text"], each["type"]) for each in known] == [("method", "function")]
    assert "first, second=2" in known[0]["signature"]


def test_offsets_count_characters_behind_the_basic_plane(every):
    every.execute(SETUP)
    found = complete(every, "'😀'; sample.me")
    assert (found["cursor_start"], found["cursor_end"]) == (12, 14)


def test_the_option_that_front_ends_set_is_heeded(shared, either):
    found = []
    for kernel in (shared("python3"), either):
        kernel.execute(SETUP)
        kernel.execute("%config Completer.use_jedi = False")
        found.append(complete(kernel, "sample.me"))
        kernel.execute("%config Completer.use_jedi = True")
    assert found[0] == found[1]
    assert found[0] != complete(either, "sample.me")


def test_our_magics_stand_among_ipythons(either):
    matches = complete(either, "%")["matches"]
    assert {"%agentbay", "%fs", "%timeit", "%%bash", "%%local"} <= set(matches)
    assert complete(either, "%ag")["matches"] == ["%agentbay"]


def test_our_magics_words_are_completed(either):
    found = complete(either, "x = 1\n%agentbay la")
    assert found["matches"] == ["labels"]
    assert (found["cursor_start"], found["cursor_end"]) == (16, 18)


def test_our_cell_magic_is_completed_on_the_first_line(either):
    def whole(code):
        found = complete(either, code)
        return [code[: found["cursor_start"]] + match for match in found["matches"]]

    assert "%%local" in whole("%%lo")
    assert "x\n%%local" not in whole("x\n%%lo")


def test_without_a_session_pythons_own_names_are_known(kernel):
    assert "json" in complete(kernel, "import js")["matches"]
    assert "%agentbay" in complete(kernel, "%a")["matches"]
    assert sessions() == []


BUSY = {
    "sleeping": "import time\nprint('runs', flush=True)\ntime.sleep({})",
    "awaiting": "import asyncio\nprint('runs', flush=True)\nawait asyncio.sleep({})",
}


def start_busy(kernel, kind, seconds):
    """Start a cell that takes some time, and wait until it runs."""
    request = kernel.send("execute_request", execute_content(BUSY[kind].format(seconds)))
    kernel.await_text(request, "runs")
    return request


@pytest.mark.parametrize("kind", BUSY)
def test_on_a_subshell_it_is_answered_while_a_cell_runs(every, subshell, kind):
    every.execute(SETUP)
    complete(every, "sample.me", header_extra=subshell)
    request = start_busy(every, kind, 3)
    content = {"code": "sample.me", "cursor_pos": 9}
    answer = every.ask("complete_request", content, header_extra=subshell)
    ended = every.finish(request)
    assert answer.content["matches"] == ["method"]
    assert answer.reply["header"]["date"] < ended.reply["header"]["date"]


def test_on_the_main_shell_it_waits_for_the_cell(every):
    every.execute(SETUP)
    request = start_busy(every, "sleeping", 1)
    answer = every.ask("complete_request", {"code": "sample.me", "cursor_pos": 9})
    ended = every.finish(request)
    assert answer.content["matches"] == ["method"]
    assert ended.reply["header"]["date"] <= answer.reply["header"]["date"]


def test_a_completion_is_one_round_trip(cloud, start_kernel):
    kernel = start_kernel()
    kernel.execute(SETUP)
    complete(kernel, "sample.me")
    before = cloud.round_trips
    assert complete(kernel, "sample.at")["matches"] == ["attribute"]
    assert cloud.round_trips - before == 1
