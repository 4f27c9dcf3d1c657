import pytest

from agentbay_kernel.lifetime import Lifetime


@pytest.fixture
def life():
    return Lifetime(created=1000, idle=60, limit=480, keep_alive=60, warn=10)


def test_it_ends_by_idle_time(life):
    assert not life.ended(1000 + 3599)
    assert life.ended(1000 + 3600)


def test_a_refresh_starts_the_idle_time_anew(life):
    life.refresh(1000 + 3000)
    assert not life.ended(1000 + 6000)


def test_no_refresh_moves_the_hard_end(life):
    life.refresh(1000 + 479 * 60)
    assert life.ended(1000 + 480 * 60)


def test_a_refresh_is_due_at_half_of_the_idle_time(life):
    assert not life.refresh_due(1000 + 1799, busy=False)
    assert life.refresh_due(1000 + 1800, busy=False)


def test_no_refresh_is_due_long_after_the_last_activity(life):
    life.refresh(1000 + 3599)
    assert not life.refresh_due(1000 + 5400, busy=False)


def test_a_running_cell_keeps_it_alive_without_activity(life):
    life.refresh(1000 + 3599)
    assert life.refresh_due(1000 + 5400, busy=True)


def test_the_hard_end_is_warned_of_once_even_while_busy(life):
    now = 1000 + 471 * 60
    assert "9 minutes" in life.warning(now, busy=True)
    assert life.warning(now + 1, busy=True) == ""


def test_the_idle_end_is_warned_of_when_it_is_no_longer_kept_alive(life):
    life.refresh(1000 + 3000)
    assert life.warning(1000 + 5000, busy=False) == ""
    assert "10 minutes" in life.warning(1000 + 6000, busy=False)


def test_activity_makes_the_idle_warning_possible_again(life):
    life.refresh(1000 + 3000)
    assert life.warning(1000 + 6100, busy=False)
    life.touch(1000 + 6200)
    life.refresh(1000 + 9700)
    assert life.warning(1000 + 9700 + 51 * 60, busy=False)


def test_the_next_check_is_never_later_than_a_minute(life):
    assert life.next_check(1000) == 60
    assert life.next_check(1000 + 1798) == 2


def test_a_paused_session_is_not_idle_and_left_alone(life):
    life.paused = True
    assert not life.ended(1000 + 7200)
    assert not life.refresh_due(1000 + 7200, busy=True)
    assert life.warning(1000 + 7200, busy=False) == ""
    assert life.ended(1000 + 480 * 60)
