"""What a run makes of the messages in its stream."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbay_kernel.bridge.run import Cell, Run
from agentbay_kernel.events import CellError, DisplayData, ExecuteResult, Stream
from agentbay_kernel.remote.frames import MARK
from tests.bridge.framing import NONCE, frame
from tests.properties import few, json_values


class Running:
    """A run whose every outlet is a list."""

    def __init__(self, cell=None):
        self.events, self.elsewhere, self.prompts, self.hellos = [], [], [], []
        self.run = Run(
            NONCE,
            cell or Cell("x", request="m1"),
            self.events.append,
            publish=lambda parent, event: self.elsewhere.append((parent, event)),
            on_input=self.prompts.append,
            on_hello=self.hellos.append,
        )

    def say(self, kind, content, parent="m1", **more):
        message = {"t": kind, "c": content, "p": parent, **more}
        self.run.on_event(Stream("stdout", frame("j", json.dumps(message))))


@pytest.fixture
def running():
    return Running()


OK = {"status": "ok"}
FAILED = {"status": "error", "ename": "E", "evalue": "e", "traceback": []}


def test_text_between_frames_is_the_cells_own(running):
    running.run.on_event(Stream("stdout", "a"))
    running.say("display_data", {"data": {}})
    running.run.on_event(Stream("stderr", "b\ud800"))
    assert running.events == [
        Stream("stdout", "a"), DisplayData({}), Stream("stderr", "b\ufffd"),
    ]  # fmt: skip


def test_events_of_the_provider_pass(running):
    running.run.on_event(ExecuteResult({"text/plain": "1"}))
    assert running.events == [ExecuteResult({"text/plain": "1"})]


def test_the_providers_error_is_kept_apart(running):
    error = CellError("E", "e", ())
    running.run.on_event(error)
    assert (running.events, running.run.error) == ([], error)


@pytest.mark.parametrize("parent", ["m1", ""])
def test_the_first_reply_of_the_own_request_counts(running, parent):
    running.say("reply", FAILED, parent)
    running.say("reply", OK)
    assert running.run.reply.ok is False


@pytest.mark.parametrize("parent", ["m2", None, ["m1"], {"m1": 1}, 1, True])
def test_a_reply_of_another_request_counts_for_nothing(running, parent):
    running.say("reply", FAILED, parent)
    assert running.run.reply is None


def test_a_malformed_reply_leaves_room_for_the_true_one(running):
    running.say("reply", {"status": "error"})
    running.say("reply", OK)
    assert running.run.reply.ok


def test_a_hello_counts_only_before_the_cell_begins(running):
    running.say("begin", {}, "")
    running.say("hello", {"n": 1}, "")
    running.say("begin", {})
    running.say("hello", {"n": 2}, "")
    running.say("begin", {}, "")
    running.say("hello", {"n": 3}, "")
    assert running.hellos == [{"n": 1}]


@pytest.mark.parametrize(
    ("parent", "shown"), [("m0", "m0"), (None, ""), (5, ""), (["m0"], ""), ({}, "")]
)
def test_output_of_another_request_is_published_there(running, parent, shown):
    running.say("display_data", {"data": {}}, parent)
    assert (running.events, running.elsewhere) == ([], [(shown, DisplayData({}))])


def test_a_run_that_has_not_begun_is_read_from_its_start(running):
    running.say("begin", {}, "")
    running.say("hello", {}, "")
    assert running.run.position == 0
    running.say("begin", {})
    assert running.run.position == running.run.demux.position > 0


def test_a_prompt_is_handed_on(running):
    content = {"id": "1", "prompt": "?", "password": True, "file": "/tmp/x"}
    running.say("input_request", content)
    running.say("input_request", {"prompt": "?"})
    assert [(each.prompt, each.password) for each in running.prompts] == [("?", True)]


def test_a_message_of_no_known_kind_is_counted(running):
    running.say("status", {"execution_state": "idle"})
    running.say("shutdown_request", {})
    assert (running.events, running.elsewhere, running.run.demux.broken) == ([], [], 2)


def test_the_log_does_not_grow_with_what_cannot_be_used(running, caplog):
    for _ in range(1000):
        running.say("status", {})
        running.run.on_event(Stream("stdout", frame("j", "{")))
    assert running.run.demux.broken == 2000
    assert len(caplog.records) <= 20


def test_a_cells_header_is_one_line_of_json_before_the_code():
    cell = Cell("é\n'''", request="m1", count=3, missed=((1, "%fs ls"),), typed="all")
    line, _, code = cell.text(NONCE).partition("\n")
    assert code == cell.code
    header = json.loads(line.removeprefix(MARK + NONCE))
    assert (header["id"], header["n"], header["missed"]) == ("m1", 3, [[1, "%fs ls"]])
    assert line.isascii()


kinds = st.sampled_from(
    ["stream", "display_data", "error", "reply", "hello", "begin", "input_request", "comm_msg"]
)


@few
@given(st.lists(st.tuples(kinds | json_values, json_values, json_values), max_size=10))
def test_no_message_raises_out_of_a_run(messages):
    running = Running()
    for kind, content, parent in messages:
        running.say(kind, content, parent)
    running.say("reply", OK)
    assert running.run.reply is not None
