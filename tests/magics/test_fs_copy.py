"""The progress that %fs put and get show."""

import pytest

from agentbay_kernel.events import DisplayData, UpdateDisplayData
from agentbay_kernel.magics import fs_copy
from agentbay_kernel.magics.registry import Context


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(fs_copy.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def shown():
    return []


@pytest.fixture
def bar(clock, shown):
    return fs_copy.Bar(Context(None, shown.append, {}.__setitem__), "put")


def test_a_short_copy_shows_no_bar(bar, clock, shown):
    bar(0, 100)
    clock[0] += 0.4
    bar(100, 100)
    bar.end()
    assert shown == []


def test_a_bar_is_one_display_with_rate_and_rest(bar, clock, shown):
    bar(0, 10_000_000)
    for done in (2_000_000, 2_100_000, 4_000_000):
        clock[0] += 1 if done != 2_100_000 else 0.1
        bar(done, 10_000_000)
    bar.end()
    assert [type(event) for event in shown] == [DisplayData, *[UpdateDisplayData] * 2]
    assert len({event.display_id for event in shown}) == 1
    assert "20%" in shown[0].data["text/plain"]
    assert "2.00MB/s" in shown[0].data["text/plain"]
    assert "00:04" in shown[0].data["text/plain"]
    assert shown[0].data["text/html"] == (
        '<progress value="2000000" max="10000000"></progress> '
        "<code>put 20% 2.00M/10.0M [00:01&lt;00:04, 2.00MB/s]</code>"
    )


def test_what_was_there_before_is_no_part_of_the_rate(bar, clock, shown):
    bar(8_000_000, 10_000_000)
    clock[0] += 1
    bar(9_000_000, 10_000_000)
    assert "1.00MB/s" in shown[0].data["text/plain"]


def test_nothing_to_copy_shows_no_bar(bar, clock, shown):
    clock[0] += 10
    bar(100, 100)
    bar.end()
    assert shown == []
