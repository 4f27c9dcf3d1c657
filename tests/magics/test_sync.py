"""`%sync` on a kernel in memory: what is refused, asked, shown and completed."""

import pytest

from agentbay_kernel.contexts import Bound
from agentbay_kernel.errors import ContextGone, SyncError, UsageError
from tests.contexts import FakeContexts, FakeMounts
from tests.magics.acting import Acting, FakeManager

DATA = Bound("c-data", "data", "/mnt/data")
LOGS = Bound("c-logs", "logs", "/mnt/logs", auto_upload=False)


class Manager(FakeManager):
    at_hand = True
    marked = 0

    def spec(self, **given):
        return given

    async def ensure(self, spec=None):
        self.spec_used = spec
        session = await super().ensure(spec)
        for mount in (spec or {}).get("mounts", ()):
            await session.mounts.add(mount)
        return session

    def mounted(self):
        self.marked += 1


@pytest.fixture
def user():
    user = Acting(Manager())
    user.manager.place.contexts = FakeContexts(data={"a b.txt": 1, "sub/x": 1}, logs={}, old={})
    user.manager.session.mounts = FakeMounts(DATA, LOGS)
    return user


@pytest.fixture
def mounts(user):
    return user.manager.session.mounts


@pytest.mark.parametrize(
    "line",
    [
        "%sync nonsense",
        "%sync contexts --limit 0",
        "%sync contexts --page 9",
        "%sync create data",
        "%sync rename data",
        "%sync delete data",
        "%sync clear data",
        "%sync mount data relative",
        "%sync mount data /",
        "%sync mount data /mnt/../etc",
        "%sync mount data /mnt/logs",
        "%sync mount '' /mnt/x",
        "%sync mount data /mnt/x --recycle 2",
        "%sync mount data /mnt/x --recycle-path a",
        "%sync mount data /mnt/x --recycle 3 --recycle-path 'a*'",
        "%sync mount data /mnt/x --white 'a*'",
        "%sync mount data /mnt/x --white '(' --regex",
        "%sync mount data /mnt/x --archive-exclude a",
        "%sync mount data /mnt/x --upload-mode zip",
        "%sync up dat",
        "%sync down nothing",
        "%sync status --wach",
        "%sync wait now",
        "%sync files data:sub sub",
        "%sync files data ../up",
        "%sync put nowhere data:",
        "%sync put /etc/hostname data",
        "%sync put /etc/hostname data:../x",
        "%sync put /etc/hostname 'data:a b.txt'",
        "%sync get data:",
        "%sync get data:none",
        "%sync get data:sub",
        "%sync rm 'data:a b.txt'",
        "%sync folder /tmp /x",
        "%sync folder /tmp /x --up --down",
        "%sync folder /nowhere-at-all /x --up",
        "%sync folder /etc/hostname /x --down",
        "%sync folder /tmp /x --up --watch --dry-run",
    ],
)
async def test_bad_words_are_refused_before_anything_is_touched(user, mounts, line):
    stored = {name: dict(files) for name, files in user.manager.place.contexts.files_of.items()}
    with pytest.raises(UsageError):
        await user.do(line)
    assert user.manager.place.contexts.files_of == stored
    assert mounts.started == []
    assert mounts.bound == [DATA, LOGS]


async def test_without_a_session_nothing_is_started_for_a_look(user):
    user.manager.session = None
    assert "No context is mounted" in await user.do("%sync")
    assert await user.value("%sync wait") == []
    assert user.manager.started == 0


async def test_the_table_has_a_row_a_transfer(user, mounts):
    mounts.set(DATA, "download")
    mounts.set(DATA, "upload", "Failed", "disk full")
    text = await user.do("%sync")
    assert "disk full" in text
    assert "Uploaded by %sync up only: logs" in text
    rows = await user.value("%sync")
    assert [(row["name"], row["direction"]) for row in rows] == [
        ("data", "download"),
        ("data", "upload"),
        ("logs", ""),
    ]


