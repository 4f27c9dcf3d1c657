"""Frames and text come out as they went in, wherever the stream was cut and whatever is in it."""

from __future__ import annotations

import base64
import json
import threading
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbay_kernel.bridge import demux
from agentbay_kernel.remote import frames
from tests.bridge.framing import NONCE, Hooks, Reader, cut, frame, read
from tests.properties import few, json_values, some

MARK = frames.MARK + NONCE
# What looks like a frame, or breaks a reader that scans for one, and is text all the same.
HOSTILE = (
    "`", "`#", "`#~", MARK, MARK[:-1], f"{MARK}j", f"{MARK}jzz,0;", f"{MARK}j-1,0;{{}}\n",
    f"{MARK}j2;{{}}\n", f"{MARK}j2,;{{}}\n", f"{MARK};", f"{MARK}j200000,0;",
    f"{MARK}j0x2,0;{{}}\n",
    f"{MARK}j\u0662,0;{{}}\n", f"{MARK}j 2,0;{{}}\n", f"{MARK}j2,-1;{{}}\n",
    f"{MARK}j{'0' * 30},0;", f"{MARK}j2,0;{{}}x", frame("j", "{}", nonce="f" * 12),
    "\x1b[31mred\x1b[0m", "\r", "\r\n", "\n", "\0", "\ud800", "\x85", "é", "\U0001f600", "x" * 5000,
)  # fmt: skip
texts = st.lists(st.text(max_size=8) | st.sampled_from(HOSTILE), max_size=4).map("".join)
writes = st.one_of(
    st.tuples(st.just("stdout"), texts),
    st.tuples(st.just("stderr"), texts),
    st.tuples(st.just("message"), texts),
)
cuts = st.lists(st.integers(1, 60), min_size=1, max_size=6) | st.just([1]) | st.just([1 << 20])


def write(hooks, kind, text):
    if kind == "message":
        hooks.box.emit("display_data", {"data": {"text/plain": text}})
    else:
        hooks.box.text(kind, text)


def written(pairs):
    """What a reader is to see of these writes."""
    expected = Reader()
    for kind, text in pairs:
        text = text.replace("\ud800", "\ufffd")
        if kind == "message":
            content = {"data": {"text/plain": text}}
            expected._message({"t": "display_data", "c": content, "p": "m1"})
        elif text:
            expected._text(kind, text)
    return expected.seen


def without_returns(seen):
    found = [(kind, str(each).replace("\r", "").replace("\\r", "")) for kind, each in seen]
    return [each for each in found if each[1]]


@some
@given(st.lists(writes, max_size=12), cuts)
def test_nothing_is_lost_or_reordered_wherever_the_stream_is_cut(pairs, sizes):
    hooks = Hooks()
    for kind, text in pairs:
        write(hooks, kind, text)
    assert read(hooks.stream, sizes).seen == written(pairs)


@some
@given(st.lists(writes, max_size=12), cuts)
def test_the_position_is_always_the_journals(pairs, sizes):
    hooks, reader = Hooks(), Reader()
    fed = 0
    for kind, text in pairs:
        write(hooks, kind, text)
        for chunk in cut(hooks.stream[fed:], sizes):
            reader.demux.feed(chunk)
            fed += len(chunk)
            assert reader.demux.position == fed
        assert reader.demux.position == hooks.box.journal.end


@some
@given(st.lists(writes, max_size=12), cuts, st.integers(0, 400))
def test_the_rest_comes_from_the_journal_after_a_cut(pairs, sizes, lost_after):
    hooks, reader = Hooks(), Reader()
    for kind, text in pairs:
        write(hooks, kind, text)
    for chunk in cut(hooks.stream[:lost_after], sizes):
        reader.demux.feed(chunk)
    start, rest = hooks.box.journal.read(reader.demux.position, 1 << 20)
    assert start == reader.demux.position
    reader.demux.feed(rest)
    reader.demux.end()
    assert reader.seen == written(pairs)


@some
@given(st.lists(writes, max_size=12), cuts)
def test_a_translation_of_newlines_on_the_way_harms_no_frame(pairs, sizes):
    hooks, reader, fed = Hooks(), Reader(), 0
    for kind, text in pairs:
        write(hooks, kind, text)
        for chunk in cut(hooks.stream[fed:].replace("\n", "\r\n"), sizes):
            reader.demux.feed(chunk)
        fed = len(hooks.stream)
        if kind == "message":
            assert reader.demux.position == hooks.box.journal.end
    reader.demux.end()
    assert without_returns(reader.seen) == without_returns(written(pairs))


