"""Where messages and text leave: a run's stream, or between two runs the control channel."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agentbay_kernel.remote.journal import LIMIT
from agentbay_kernel.remote.outbox import Late, Outbox
from agentbay_kernel.remote.parents import Parents, make
from tests.bridge.framing import NONCE, Hooks, read

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def hooks():
    return Hooks()


def test_text_and_messages_are_one_stream_in_order(hooks):
    hooks.box.text("stdout", "a")
    hooks.box.emit("display_data", {"n": 1})
    hooks.box.text("stderr", "b")
    hooks.box.text("stdout", "c")
    seen = read(hooks.stream).seen
    message = {"t": "display_data", "c": {"n": 1}, "p": "m1"}
    assert seen == [("stdout", "a"), ("message", message), ("stderr", "b"), ("stdout", "c")]


def test_the_journal_holds_what_the_stream_got(hooks):
    for number in range(50):
        hooks.box.text("stdout", "x" * number * 2000)
        hooks.box.emit("display_data", {"n": number})
    assert hooks.box.journal.read(0, 1 << 30) == (0, hooks.stream)


def test_a_write_returns_what_a_stream_returns(hooks):
    assert [hooks.box.text(name, "abc") for name in ("stdout", "stderr")] == [3, 3]


def test_what_is_no_text_is_the_streams_own_error(hooks):
    with pytest.raises(TypeError):
        hooks.box.text("stdout", 5)


def test_a_plain_run_writes_to_the_streams_themselves(hooks):
    hooks.box.plain = True
    before = hooks.stream
    hooks.box.text("stdout", "a")
    hooks.box.text("stderr", "b")
    assert (hooks.stream, hooks.err.getvalue()) == (before + "a", "b")


def test_text_of_an_earlier_request_comes_under_that_request(hooks):
    hooks.parents.set(make("m0", "execute_request"))
    hooks.box.text("stdout", "late")
    content = {"name": "stdout", "text": "late"}
    assert read(hooks.stream).messages == [{"t": "stream", "c": content, "p": "m0"}]


def test_metadata_and_buffers_travel_beside_the_content(hooks):
    hooks.box.emit("comm_msg", {}, metadata={"a": 1}, buffers=[b"\0\xff", memoryview(b"x")])
    (message,) = read(hooks.stream).messages
    assert (message["m"], message["b"]) == ({"a": 1}, ["AP8=", "eA=="])


def test_a_message_that_cannot_be_encoded_is_the_senders_error_also_between_runs(hooks):
    with pytest.raises(TypeError):
        hooks.box.emit("display_data", {"data": object()})
    hooks.box.end()
    with pytest.raises(TypeError):
        hooks.box.emit("display_data", {"data": object()})


def test_between_runs_a_message_leaves_as_it_was_when_it_was_sent(hooks):
    kept, data = [], {"values": [1]}
    hooks.box.aside = kept.append
    hooks.box.end()
    hooks.box.emit("comm_msg", data)
    data["values"].append(2)
    assert kept == [{"t": "comm_msg", "c": {"values": [1]}, "p": "m1"}]


class Nested(io.StringIO):
    """A stream during whose writes something else writes, as a signal's handler does."""

    def __init__(self):
        super().__init__(newline="")
        self.during = []

    def write(self, text):
        if self.during:
            self.during.pop()()
        return super().write(text)


def test_what_is_written_during_a_write_comes_after_it_in_stream_and_journal():
    out, parents = Nested(), Parents()
    box = Outbox(NONCE, out, io.StringIO(), parents)
    parent = make("m1", "execute_request")
    parents.set(parent)
    box.begin(parent)
    out.during = [lambda: box.text("stdout", "inner"), lambda: box.emit("display_data", {})]
    box.text("stdout", "outer")
    box.text("stdout", "next")
    reader = read(out.getvalue(), (5,))
    assert box.journal.read(0, 1 << 20) == (0, out.getvalue())
    assert reader.text() == "outerinnernext"
    assert reader.demux.position == box.journal.end


def test_a_stream_that_refuses_text_does_not_shift_the_positions(hooks):
    def refuse(text):
        raise ValueError("closed")

    former, hooks.box._write = hooks.box._write, refuse
    with pytest.raises(ValueError, match="closed"):
        hooks.box.text("stdout", "lost")
    hooks.box._write = former
    hooks.box.text("stdout", "kept")
    assert hooks.box.journal.read(0, 1 << 20) == (0, hooks.stream)


