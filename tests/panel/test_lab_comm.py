"""The comm of JupyterLab's extension, over a session in memory."""

import asyncio

import pytest

from agentbay_kernel.kernel import lab_comm
from agentbay_kernel.kernel.lab_comm import LabComm


class FakeComm:
    def __init__(self, comm_id="c-1"):
        self.comm_id = comm_id
        self.sent = []
        self.heard = self.left = None
        self.closed = False

    def close(self):
        self.closed = True

    def send(self, data, buffers=None):
        self.sent.append(data)

    def on_msg(self, heard):
        self.heard = heard

    def on_close(self, left):
        self.left = left

    def say(self, data, *buffers):
        self.heard({"content": {"data": data}, "buffers": list(buffers)})

    def replies(self):
        return {each["id"]: each for each in self.sent if each["type"] == "reply"}


@pytest.fixture
def lab(user):
    return LabComm(user.panel)


async def opened(user, lab, version=1, comm_id="c-1"):
    comm = FakeComm(comm_id)
    message = {"content": {"data": {"version": version}}}
    lab_comm.opened(comm, message, asyncio.get_running_loop(), lambda: lab)
    await asyncio.sleep(0.01)
    return comm


async def ask(comm, action, **args):
    number = len(comm.replies()) + 1
    comm.say({"type": "request", "id": number, "action": action, "args": args})
    async with asyncio.timeout(5):
        while number not in comm.replies():
            await asyncio.sleep(0.005)
    return comm.replies()[number]


async def test_a_new_comm_is_told_the_state(user, lab):
    comm = await opened(user, lab)
    assert comm.sent == [{"type": "state", "version": 1, "state": user.model.header}]
    assert comm.sent[0]["state"].keys() == {
        "state", "provider", "session_id", "name", "image", "notebook", "language", "started_at",
        "idle_ends_at", "life_ends_at", "running_since", "message",
        "message_key",
    }  # fmt: skip


async def test_each_comm_hears_of_changes_until_it_is_closed(user, lab):
    one, two = await opened(user, lab), await opened(user, lab, comm_id="c-2")
    two.left({})
    await user.start()
    await asyncio.sleep(0.3)
    assert one.sent[-1]["state"]["state"] == "ready"
    assert len(two.sent) == 1


async def test_actions_are_answered_by_their_numbers(user, lab):
    comm = await opened(user, lab)
    assert (await ask(comm, "start"))["value"] == {"session_id": "s-1"}
    found = await ask(comm, "sessions", limit=5)
    assert found["value"]["rows"][0]["session_id"] == "s-1"
    link = await ask(comm, "link", port=30100)
    assert link["value"]["url"].endswith("/30100/")
    await asyncio.sleep(0.3)
    states = [each for each in comm.sent if each["type"] == "state"]
    assert "secret" not in repr(states)


async def test_a_refusal_says_what_and_what_next(user, lab):
    comm = await opened(user, lab)
    found = await ask(comm, "extend")
    assert found["ok"] is False
    assert found["error"] == {
        "kind": "",
        "message": "There is no session.",
        "next_step": "Start one, or run a cell",
        "request_id": "",
    }


async def test_a_file_that_is_there_is_refused_by_kind(user, lab):
    comm = await opened(user, lab)
    await ask(comm, "start")
    user.session.files.held["/workspace/x.csv"] = b"there"
    found = await ask(comm, "upload", step="begin", path="x.csv", size=4)
    assert (found["ok"], found["error"]["kind"]) == (False, "exists")


async def test_a_fault_of_ours_is_an_answer_too(user, lab, monkeypatch, caplog):
    comm = await opened(user, lab)
    monkeypatch.setattr(user.places, "touch", lambda: 1 / 0)
    found = await ask(comm, "start")
    assert "ZeroDivisionError" in found["error"]["message"]
    assert "failed at start" in caplog.text


@pytest.mark.parametrize("version", [0, 2, "1", None, {}])
async def test_another_version_is_told_so_and_not_answered(user, lab, version):
    comm = await opened(user, lab, version)
    (told,) = comm.sent
    assert "same agentbay-kernel" in told["state"]["message"]
    comm.say({"type": "request", "id": 1, "action": "start", "args": {}})
    await asyncio.sleep(0.02)
    assert len(comm.sent) == 1
    assert user.provider.specs == []


@pytest.mark.parametrize(
    "data", [None, [], {"type": "state"}, {"type": "request"}, {"type": "request", "action": 7}]
)
async def test_what_is_no_request_is_dropped(user, lab, data):
    comm = await opened(user, lab)
    comm.say(data)
    await asyncio.sleep(0.02)
    assert len(comm.sent) == 1


async def test_pages_that_are_gone_make_room_and_are_told(user, lab):
    comms = [await opened(user, lab, comm_id=f"c-{number}") for number in range(20)]
    await user.start()
    await asyncio.sleep(0.3)
    assert [len(comm.sent) > 1 for comm in comms] == [False] * 4 + [True] * 16
    assert [comm.closed for comm in comms] == [True] * 4 + [False] * 16