def test_a_gap_is_skipped_and_positions_go_on_behind_it():
    hooks, reader = Hooks(), Reader()
    hooks.box.text("stdout", "kept ")
    reader.demux.feed(hooks.stream + frame("p", "00000001{}" * 50) + frame("j", "{}" * 50)[:40])
    at = hooks.box.journal.end
    hooks.box.text("stdout", "lost" * 100)
    behind = hooks.box.journal.end
    hooks.box.text("stdout", "after")
    hooks.box.emit("display_data", {})
    reader.demux.skip_to(behind)
    assert reader.demux.position == behind
    reader.demux.feed(hooks.stream[-(hooks.box.journal.end - behind) :])
    assert reader.demux.position == hooks.box.journal.end > at
    assert reader.text() == "kept after"
    assert len(reader.messages) == 1


def test_threads_that_write_at_once_keep_each_its_order():
    hooks = Hooks()

    def work(name):
        for number in range(150):
            hooks.box.text("stdout", f"<{name}{number}>")
            hooks.box.text("stderr", f"<{name}{number}>")
            hooks.box.emit("display_data", {"by": name, "number": number, "pad": "y" * number})
        hooks.box.emit("display_data", {"by": name, "number": 150, "pad": "z" * (2 * frames.PIECE)})

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = read(hooks.stream, (7, 4000, 65536))
    for name in "abcd":
        numbers = [m["c"]["number"] for m in reader.messages if m["c"]["by"] == name]
        assert numbers == list(range(151))
        for stream in ("stdout", "stderr"):
            at = [reader.text(stream).find(f"<{name}{number}>") for number in range(150)]
            assert at == sorted(at)
            assert at[0] >= 0
    assert reader.demux.broken == 0
    assert reader.demux.position == hooks.box.journal.end


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("limit", [frames.LARGE, frames.PIECE, 5 * frames.PIECE, 1 << 20])
@pytest.mark.parametrize("letter", ["x", "dense", "\U0001f600"])
def test_text_around_every_limit_arrives_whole(limit, more, letter):
    noise = base64.b85encode(zlib.compress(str(range(9)).encode()) + bytes(range(256)) * 3).decode()
    unit = letter if letter != "dense" else noise
    text = (unit * (limit // len(unit) + 1))[: limit + more]
    hooks = Hooks()
    hooks.box.text("stdout", text)
    hooks.box.text("stderr", text)
    reader = read(hooks.stream, (4096, 100_000))
    assert reader.text() == text
    assert reader.text("stderr") == text
    assert reader.demux.position == hooks.box.journal.end


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("limit", [frames.PIECE, 2 * frames.PIECE, 1 << 20])
def test_messages_around_every_limit_arrive_whole(limit, more):
    hooks = Hooks()
    around = len(frames.dumps({"t": "x", "c": "", "p": "m1"}))
    hooks.box.emit("x", "y" * (limit + more - around))
    reader = read(hooks.stream, (65536,))
    assert [len(message["c"]) for message in reader.messages] == [limit + more - around]


@pytest.mark.parametrize(("more", "count"), [(-1, 1), (0, 1), (1, 0)])
def test_a_payload_above_the_longest_is_no_frame(more, count):
    payload = json.dumps({"t": "x", "c": ""})
    payload = payload[:-1] + " " * (demux.LONGEST + more - len(payload)) + "}"
    reader = read(frame("j", payload))
    assert len(reader.messages) == count
    assert bool(reader.text()) is not bool(count)


def deflated(data, level=1):
    packer = zlib.compressobj(level, wbits=demux.RAW)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(("more", "kept"), [(-1, True), (0, True), (1, False)])
def test_text_inflates_to_a_limit(more, kept):
    bomb = base64.b64encode(deflated(b"0" * (demux.INFLATED + more), 9)).decode()
    reader = read(frame("z", bomb) + "after")
    assert len(reader.text()) == (demux.INFLATED + more if kept else 0) + len("after")
    assert reader.demux.broken == (not kept)


@pytest.mark.parametrize(("more", "count"), [(0, 1), (1, 0)])
def test_a_message_in_pieces_has_a_largest_size(monkeypatch, more, count):
    monkeypatch.setattr(demux, "LARGEST", 4000 + 4 * demux.PIECE_COST)
    text = json.dumps({"t": "x", "c": ""})
    text = text[:-1] + " " * (4000 + more - len(text)) + "}"
    parts = [text[at : at + 1000] for at in range(0, 3000, 1000)] + [text[3000:]]
    stream = "".join(
        frame(kind, f"00000001{part}") for kind, part in zip("pppq", parts, strict=True)
    )
    reader = read(stream + frame("j", '{"t": "y"}'))
    assert [message["t"] for message in reader.messages] == ["x", "y"][1 - count :]


@pytest.mark.parametrize("size", [0, 1, 2, 100])
def test_pieces_without_an_end_do_not_fill_the_memory(monkeypatch, size):
    monkeypatch.setattr(demux, "LARGEST", 1 << 18)
    reader = Reader()
    tracemalloc.start()
    try:
        for number in range(20_000):
            reader.demux.feed(frame("p", f"{number:08x}" + "é" * size))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20
    reader.demux.feed(frame("j", '{"t": "y"}'))
    assert [message["t"] for message in reader.messages] == ["y"]


def test_heads_without_an_end_do_not_fill_the_memory():
    reader = Reader()
    tracemalloc.start()
    try:
        for _ in range(400):
            reader.demux.feed(f"{MARK}j{demux.LONGEST:x},0;" + "x" * 20_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    seen = sum(len(text) for _, text in reader.seen)
    assert peak - seen < 8 << 20
    assert seen > 6_000_000


def test_a_false_head_costs_no_frame_behind_it():
    hooks = Hooks()
    hooks.box.text("stdout", f"{MARK}jfffff,0;")
    hooks.box.emit("reply", {"status": "ok"})
    reader = read(hooks.stream)
    assert [message["t"] for message in reader.messages] == ["reply"]
    assert reader.text() == f"{MARK}jfffff,0;"


BROKEN = {
    "no JSON": ("j", "{"),
    "no object": ("j", "[1]"),
    "deep": ("j", '{"t":' + "[" * 900 + "]" * 900 + "}"),
    "deeper": ("j", "[" * 100_000),
    "just too deep": ("j", '{"t":' + "[" * 128 + "]" * 128 + "}"),
    "huge integer": ("j", '{"t":' + "9" * 5000 + "}"),
    "no number": ("j", '{"t": NaN}'),
    "infinite": ("j", '{"t": -Infinity}'),
    "not ASCII": ("j", '{"t": "é"}'),
    "no text": ("e", "{}"),
    "no base64": ("z", "***"),
    "no ASCII in base64": ("z", "é"),
    "not deflated": ("z", base64.b64encode(b"plain").decode()),
    "cut": ("z", base64.b64encode(deflated(b"x" * 9999)[:-6]).decode()),
    "checksummed": ("z", base64.b64encode(zlib.compress(b"x" * 9999)).decode()),
    "no UTF-8": ("z", base64.b64encode(deflated(b"\xff\xff")).decode()),
    "short piece": ("q", "123"),
    "lone last piece": ("q", "00000001}"),
    "unknown kind": ("w", "{}"),
    "no kind of ours": ("\n", "{}"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_frame_is_dropped_and_counted_and_nothing_else(kind):
    reader = read("before" + frame(*BROKEN[kind]) + "after" + frame("j", '{"t": "y"}'))
    assert reader.text() == "beforeafter"
    assert [message["t"] for message in reader.messages] == ["y"]
    assert reader.demux.broken == 1


def test_a_message_that_its_taker_chokes_on_does_not_cost_the_next():
    taken = []

    def take(message):
        taken.append(message["t"])
        raise TypeError("unhashable")

    reading = demux.Demux(NONCE, lambda name, text: None, take)
    reading.feed(frame("j", '{"t": 1}') + frame("j", '{"t": 2}'))
    assert taken == [1, 2]


forged = st.builds(
    lambda kind, payload, length, position, end: frame(
        kind, payload, length=length, position=position, end=end
    ),
    st.sampled_from("jpqezx`\n"),
    json_values.map(json.dumps) | st.text(max_size=30) | st.binary().map(lambda b: b.hex()),
    st.none() | st.sampled_from(["0", "1", "7", "fffff", "100000", "100001", "-1", "", "g"]),
    st.sampled_from(["0", "5", "fffffffffffffff", "-5", "", "x"]),
    st.sampled_from(["\n", "\r\n", "\r", "", "x"]),
)


@few
@given(st.lists(forged | texts, max_size=20), cuts)
def test_no_forged_frame_raises_out_of_feed(parts, sizes):
    reader = read("".join(parts), sizes)
    assert reader.demux._held == []


@few
@given(st.lists(forged | texts, max_size=20), cuts)
def test_what_forged_frames_become_does_not_depend_on_the_cuts(parts, sizes):
    stream = "".join(parts).replace("\ud800", "")
    assert read(stream, sizes).seen == read(stream).seen
