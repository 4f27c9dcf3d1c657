"""Following uploads and downloads to their end."""

import pytest

from agentbay_kernel import syncing
from agentbay_kernel.contexts import Bound
from agentbay_kernel.errors import SyncError
from tests.contexts import FakeMounts

DATA = Bound("c-1", "data", "/mnt/data")
LOGS = Bound("c-2", "logs", "/mnt/logs")


class Slow(FakeMounts):
    """Gives the former course once more, then runs for some questions."""

    def __init__(self, *bound, questions=3):
        super().__init__(*bound)
        self.left = []
        self.questions = questions

    async def start(self, direction, bound=None):
        self.started.append((direction, bound.name))
        wait = [("", "")] + [("Preparing", "")] * self.questions
        self.left += [(bound, direction, *each) for each in [*wait, ("Success", "")]]

    async def states(self):
        if self.left and (step := self.left.pop(0))[2]:
            self.set(*step)
        return await super().states()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(syncing, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def heard():
    return []


async def test_a_transfer_is_followed_to_its_end(heard):
    mounts = Slow(DATA)
    mounts.set(DATA, "upload", "Failed", "the last time")
    await syncing.transfer(mounts, "upload", [DATA], progress=heard.append)
    assert [each.status for each in heard] == ["Preparing", "Success"]


async def test_only_what_was_asked_for_is_sent_and_told(heard):
    mounts = FakeMounts(DATA, LOGS)
    mounts.set(LOGS, "upload", "Failed", "before")
    mounts.set(DATA, "download", "Failed", "at the start")
    await syncing.transfer(mounts, "upload", [DATA], progress=heard.append)
    assert mounts.started == [("upload", "data")]
    assert [each.path for each in heard] == ["/mnt/data"]


async def test_a_failure_names_context_path_and_reason():
    mounts = FakeMounts(DATA, LOGS)
    mounts.failing["/mnt/logs"] = "disk full"
    with pytest.raises(SyncError, match=r"logs /mnt/logs: disk full.*session is kept"):
        await syncing.transfer(mounts, "upload")


async def test_waiting_for_an_end_that_does_not_come_is_given_up_and_told():
    mounts = Slow(DATA, questions=200)
    with pytest.raises(SyncError, match=r"has not ended in 150 questions.*goes on"):
        await syncing.transfer(mounts, "upload", [DATA])


async def test_a_context_without_any_download_has_arrived():
    assert await syncing.arrived(FakeMounts(DATA), DATA) == []


async def test_settled_waits_for_what_runs_and_tells_its_failure(heard):
    mounts = FakeMounts(DATA)
    mounts.set(DATA, "upload", "Preparing")
    answers = [("Preparing", ""), ("Failed", "disk full")]

    class Failing(FakeMounts):
        async def states(self):
            if answers:
                self.set(DATA, "upload", *answers.pop(0))
            return await super().states()

    with pytest.raises(SyncError, match="disk full"):
        await syncing.settled(Failing(DATA), progress=heard.append)
    assert [each.status for each in heard] == ["Preparing", "Failed"]


async def test_settled_is_quiet_about_what_had_ended(heard):
    mounts = FakeMounts(DATA)
    mounts.set(DATA, "upload", "Failed", "long ago")
    await syncing.settled(mounts, progress=heard.append)
    assert heard == []


def test_an_upload_makes_a_folder_good_that_did_not_come_down():
    mounts = FakeMounts(DATA)
    mounts.set(DATA, "download", "Failed", "x")
    assert syncing.undownloaded(mounts.course.values()) == {("c-1", "/mnt/data")}
    mounts.set(DATA, "upload")
    assert syncing.undownloaded(mounts.course.values()) == set()
