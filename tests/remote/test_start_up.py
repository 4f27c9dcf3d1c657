"""What front ends give an interpreter at their start, run by the hooks before the first cell."""

from __future__ import annotations

import sys

import pytest

from tests.remote import cells

FAILS = "print('told')\n1/0"
START = (
    FAILS,
    "made = 1\nprint('told')\ndisplay('shown')\nfrom IPython.core import page\npage.page('p')\n2",
)
CELLS = {
    "first": "made + 1",
    "history": "In, Out, _i",
    "stored": "kept = get_ipython().history_manager\nkept.writeout_cache()\n"
    "rows = [row[2] for row in kept.get_tail(9, raw=True, include_latest=True)]\n"
    "[row for row in rows if not row.startswith('await (lambda')]",
}


@pytest.fixture(scope="module", params=["{}", "import asyncio; await asyncio.sleep(0)\n{}"])
def seen(request, tmp_path_factory):
    """The reader of all cells, the first a plain and an awaiting one."""
    codes = [request.param.format(CELLS["first"]), *list(CELLS.values())[1:]]
    sent = cells.texts(codes, start=START)
    return cells.run(sys.executable, sent, tmp_path_factory.mktemp("start"))


def test_the_first_cell_finds_what_it_made(seen):
    first = cells.of(seen, "m1")
    assert first["execute_result"]["data"] == {"text/plain": "2"}
    assert first["execute_result"]["execution_count"] == 1


def test_nobody_sees_what_it_says_or_how_it_ends(seen):
    assert {each["p"] for each in seen.messages} == {"", "m1", "m2", "m3"}
    assert set(cells.of(seen, "m1")) == {"execute_result", "reply"}
    assert seen.text().count("told") == 0


def test_its_failure_and_its_payload_are_not_the_cells(seen):
    reply = cells.of(seen, "m1")["reply"]
    assert (reply["status"], reply["payload"]) == ("ok", [])


def test_no_history_has_it(seen):
    shown = cells.of(seen, "m2")["execute_result"]
    assert "made + 1" in shown["data"]["text/plain"]
    assert "made = 1" not in shown["data"]["text/plain"] + seen.text()
    assert shown["execution_count"] == 2
    stored = cells.of(seen, "m3")["execute_result"]["data"]["text/plain"]
    assert "made + 1" in stored
    assert "made = 1" not in stored


def test_a_stop_of_it_is_one_of_the_cell(tmp_path):
    sent = cells.texts(["ran = 1", "'ran' in globals()"], start=("raise KeyboardInterrupt",))
    reader = cells.run(sys.executable, sent, tmp_path)
    said = cells.of(reader, "m1")
    assert said["error"]["evalue"] == said["reply"]["evalue"] == "Stopped before the cell began."
    assert cells.of(reader, "m2")["execute_result"]["data"] == {"text/plain": "False"}
