"""What a visible panel asks, by a clock of the test's own."""

from itertools import pairwise

import pytest

from agentbay_kernel.panel.schedule import BEATS, LONGEST, Schedule


def follow(schedule, shown, seconds, *, well=True, hurried=()):
    """The sections asked for within some seconds, each with its moment."""
    now, asked = 0.0, []
    while now < seconds:
        for name in hurried:
            schedule.hurry(now, name)
        name, wait = schedule.next(shown, now)
        if name:
            asked.append((now, name))
            schedule.done(name, now, well=well)
        else:
            now += wait
    return asked


def calls(asked):
    return sum(BEATS[name].calls for _, name in asked)


def test_nothing_is_asked_for_what_nobody_sees():
    assert follow(Schedule(), set(), 60) == []


@pytest.mark.parametrize("shown", [set(BEATS), {"meters"}, {"contexts", "labels"}])
@pytest.mark.parametrize("hurried", [(), ("labels", "contexts", "files")])
def test_never_more_than_half_a_request_a_second(shown, hurried):
    asked = follow(Schedule(), shown, 600, hurried=hurried)
    for start in range(0, 540, 7):
        assert calls([each for each in asked if start <= each[0] < start + 60]) <= 30


def test_what_opens_is_filled_at_once():
    asked = follow(Schedule(), set(BEATS), 1)
    assert {name for _, name in asked} == set(BEATS)


def test_each_section_comes_in_its_own_time():
    moments = [now for now, name in follow(Schedule(), set(BEATS), 120) if name == "meters"]
    assert max(b - a for a, b in pairwise(moments)) < 12


def test_no_section_waits_for_ever_behind_those_that_cells_change():
    asked = follow(Schedule(), set(BEATS), 120, hurried=("labels", "contexts", "files"))
    assert {name for _, name in asked} == set(BEATS)


def test_what_fails_is_asked_less_and_less():
    moments = [now for now, _ in follow(Schedule(), {"labels"}, 1000, well=False)]
    pauses = [b - a for a, b in pairwise(moments)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST


def test_a_success_ends_the_backing_off():
    schedule = Schedule()
    for _ in range(5):
        schedule.done("meters", 0.0, well=False)
    schedule.done("meters", 0.0, well=True)
    assert schedule.due["meters"] == BEATS["meters"].every


def test_what_may_have_changed_is_asked_for_at_once():
    schedule = Schedule()
    schedule.done("files", 0.0, well=True)
    assert schedule.next({"files"}, 1.0)[0] == ""
    schedule.hurry(1.0, "files")
    assert schedule.next({"files"}, 1.0)[0] == "files"
