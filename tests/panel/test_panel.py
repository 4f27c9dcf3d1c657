"""Who sees the panel, and what is asked of the provider meanwhile."""

import asyncio
import time

import pytest

from agentbay_kernel.errors import SessionGone, Unreachable

EVERY = ("header", "labels", "contexts", "meters", "files", "sessions")


async def test_hidden_for_a_minute_it_asks_nothing(user):
    await user.start()
    await user.pass_time(30, *EVERY)
    user.provider.asked.clear()
    await user.pass_time(60)
    assert user.provider.asked.total() == 0
    await user.panel.ended()


async def test_visible_for_a_minute_it_asks_half_a_request_a_second_at_most(user):
    await user.start()
    user.provider.asked.clear()
    await user.pass_time(60, *EVERY)
    assert 10 < user.provider.asked.total() <= 30
    assert user.model.meters["meters"]["cpu"]["part"] == 0.125


async def test_only_what_is_seen_is_asked_for(user):
    await user.start()
    user.provider.asked.clear()
    await user.pass_time(60, "meters")
    assert set(user.provider.asked) == {"metrics"}


async def test_a_view_that_says_nothing_more_counts_as_hidden(user):
    await user.start()
    user.panel.see("v", ["meters"])
    user.clock.now += 46
    assert user.panel.shown() == set()


async def test_of_two_views_each_keeps_its_own_sections_alive(user):
    user.panel.see("one", ["sessions"])
    user.panel.see("two", ["meters", "no such section", 7, None])
    assert user.panel.shown() == {"sessions", "meters"}
    user.panel.see("one", "nonsense")
    assert user.panel.shown() == {"meters"}
    user.panel.see("two", [])


async def test_without_a_session_nothing_is_asked_and_none_is_started(user):
    await user.pass_time(60, "header", "labels", "contexts", "meters", "files")
    assert user.provider.asked.total() == 0
    assert user.provider.specs == []


async def test_a_paused_session_is_left_asleep(user):
    await user.start()
    user.model.manager.lifetime.paused = True
    user.provider.asked.clear()
    await user.pass_time(60, *EVERY)
    assert set(user.provider.asked) == {"sessions"}
    assert "sleeps" in user.model.header["message"]


async def test_one_section_fails_and_the_others_go_on(user):
    await user.start()
    user.session.machine.error = Unreachable("no network", request_id="r-9")
    await user.pass_time(60, *EVERY)
    assert user.model.meters["error"] == {
        "kind": "",
        "message": "no network.",
        "next_step": Unreachable.next_step,
        "request_id": "r-9",
    }
    assert user.model.labels["error"] is None
    assert user.model.labels["labels"] == {}
    user.session.machine.error = None
    await user.pass_time(130, "meters")
    assert user.model.meters["error"] is None


async def test_a_session_that_ended_behind_our_back_is_found_out_and_said_once(user):
    await user.start()
    user.provider.failing = SessionGone("Session s-1 has ended")
    await user.pass_time(30, "header", "meters")
    assert user.model.header["state"] == "ended"
    assert "s-1 has ended" in user.model.header["message"]
    assert len(user.warned) == 1
    assert user.model.meters["meters"] is None


async def test_one_request_that_a_gateway_refuses_ends_no_session(user):
    session = await user.start()
    labels, session.labels = session.labels, refuse
    await user.pass_time(10, "labels")
    assert user.model.header["state"] == "ready"
    assert "does not answer" in user.model.labels["error"]["message"]
    session.labels = labels
    await user.pass_time(130, "labels")
    assert user.model.labels["error"] is None


async def refuse():
    raise SessionGone("The labels: the session does not answer any more (HTTP 404)")


async def test_a_fault_of_ours_in_one_section_stops_no_other(user, caplog):
    session = await user.start()

    async def fail():
        raise OSError("disk")

    session.labels = fail
    await user.pass_time(30, "labels", "meters")
    assert "OSError" in user.model.labels["error"]["message"]
    assert user.provider.asked["metrics"] > 2
    assert "disk" in caplog.text


async def test_what_the_panel_asks_is_known_to_start_the_idle_time_anew(user):
    await user.start()
    lifetime = user.model.manager.lifetime
    lifetime.refreshed -= 600
    await user.pass_time(10, "meters")
    assert lifetime.refreshed == pytest.approx(time.monotonic(), abs=60)


async def test_a_panel_that_is_left_alone_keeps_no_session_alive(user):
    await user.start()
    lifetime = user.model.manager.lifetime
    lifetime.active -= (lifetime.keep_alive + 1) * 60
    await user.pass_time(60, *EVERY)
    assert set(user.provider.asked) <= {"sessions"}
    user.places.touch()
    await user.pass_time(60, *EVERY)
    assert user.provider.asked["metrics"]


async def test_a_view_that_was_closed_is_made_anew(user):
    before = user.panel.view
    before.close()
    after = user.panel.view
    assert after is not before
    assert after is user.panel.view
    await user.start()
    assert after.header["session_id"] == "s-1"
    assert before.header["session_id"] == ""
    after.close()


async def test_after_an_end_the_panel_starts_another(user):
    await user.start()
    user.model.manager.vanished(SessionGone("gone"))
    await user.start()
    assert user.model.header["state"] == "ready"
    assert user.model.header["session_id"] == "s-2"


async def test_what_a_cell_may_have_changed_is_asked_for_after_it(user):
    await user.start()
    await user.pass_time(20, "labels")
    await asyncio.sleep(0.3)
    user.provider.asked.clear()
    user.model.manager.used()
    await asyncio.sleep(0.3)
    await user.pass_time(3, "labels")
    assert user.provider.asked["labels"] == 1


async def test_a_session_that_a_cell_made_beside_is_listed_after_it(user):
    await user.start()
    await user.pass_time(10, "sessions")
    await asyncio.sleep(0.3)
    user.provider.asked.clear()
    await user.places.add("aside").manager.ensure()
    await asyncio.sleep(0.3)
    await user.pass_time(3, "sessions")
    assert user.provider.asked["sessions"] == 1


async def test_states_that_follow_fast_are_told_four_times_a_second_at_most(user):
    heard = []
    stop = user.panel.listen(heard.append)
    for _ in range(100):
        user.model.manager.busy = True
        user.model.manager.busy = False
        await asyncio.sleep(0.005)
    await user.start()
    await asyncio.sleep(0.3)
    assert 1 <= len(heard) <= 4
    assert heard[-1]["state"] == "ready"
    stop()
    user.model.manager.busy = True
    await asyncio.sleep(0.3)
    assert heard[-1]["state"] == "ready"
