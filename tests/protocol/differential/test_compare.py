"""A lost, added, reordered or changed message is found, wherever it is."""

from __future__ import annotations

import copy

import pytest

from tests.protocol.differential import compare, judge
from tests.protocol.differential.recording import (
    PROGRESS,
    Cell,
    Recording,
    merged,
    without_progress,
)


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def message(kind, **content):
    return {"type": kind, **content, "buffers": []}


DISPLAY = {"output_type": "display_data", "data": {"text/plain": "d"}, "metadata": {"m": 1}}
RESULT = {
    "output_type": "execute_result",
    "data": {"text/plain": "r", "text/html": "<r>"},
    "metadata": {},
    "execution_count": 1,
}
ERROR = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mt", "u"]}


def sample():
    outputs = [stream("a\n"), stream("e\n", "stderr"), DISPLAY, RESULT, ERROR]
    cell = Cell(
        "source",
        outputs=copy.deepcopy(outputs),
        count=1,
        reply={"status": "ok", "payload": [{"source": "page"}], "user_expressions": {}},
        messages=[message("stream", name="stdout", text="a"), message("clear_output", wait=True)],
        comms=[message("comm_open", comm_id="1"), message("comm_msg", comm_id="1")],
    )
    return Recording({"one": cell}, {"state": {"a": 1}}, "/folder")


def found(change):
    """The kinds of difference after a change to one of two equal recordings."""
    changed = sample()
    change(changed.cells["one"], changed)
    pair = compare.plain(sample()), compare.plain(changed)
    return [one.kind for one in compare.differences("n", *pair)]


def test_the_same_is_the_same():
    assert found(lambda cell, whole: None) == []


@pytest.mark.parametrize("index", range(5))
def test_a_lost_output_is_found(index):
    assert found(lambda cell, whole: cell.outputs.pop(index))


@pytest.mark.parametrize("index", range(4))
def test_swapped_outputs_are_found(index):
    def swap(cell, whole):
        cell.outputs[index : index + 2] = reversed(cell.outputs[index : index + 2])

    assert found(swap)


@pytest.mark.parametrize("index", range(5))
def test_a_doubled_output_is_found(index):
    assert found(lambda cell, whole: cell.outputs.insert(index, cell.outputs[index]))


@pytest.mark.parametrize(
    ("index", "field", "value", "kind"),
    [
        (0, "text", "a", "stream"),
        (0, "name", "stderr", "stream"),
        (2, "data", {"text/plain": "d", "text/html": ""}, "display"),
        (2, "metadata", {}, "metadata"),
        (3, "data", {"text/plain": "r"}, "result"),
        (3, "execution_count", 2, "result"),
        (4, "ename", "F", "error"),
        (4, "traceback", ["t", "u"], "error"),
    ],
)
def test_a_changed_output_is_found_under_its_kind(index, field, value, kind):
    assert found(lambda cell, whole: cell.outputs[index].update({field: value})) == [kind]


@pytest.mark.parametrize("lane", ["messages", "comms"])
@pytest.mark.parametrize("index", range(2))
def test_a_lost_message_is_found(lane, index):
    assert found(lambda cell, whole: getattr(cell, lane).pop(index)) == [lane]


@pytest.mark.parametrize("lane", ["messages", "comms"])
def test_swapped_messages_are_found(lane):
    assert found(lambda cell, whole: getattr(cell, lane).reverse()) == [lane]


def test_a_changed_reply_is_found():
    assert found(lambda cell, whole: cell.reply.update(status="error")) == ["reply"]


def test_a_changed_count_is_found():
    assert found(lambda cell, whole: setattr(cell, "count", 2)) == ["count"]


def test_changed_widget_state_is_found():
    assert found(lambda cell, whole: whole.widgets["state"].update(a=2)) == ["widgets"]


def test_a_difference_that_is_not_listed_is_said():
    changed = sample()
    changed.cells["one"].reply["status"] = "error"
    pair = compare.plain(sample()), compare.plain(changed)
    (said,) = judge.complaints("n", *pair, set())
    assert "n, cell one: reply" in said
    assert '-  "status": "ok"'.replace("  ", " ") in said.replace("  ", " ")
    assert judge.complaints("n", *pair, {("n", "one", "reply")}) == []


def test_a_listed_difference_that_is_gone_is_said():
    pair = compare.plain(sample()), compare.plain(sample())
    (said,) = judge.complaints("n", *pair, {("n", "one", "reply")})
    assert "is the same" in said


def test_chunks_of_one_stream_are_one_text():
    chunks = [stream("a"), stream("b"), stream("c", "stderr"), stream("d")]
    assert merged(chunks) == [stream("ab"), stream("c", "stderr"), stream("d")]


def test_chunks_around_a_display_stay_apart():
    chunks = [stream("a"), DISPLAY, stream("b")]
    assert merged(chunks) == chunks


INPUT, TEXT = message("execute_input", code="x"), message("stream", name="stdout", text="a")


def test_the_sign_of_a_starting_session_is_left_out():
    assert without_progress([INPUT, *PROGRESS, TEXT]) == [INPUT, TEXT]


@pytest.mark.parametrize(
    "messages",
    [
        [INPUT, TEXT],
        [INPUT, PROGRESS[0], TEXT],
        [INPUT, PROGRESS[0], TEXT, PROGRESS[1]],
        [INPUT, TEXT, *PROGRESS],
        [INPUT, {**PROGRESS[0], "data": {"text/plain": "else"}}, PROGRESS[1]],
    ],
)
def test_nothing_but_that_sign_is_left_out(messages):
    assert without_progress(messages) == messages