FORK = """
import os
from tests.bridge.framing import Hooks
hooks = Hooks()
before = len(hooks.stream)
if os.fork() == 0:
    hooks.box.emit("display_data", {})
    hooks.box.text("stdout", "child")
    hooks.box.text("stderr", "err")
    os.write(1, (hooks.stream[before:] + hooks.err.getvalue()).encode())
    os._exit(0)
os.wait()
"""


def test_a_forked_child_writes_text_but_no_frames():
    ended = subprocess.run([sys.executable, "-c", FORK], cwd=ROOT, capture_output=True, timeout=60)
    assert (ended.stdout, ended.stderr) == (b"childerr", b"")


def test_a_handler_of_a_signal_may_write_while_the_cell_does(hooks):
    count = [0]

    def ring(signum, frame):
        count[0] += 1
        hooks.box.text("stdout", "!")
        hooks.box.emit("display_data", {})

    former = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.0005, 0.0005)
    deadline = time.monotonic() + 20
    try:
        while count[0] < 50 and time.monotonic() < deadline:
            hooks.box.text("stdout", "x" * 100)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, former)
    assert count[0] >= 50
    reader = read(hooks.stream)
    assert (reader.text().count("!"), len(reader.messages)) == (count[0], count[0])
    assert hooks.box.journal.read(0, 1 << 30) == (0, hooks.stream)


def stream(text, name="stdout", parent="m1"):
    return {"t": "stream", "c": {"name": name, "text": text}, "p": parent}


def test_late_text_of_one_stream_and_request_is_joined():
    late = Late()
    other = {"t": "clear_output", "c": {}, "p": "m1"}
    for message in (
        stream("a"), stream("b"), stream("c", "stderr"),
        stream("d", parent="m2"), other, stream("e"),
    ):  # fmt: skip
        late.add(message)
    whole = [stream("ab"), stream("c", "stderr"), stream("d", parent="m2"), other, stream("e")]
    assert late.take() == [dict(each, s=number) for number, each in enumerate(whole, 1)]
    assert late.take() == []


def test_late_messages_are_kept_up_to_a_limit_and_the_rest_is_said():
    late = Late(limit=100)
    for _ in range(30):
        late.add(stream("x" * 10))
    kept, said = late.take()
    assert kept == stream("x" * 100) | {"s": 1}
    assert (said["c"]["name"], "200 characters" in said["c"]["text"]) == ("stderr", True)


def test_late_messages_are_given_again_to_a_kernel_that_may_not_have_them():
    late = Late()
    for number in range(4):
        late.add({"t": "comm_msg", "c": {"n": number}, "p": ""})
    first = late.take()
    late.forget(2)
    late.repeat()
    late.add({"t": "comm_msg", "c": {"n": 4}, "p": ""})
    assert late.take() == [*first[2:], {"t": "comm_msg", "c": {"n": 4}, "p": "", "s": 5}]
    assert late.take() == []


def test_what_the_kernel_has_makes_room():
    late = Late(limit=100)
    late.add(stream("x" * 100))
    late.take()
    late.add(stream("y"))
    assert "1 characters" in late.take()[0]["c"]["text"]
    late.forget(2)
    late.add(stream("z" * 100))
    assert [each["c"]["text"] for each in late.take()] == ["z" * 100]


def test_buffers_count_as_much_as_text():
    late = Late(limit=10_000)
    for number in range(10):
        late.add({"t": "comm_msg", "c": {"n": number}, "p": "", "b": ["A" * 4000]})
    assert len([each for each in late.take() if each["t"] == "comm_msg"]) == 2


def test_a_heavy_message_between_two_cells_is_kept():
    late = Late()
    late.add({"t": "comm_msg", "c": {"data": "x" * (LIMIT // 4)}, "p": ""})
    assert [each["t"] for each in late.take()] == ["comm_msg"]


def test_much_late_text_is_joined_in_linear_time():
    late = Late()
    for _ in range(200_000):
        late.add(stream("0123456789"))
    assert len(late.take()[0]["c"]["text"]) == 2_000_000
