import itertools

import pytest

from agentbay_kernel.service.clock import Clock
from agentbay_kernel.service.errors import ApiError, BadParameter, SessionNotFound, WrongState
from agentbay_kernel.service.lifecycle import Lifecycle
from agentbay_kernel.service.state import Query, Sessions, Status


class Time:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def sessions(time):
    return Sessions(Clock(time, time), limit=30, on_change=lambda: None)


def add(sessions, **labels):
    session = sessions.add("code_latest", labels, Lifecycle())
    session.move(Status.RUNNING)
    return session


ALLOWED = {
    ("CREATING", "RUNNING"),
    ("RUNNING", "PAUSING"),
    ("PAUSING", "PAUSED"),
    ("PAUSING", "RUNNING"),
    ("PAUSED", "RESUMING"),
    ("RESUMING", "RUNNING"),
    ("RESUMING", "PAUSED"),
    ("DELETING", "FINISH"),
    *((name, "DELETING") for name in ("CREATING", "RUNNING", "PAUSING", "PAUSED", "RESUMING")),
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(Status, Status)))
def test_only_the_allowed_moves_are_made(sessions, before, after):
    session = add(sessions)
    session.status = before
    if (before, after) in ALLOWED:
        session.move(after)
        assert session.status is after
    else:
        with pytest.raises(WrongState, match=f"{after}.*{before}"):
            session.move(after)
        assert session.status is before


def test_labels_filter_by_all_pairs(sessions):
    both, one = add(sessions, a="1", b="2"), add(sessions, a="1")
    assert sessions.page(Query({"a": "1", "b": "2"})).items == [both]
    assert sessions.page(Query({"a": "1"})).items == [one, both]
    assert sessions.page(Query({"a": "2"})).items == []


def test_status_and_image_filter(sessions):
    paused, running = add(sessions), add(sessions)
    paused.move(Status.PAUSING)
    paused.move(Status.PAUSED)
    assert sessions.page(Query(status="PAUSED")).items == [paused]
    assert sessions.page(Query(status="RUNNING")).items == [running]
    assert sessions.page(Query(image="linux_latest")).items == []


def test_a_session_that_ends_is_no_longer_listed(sessions):
    add(sessions).move(Status.DELETING)
    assert sessions.page(Query()).total == 0


def test_pages_neither_repeat_nor_hide_while_sessions_come_and_go(sessions):
    made = [add(sessions) for _ in range(5)]
    first = sessions.page(Query(limit=2))
    add(sessions)
    sessions.bury(first.items[-1], "deleted")
    second = sessions.page(Query(limit=2, token=first.next_token))
    third = sessions.page(Query(limit=2, token=second.next_token))
    assert first.items + second.items + third.items == made[::-1]
    assert third.next_token == ""


def test_the_last_full_page_has_no_token(sessions):
    add(sessions), add(sessions)
    assert sessions.page(Query(limit=2)).next_token == ""


@pytest.mark.parametrize("token", ["x", "!!", "YWZ0ZXI6MQ=="])
def test_a_token_of_somebody_else_is_refused(sessions, token):
    with pytest.raises(BadParameter, match="NextToken"):
        sessions.page(Query(token=token))


def test_more_sessions_than_allowed_are_refused(time):
    sessions = Sessions(Clock(time, time), limit=1, on_change=lambda: None)
    add(sessions)
    with pytest.raises(ApiError) as refused:
        add(sessions)
    assert refused.value.code == "QuotaExceeded.Session"


def test_a_session_is_due_when_its_idle_time_is_over(sessions, time):
    session = add(sessions)
    time.now += 299
    assert sessions.due() == []
    time.now += 1
    assert sessions.due() == [(session, "idle for 5 minutes")]


def test_a_request_starts_the_idle_time_anew(sessions, time):
    session = add(sessions)
    time.now += 299
    sessions.touch(session)
    time.now += 299
    assert sessions.due() == []
    assert sessions.next_end().at == session.active + 300


def test_a_running_cell_keeps_a_session_until_its_life_time(sessions, time):
    session = add(sessions)
    session.runs = 1
    time.now += 1799
    assert sessions.due() == []
    time.now += 1
    assert [reason for _, reason in sessions.due()] == ["its 30 minutes are over"]


def test_an_ended_session_is_not_found_and_its_reason_is_kept(sessions):
    session = add(sessions)
    sessions.bury(session, "deleted")
    with pytest.raises(SessionNotFound):
        sessions.get(session.id)
    assert sessions.end_reason(session.id) == "deleted"
    assert session.finished.is_set()


def test_only_the_latest_ends_are_remembered(sessions):
    first = add(sessions)
    sessions.bury(first, "deleted")
    for _ in range(256):
        sessions.bury(add(sessions), "deleted")
    assert sessions.end_reason(first.id) is None
