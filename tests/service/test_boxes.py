import asyncio
import threading

import pytest

from agentbay_kernel.service import boxes
from tests.service.box import FakeBox
from tests.service.running import wait_for


@pytest.fixture
def eager(start, monkeypatch):
    monkeypatch.setattr(boxes, "SPARE_AFTER", 0)
    return start(spare=True)


def spare(service):
    return wait_for(lambda: service.host._boxes._spare, "a spare sandbox")


def test_the_next_session_takes_the_spare(eager):
    eager.create()
    waiting = spare(eager)
    assert eager.create()["SessionId"] == waiting.session_id
    assert spare(eager) is not waiting


def test_a_spare_is_no_session(eager):
    eager.create()
    spare(eager)
    assert eager.ask("ListSession").json["TotalCount"] == 1


def test_a_session_with_contexts_gets_a_sandbox_of_its_own(eager):
    eager.create()
    waiting = spare(eager)
    context = eager.ask("GetContext", Name="n", AllowCreate="True").json["Data"]["Id"]
    items = f'[{{"ContextId":"{context}","Path":"/mnt/n"}}]'
    assert eager.create(PersistenceDataList=items)["SessionId"] != waiting.session_id


def test_a_spare_that_has_died_is_not_given_away(eager):
    eager.create()
    waiting = spare(eager)
    waiting.box.own_pids = set()
    assert eager.create()["SessionId"] != waiting.session_id


def test_a_spare_that_nobody_takes_is_ended(eager, monkeypatch):
    monkeypatch.setattr(boxes, "SPARE_STAYS", 0)
    eager.create()
    wait_for(lambda: len(eager.boxes) == 2 and eager.boxes[1].closed, "the spare ends")
    wait_for(lambda: not eager.boxes[1].spec.root.exists(), "its folder is removed")


def test_the_service_ends_its_spare(start, monkeypatch, data):
    monkeypatch.setattr(boxes, "SPARE_AFTER", 0)
    service = start(spare=True)
    service.create()
    spare(service)
    service.run(service.host.close())
    assert [box.closed for box in service.boxes] == [True, True]
    assert list((data / "sessions").iterdir()) == []


def test_the_first_session_takes_the_sandbox_that_was_started_with_the_service(eager):
    async def expect():
        eager.host.expect_session()

    eager.run(expect())
    assert eager.create()["SessionId"] == eager.boxes[0].spec.session_id


def test_a_session_waits_for_a_spare_that_is_just_starting(eager, monkeypatch):
    begun, asked = threading.Event(), threading.Event()
    start_box, take = FakeBox.start, eager.host._boxes.take

    async def start_slowly(box):
        begun.set()
        await asyncio.to_thread(asked.wait, 10)
        await start_box(box)

    async def ask():
        asked.set()
        return await take()

    async def expect():
        eager.host.expect_session()

    monkeypatch.setattr(FakeBox, "start", start_slowly)
    eager.run(expect())
    assert begun.wait(10)
    monkeypatch.setattr(FakeBox, "start", start_box)
    monkeypatch.setattr(eager.host._boxes, "take", ask)
    assert eager.create()["SessionId"] == eager.boxes[0].spec.session_id
