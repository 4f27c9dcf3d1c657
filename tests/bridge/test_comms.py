"""Which comms a session may open, use and close."""

from __future__ import annotations

import tracemalloc

import pytest

from agentbay_kernel.bridge.comms import LONGEST_NAME, MOST, Comms
from agentbay_kernel.events import CommMessage, Stream


@pytest.fixture
def comms():
    return Comms(lambda comm_id: comm_id == "local")


def opening(comm_id, target="t"):
    return CommMessage("comm_open", comm_id, {}, target)


def test_a_comm_is_open_from_its_opening_to_its_end(comms):
    message, close = CommMessage("comm_msg", "a", {}), CommMessage("comm_close", "a", {})
    assert not comms.admit(message)
    assert comms.admit(opening("a"))
    assert comms.admit(message)
    assert (comms.open_ones, "a" in comms) == ({"a": "t"}, True)
    assert comms.admit(close)
    assert comms.open_ones == {}
    assert not comms.admit(message)


@pytest.mark.parametrize("kind", ["comm_open", "comm_msg", "comm_close"])
def test_a_comm_of_the_kernels_process_is_not_the_sessions(comms, kind):
    assert not comms.admit(CommMessage(kind, "local", {}, "t"))
    assert comms.open_ones == {}


@pytest.mark.parametrize(
    ("target", "passes"),
    [
        ("agentbay", False),
        ("agentbay.panel", False),
        ("jupyter.widget.control", False),
        ("jupyter.widget", True),
        ("agentbay_mine", True),
        ("", True),
    ],
)
def test_targets_of_the_kernel_are_reserved(comms, target, passes):
    assert comms.admit(opening("a", target)) is passes


def test_an_output_is_no_business_of_the_comms(comms):
    assert comms.admit(Stream("stdout", "x"))


def test_a_comm_that_the_front_end_opened_is_the_sessions_until_it_closes_it(comms):
    comms.opened_by_front_end("a", "t")
    assert comms.admit(CommMessage("comm_msg", "a", {}))
    comms.closed_by_front_end("a")
    assert not comms.admit(CommMessage("comm_msg", "a", {}))


def test_an_interpreters_end_closes_all(comms):
    comms.admit(opening("a"))
    comms.admit(opening("b"))
    assert comms.close_all() == [CommMessage("comm_close", each, {}) for each in "ab"]
    assert comms.open_ones == {}


def test_any_number_of_openings_keeps_a_bounded_number_open(comms, caplog):
    passed = sum(comms.admit(opening(f"{number}")) for number in range(MOST))
    tracemalloc.start()
    try:
        for number in range(10_000):
            assert not comms.admit(opening(f"more-{number}"))
        assert tracemalloc.get_traced_memory()[1] < 1 << 16
    finally:
        tracemalloc.stop()
    assert passed == len(comms.open_ones) == MOST
    assert len(caplog.records) == 1


def test_a_place_that_became_free_can_be_taken(comms):
    for number in range(MOST):
        comms.admit(opening(f"{number}"))
    assert not comms.admit(opening("more"))
    comms.admit(CommMessage("comm_close", "0", {}))
    assert comms.admit(opening("more"))


def test_names_have_a_length(comms):
    assert comms.admit(opening("a" * LONGEST_NAME, "t" * LONGEST_NAME))
    assert not comms.admit(opening("a" * (LONGEST_NAME + 1)))
    assert not comms.admit(opening("b", "t" * (LONGEST_NAME + 1)))