async def test_what_is_destroyed_is_named_first(user):
    with pytest.raises(UsageError, match=r"a b\.txt, sub/"):
        await user.do("%sync delete data")
    with pytest.raises(UsageError, match="empty"):
        await user.do("%sync clear logs")
    await user.do("%sync delete data --yes")
    assert "data" not in user.manager.place.contexts.files_of


async def test_a_mistyped_context_gets_the_nearest(user):
    with pytest.raises(ContextGone, match="Did you mean data"):
        await user.do("%sync files dta")


async def test_contexts_are_listed_by_pages(user):
    assert "2 of 3; next: --page 2" in await user.do("%sync contexts --limit 2")
    assert [each["name"] for each in await user.value("%sync contexts --limit 2 --page 2")] == [
        "old"
    ]
    assert len(await user.value("%sync contexts --limit 1 --all")) == 3


async def test_a_context_is_mounted_in_the_session_that_is_there(user, mounts):
    text = await user.do("%sync mount old /mnt/old --no-auto-upload")
    assert mounts.bound[-1] == Bound("c-old", "old", "/mnt/old", auto_upload=False)
    assert "is lost with the session unless %sync up saves it" in text
    assert user.manager.marked == 1


async def test_a_context_starts_a_session_where_there_is_none(user):
    user.manager.session = None
    await user.do("%sync mount old /mnt/old --recycle 3 --upload-mode archive --white src")
    (mount,) = user.manager.spec_used["mounts"]
    assert (mount.policy.keep_days, mount.policy.archive, mount.policy.only) == (3, True, ("src",))


async def test_up_names_what_it_sends(user, mounts):
    text = await user.do("%sync up data")
    assert mounts.started == [("upload", "data")]
    assert "data /mnt/data: upload Success" in text
    await user.do("%sync up")
    assert mounts.started[1:] == [("upload", "data"), ("upload", "logs")]


async def test_what_did_not_come_down_is_not_uploaded_over(user, mounts):
    mounts.set(DATA, "download", "Failed", "no space")
    with pytest.raises(SyncError, match="--force"):
        await user.do("%sync up")
    assert mounts.started == []
    await user.do("%sync up --force")
    assert ("upload", "data") in mounts.started


async def test_down_asks_before_it_replaces_files(user, mounts):
    class Files:
        async def list(self, path):
            return [Entry()]

    class Entry:
        path = "/mnt/data/mine"

    user.manager.session.files = Files()
    with pytest.raises(UsageError, match="mine"):
        await user.do("%sync down data")
    await user.do("%sync down data --yes")
    assert mounts.started == [("download", "data")]


async def test_watching_ends_with_the_last_transfer(user, mounts, monkeypatch):
    monkeypatch.setattr("agentbay_kernel.magics.sync_mounts.WATCH_SECONDS", 0)
    mounts.set(DATA, "upload", "Preparing")
    steps = iter(["Preparing", "Preparing", "Success"])
    states = mounts.states

    async def later():
        mounts.set(DATA, "upload", next(steps))
        return await states()

    mounts.states = later
    await user.do("%sync status --watch")
    assert len(user.events) == 2
    assert user.events[0].display_id == user.events[1].display_id


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("%sync mou", ["mount"]),
        ("%sync files d", ["data"]),
        ("%sync delete o", ["old"]),
        ("%sync up l", ["logs"]),
        ("%sync get data:", ["'data:a b.txt'", "data:sub/"]),
        ("%sync get data:sub/", ["data:sub/x"]),
        ("%sync put x da", ["data:"]),
        ("%sync rm lo", ["logs:"]),
    ],
)
async def test_names_of_contexts_and_of_files_in_them_are_completed(user, line, texts):
    assert sorted(await user.complete(line)) == texts


async def test_completion_starts_nothing(user):
    user.manager.at_hand = False
    user.manager.session = None
    for line in ("%sync files d", "%sync get data:", "%sync up d"):
        assert await user.complete(line) == []
