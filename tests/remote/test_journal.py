"""The ring of what a run has written, and reading it by position."""

from __future__ import annotations

import sys
import threading
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbay_kernel.remote.journal import BLOCK, LIMIT, Journal
from tests.properties import some


def written(*texts, limit=LIMIT):
    journal = Journal(limit)
    journal.begin("m1")
    for text in texts:
        journal.append(text)
    return journal


def all_of(journal, position=0, size=1 << 18):
    """Everything from a position, read piece by piece."""
    found, start = [], position
    while position < journal.end:
        first, text = journal.read(position, size)
        start = first if not found else start
        assert text
        found.append(text)
        position = first + len(text)
    return start, "".join(found)


@some
@given(
    st.lists(st.tuples(st.sampled_from("abé\U0001f600"), st.integers(0, 2 * BLOCK)), max_size=8),
    st.floats(0, 1),
    st.integers(1000, 3 * BLOCK),
)
def test_any_part_can_be_read_across_pieces(pieces, share, size):
    texts = [letter * length for letter, length in pieces]
    journal, whole = written(*texts), "".join(texts)
    position = int(len(whole) * share)
    assert journal.end == len(whole)
    assert all_of(journal, position, size) == (position, whole[position:])


def test_the_ring_is_of_64_megabytes():
    assert LIMIT == 64 << 20


def test_the_oldest_goes_above_the_limit_and_the_position_says_so():
    limit = 4 * BLOCK
    journal = written(*(f"{number:07d}\n" for number in range(80_000)), limit=limit)
    assert limit - BLOCK < journal.end - journal.start < limit + BLOCK
    start, text = all_of(journal)
    assert start == journal.start
    assert text == "".join(f"{number:07d}\n" for number in range(80_000))[start:]


def test_a_text_above_the_limit_leaves_nothing_but_is_counted():
    journal = written("x" * (3 * BLOCK), limit=BLOCK)
    assert (journal.start, journal.end) == (3 * BLOCK, 3 * BLOCK)
    assert journal.read(0, 10) == (3 * BLOCK, "")
    journal.append("more")
    assert journal.read(0, 10) == (3 * BLOCK, "more")


def test_what_has_arrived_goes():
    journal = written(*["x" * BLOCK] * 3)
    journal.forget(2 * BLOCK + 5)
    journal.append("y" * BLOCK)
    assert journal.start == 2 * BLOCK
    assert all_of(journal, 2 * BLOCK + 5)[1] == "x" * (BLOCK - 5) + "y" * BLOCK


def test_a_new_run_starts_anew():
    journal = written("x" * (2 * BLOCK))
    journal.forget(BLOCK)
    journal.complete = True
    journal.begin("m2")
    journal.append("y")
    assert (journal.run, journal.complete, journal.start, journal.end) == ("m2", False, 0, 1)
    assert journal.read(0, 10) == (0, "y")


def test_reading_gives_no_more_than_was_asked_for():
    journal = written(*["abc"] * (BLOCK // 2))
    assert journal.read(5, 7) == (5, "cabcabc")


@pytest.mark.parametrize("position", [-5, 0, 3, 4, 10**9])
def test_a_position_that_is_not_there_does_no_harm(position):
    first, text = written("abc").read(position, 10)
    assert (first, text) == (max(0, position), "abc"[max(0, position) :])


def test_many_small_texts_take_no_more_memory_than_their_characters():
    tracemalloc.start()
    try:
        journal = written(*(f"{number:09d}\n" for number in range(100_000)))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert journal.end == 1_000_000
    assert held < 1_800_000


def test_reading_while_another_thread_writes_gives_what_was_written():
    journal, ended = written(), threading.Event()
    former = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def write():
        for number in range(60_000):
            journal.append(f"{number:07d}\n")
        ended.set()

    thread = threading.Thread(target=write)
    thread.start()
    found, position = [], 0
    try:
        while not (ended.is_set() and position == journal.end):
            first, text = journal.read(position, 50_000)
            assert first == position
            found.append(text)
            position += len(text)
            journal.forget(position)
    finally:
        sys.setswitchinterval(former)
        thread.join()
    assert "".join(found) == "".join(f"{number:07d}\n" for number in range(60_000))
