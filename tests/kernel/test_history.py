"""History: what was typed, under the notebook's numbers, wherever a cell ran."""

from __future__ import annotations

import pytest

from tests.kernel.same import level, shown, told
from tests.kernels import wait_for


def history(kernel, **asked):
    content = {"hist_access_type": "tail", "n": 5, "output": False, "raw": True} | asked
    return kernel.ask("history_request", content).content["history"]


def number(ended):
    return ended.content["execution_count"]


def test_the_tail_is_what_was_typed(every):
    every.execute("first = 1")
    last = number(every.execute("!true"))
    assert [row[1:] for row in history(every, n=2)] == [[last - 1, "first = 1"], [last, "!true"]]


def test_the_tail_as_python_has_the_magics_translated(every):
    every.execute("%who_ls nothing")
    assert history(every, n=1, raw=False)[0][2] == (
        "get_ipython().run_line_magic('who_ls', 'nothing')"
    )


def test_a_range_has_the_notebooks_numbers(every):
    start = number(every.execute("a = 1"))
    every.execute("b = 2")
    rows = history(every, hist_access_type="range", session=0, start=start, stop=start + 2)
    assert [row[1:] for row in rows] == [[start, "a = 1"], [start + 1, "b = 2"]]


def test_a_range_with_outputs_has_pairs(every):
    start = number(every.execute("1 + 1"))
    rows = history(
        every, hist_access_type="range", session=0, start=start, stop=start + 1, output=True
    )
    assert rows[0][2][0] == "1 + 1"


def test_a_search_finds_by_pattern(every):
    every.execute("needle_one = 1")
    every.execute("needle_two = 2")
    every.execute("needle_two = 2")
    asked = {"hist_access_type": "search", "pattern": "needle_*"}
    rows = history(every, **asked, n=10, unique=True)
    assert [row[2] for row in rows[-2:]] == ["needle_one = 1", "needle_two = 2"]
    assert len(history(every, **asked, n=1)) == 1


MIXED = "x = 1\n%fs ls\nx + 1"
CELLS = {
    "of a magic": "%agentbay",
    "that is local": "%%local\n1 + 1",
    "that is mixed": MIXED,
    "that fails": "1 / 0",
    "whose magic fails": "%fs nothing",
    "that fails before its magic": "1 / 0\n%fs ls\n3",
    "that fails after its magic": "%fs ls\n1 / 0",
    "whose magic fails before more": "1\n%fs nothing\n3",
    "that is refused": "if True:\n    %fs ls",
    "that is no Python": "x = (",
    "that is no Python and mixed": "x = (\n%fs ls",
    "that leaves": "quit",
}


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_is_kept_as_typed_here_and_in_the_session(either, kind):
    typed = CELLS[kind]
    count = number(either.execute(typed))
    assert history(either, n=1)[0][1:] == ([count, typed] if kind != "that leaves" else [
        count - 1, "pass"
    ])  # fmt: skip
    look = (
        "(len(In) - 1, get_ipython().execution_count - 1, "
        f"get_ipython().history_manager.input_hist_raw[{count}])"
    )
    ended = either.execute(look)
    kept = "" if kind == "that leaves" else typed
    assert ended.value() == repr((count + 1, count + 1, kept))


def test_the_last_inputs_are_known_by_their_names(either):
    either.execute("'one'")
    either.execute("%%local\n'two'")
    three = number(either.execute(MIXED))
    code = f"(_i, _ii, _iii, _i{three})"
    assert either.execute(code).value() == repr((MIXED, "%%local\n'two'", "'one'", MIXED))


def test_results_are_known_by_their_numbers(either):
    first = number(either.execute("'a result'"))
    local = number(either.execute("%%local\n'a local result'"))
    mixed = number(either.execute("%fs ls\n'another'"))
    code = f"(_, __, Out[{first}], _{mixed}, {local} in Out)"
    assert either.execute(code).value() == repr(
        ("another", "a result", "a result", "another", False)
    )


def test_local_cells_have_inputs_and_results_of_their_own(either):
    local = number(either.execute("%%local\n'a local result'"))
    either.execute("'a result'")
    ended = either.execute(f"%%local\n(_, Out[{local}], In[{local + 1}], _i)")
    assert ended.value() == repr(("a local result", "a local result", "'a result'", "'a result'"))


def test_percent_history_has_the_notebooks_numbers(either):
    either.execute("%%local\n'local'")
    either.execute(MIXED)
    count = number(either.execute("'remote'"))
    text = either.execute(f"%history -n {count - 2}-{count}").text()
    assert f"{count - 2}:\n%%local\n'local'\n" in text
    assert f"{count - 1}:\n{MIXED}\n" in text
    assert f"{count}: 'remote'\n" in text


@pytest.mark.parametrize(
    "code",
    ["%history -n -l 3", "%recall {0}", "%recall", "%rerun", "%rerun {0}-{1}",
     "%rerun -g needle", "%rep {0}", "%macro again {0}\nagain", "%notebook -h",
     "(In[{0}], _i{0}, Out[{0}], _{0}, _i, _ii, _, __)"],
)  # fmt: skip
def test_ipythons_magics_over_history_do_what_they_do_in_ipykernel(shared, either, code):
    theirs = shared("python3")
    level(theirs, either)
    done = []
    for kernel in (theirs, either):
        kernel.execute("'before'")
        count = number(kernel.execute("'needle'"))
        kernel.execute("print('second')")
        done.append(kernel.execute(code.format(count, count + 1)))
    assert shown(done[0]) == shown(done[1])
    assert told(done[0]) == told(done[1])


def test_percent_history_finds_by_pattern(every):
    every.execute("grain_of_sand = 1")
    assert "grain_of_sand = 1\n" in every.execute("%history -g grain_of").text()


def test_a_rerun_runs_what_was_typed_between_local_cells(either):
    count = number(either.execute("print('remote')"))
    either.execute("%%local\nprint('local')")
    assert either.execute(f"%rerun {count}").text().endswith("=== Output: ===\nremote\n")


def test_a_cell_without_history_is_not_kept(every):
    count = number(every.execute("kept = 1"))
    every.execute("not_kept = 1", store_history=False)
    assert history(every, n=1)[0][1:] == [count, "kept = 1"]
    assert "not_kept" not in every.execute("In[-3:]").value()


def test_a_restart_starts_the_numbers_anew(kernel):
    kernel.execute("1")
    kernel.manager.restart_kernel()
    kernel.client.wait_for_ready(timeout=30)
    assert number(kernel.execute("'new'")) == 1
    assert kernel.execute("(In, Out)").value() == repr((["", "'new'", "(In, Out)"], {1: "new"}))


def test_a_cell_is_on_disk_soon_though_nobody_asks(kernel):
    kernel.execute("%%local\nfile = get_ipython().history_manager.hist_file")
    kernel.execute("'found on disk'")
    found = (
        "%%local\nimport sqlite3\n"
        "with sqlite3.connect(file) as db:\n"
        "    rows = db.execute('select source_raw from history').fetchall()\n"
        "(\"'found on disk'\",) in rows"
    )
    wait_for(lambda: kernel.execute(found).value() == "True", "the cell is not written", 30)
