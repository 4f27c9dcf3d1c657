"""How front ends run cells: all at once, stopped by an error, interrupted while idle."""

from __future__ import annotations

from collections import Counter

from tests.frontends import replay
from tests.kernels import execute_content, sessions
from tests.sizes import size


def run_all(kernel, cells):
    requests = [kernel.send("execute_request", execute_content(code)) for code in cells]
    return [kernel.finish(request) for request in requests]


def test_an_error_aborts_the_cells_that_are_queued_behind_it(kernel):
    count = size("queued_cells")
    done = run_all(kernel, ["a = 1", "1 / 0", *(f"late_{n} = {n}" for n in range(count - 2))])
    assert [each.status for each in done] == ["ok", "error"] + ["aborted"] * (count - 2)


def test_an_aborted_cell_never_reaches_the_session(kernel):
    run_all(kernel, ["a = 1", "1 / 0", "late = 1"])
    assert kernel.execute("'late' in globals(), a").value() == "(False, 1)"


def test_queued_cells_run_in_order(kernel):
    count = size("queued_cells")
    done = run_all(kernel, ["seen = []", *(f"seen.append({n}); len(seen)" for n in range(count))])
    assert [each.value() for each in done[1:]] == [str(n + 1) for n in range(count)]


def test_outputs_belong_to_the_cell_that_made_them(kernel):
    done = run_all(kernel, [f"print({n})" for n in range(5)])
    assert [each.text() for each in done] == [f"{n}\n" for n in range(5)]


def test_a_failing_cell_without_stop_on_error_lets_the_queue_go_on(kernel):
    kernel.execute("a = 1")
    first = kernel.send("execute_request", execute_content("1 / 0", stop_on_error=False))
    second = kernel.send("execute_request", execute_content("a + 1"))
    assert [kernel.finish(each).status for each in (first, second)] == ["error", "ok"]


RATE = """
import time
line, began = "x" * 999, time.monotonic()
for moment in range(100 * {seconds}):
    for _ in range(40):
        print(line, flush=True)
    time.sleep(max(0, began + moment / 100 - time.monotonic()))
"""


TURNS = "import sys\nfor n in range(5000):\n    print(n)\n    print(n, file=sys.stderr)"


def test_text_that_comes_fast_comes_whole_in_few_messages(kernel):
    seconds = size("rate_seconds")
    ended = kernel.execute(RATE.format(seconds=seconds))
    assert ended.text() == ("x" * 999 + "\n") * 4000 * seconds
    assert_few(ended)


def test_streams_that_take_turns_come_whole_in_few_messages(kernel):
    ended = kernel.execute(TURNS)
    assert ended.text() == ended.text("stderr") == "".join(f"{n}\n" for n in range(5000))
    assert_few(ended)


def assert_few(ended):
    # A Jupyter server drops what comes faster.
    moments = Counter(each["header"]["date"].replace(microsecond=0) for each in ended.outputs)
    assert max(moments.values()) < 1000


def test_an_interrupt_while_idle_changes_nothing(kernel):
    kernel.execute("a = 1")
    assert kernel.interrupt().status == "ok"
    assert kernel.execute("a").value() == "1"


def test_an_interrupt_before_any_session_creates_none(kernel):
    kernel.interrupt()
    assert sessions() == []


def test_the_execution_count_goes_up_by_one_a_cell(kernel):
    counts = [
        each.of("execute_input")[0]["execution_count"] for each in run_all(kernel, ["1", "2", "3"])
    ]
    assert counts == [1, 2, 3]


def test_a_console_sees_its_own_lines_in_the_history(kernel):
    kernel.execute("first = 1")
    kernel.execute("second = 2")
    history = replay.send(kernel, replay.step("console-open", "history")).content["history"]
    assert [line[2] for line in history][-2:] == ["first = 1", "second = 2"]


def test_code_is_judged_complete_within_a_second_without_a_session(kernel):
    answer = kernel.ask("is_complete_request", {"code": "x = (1,"})
    assert answer.content["status"] == "incomplete"
    assert answer.seconds < 1
    assert sessions() == []


def test_history_is_kept_for_a_search(kernel):
    kernel.execute("needle_in_history = 1")
    content = {"hist_access_type": "search", "pattern": "*needle*", "raw": True, "output": False}
    found = kernel.ask("history_request", content | {"n": 5, "unique": True}).content["history"]
    assert found[-1][2] == "needle_in_history = 1"
