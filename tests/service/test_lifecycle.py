import pytest

from agentbay_kernel.service import lifecycle
from agentbay_kernel.service.errors import BadParameter
from agentbay_kernel.service.lifecycle import Lifecycle


def test_without_a_policy_the_vendors_defaults_hold():
    assert lifecycle.parse({}) == Lifecycle(300, 1800)


def test_a_timeout_beside_a_life_time_is_in_minutes():
    assert lifecycle.parse({"Timeout": "60", "MaxRuntime": "480"}) == Lifecycle(3600, 28800)


def test_a_timeout_alone_is_in_seconds():
    assert lifecycle.parse({"Timeout": "60"}) == Lifecycle(60, 1800)


def test_a_life_time_alone_keeps_the_idle_time():
    assert lifecycle.parse({"MaxRuntime": "10"}) == Lifecycle(300, 600)


def test_manual_release_sets_no_end():
    policy = lifecycle.parse({"ManualRelease": "True", "Timeout": "5"})
    assert policy == Lifecycle(None, None)
    assert lifecycle.end(policy, created=0, active=0, resting=True) is None


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "soon", ""])
def test_a_time_that_is_no_number_above_zero_is_refused(text):
    with pytest.raises(BadParameter, match="Timeout"):
        lifecycle.parse({"Timeout": text})


def test_the_idle_time_counts_from_the_last_request():
    end = lifecycle.end(Lifecycle(300, 1800), created=0, active=100, resting=True)
    assert end == lifecycle.End(400, "idle for 5 minutes")


def test_the_life_time_counts_from_the_creation():
    end = lifecycle.end(Lifecycle(300, 1800), created=0, active=1700, resting=True)
    assert end == lifecycle.End(1800, "its 30 minutes are over")


def test_a_busy_session_is_not_idle():
    end = lifecycle.end(Lifecycle(300, 1800), created=0, active=0, resting=False)
    assert end is not None and end.at == 1800
