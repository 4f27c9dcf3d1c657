import asyncio
import contextlib
from dataclasses import replace

import pytest

from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.contexts import Bound
from agentbay_kernel.errors import NotSupported, ProviderError, SessionGone, SyncError, UsageError
from agentbay_kernel.identity import Identity
from agentbay_kernel.ledger import Ledger
from agentbay_kernel.session import Mount
from agentbay_kernel.sessions import SessionManager, State
from tests.contexts import FakeMounts
from tests.fakes import FakeProvider, FakeSession


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


class NoGuardian:
    def __init__(self):
        self.words = []

    def __getattr__(self, word):
        return lambda *args, **kwargs: self.words.append(word)


@pytest.fixture
def provider():
    return FakeProvider()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def make(provider, clock, tmp_path, monkeypatch):
    monkeypatch.setattr("agentbay_kernel.sessions.Guardian", NoGuardian)
    made = []

    def make(key="k", **options):
        manager = SessionManager(
            AgentBayOptions(**options),
            Identity(kernel_id=key),
            lambda _: provider,
            Ledger(tmp_path / "ledger"),
            warn=lambda text: warnings.append(text),
            clock=clock,
        )
        warnings = manager.warnings = []
        made.append(manager)
        return manager

    yield make
    for manager in made:
        await manager.detach()


async def test_nothing_is_created_before_it_is_needed(make, provider):
    assert make().state is State.NONE
    assert provider.specs == []


async def test_two_waiters_get_one_session(make, provider):
    manager = make()
    first, second = await asyncio.gather(manager.ensure(), manager.ensure())
    assert first is second
    assert len(provider.specs) == 1


async def test_a_cancelled_wait_leaves_the_session_starting(make, provider):
    provider.gate = asyncio.Event()
    manager = make()
    waiting = asyncio.ensure_future(manager.ensure())
    while not provider.specs:
        await asyncio.sleep(0)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    assert manager.state is State.STARTING
    provider.gate.set()
    assert (await manager.ensure()).session_id == "s-1"
    assert len(provider.specs) == 1


async def test_a_new_session_has_the_lives_and_labels_that_were_asked_for(make, provider):
    await make(idle_minutes=7, max_minutes=9).ensure()
    spec = provider.specs[0]
    assert (spec.idle_minutes, spec.max_minutes) == (7, 9)
    assert "agentbay-kernel.id" in spec.labels


async def test_a_failed_start_is_tried_anew_by_the_next_cell(make, provider):
    manager = make()
    provider.make = lambda _: 1 / 0
    with pytest.raises(ZeroDivisionError):
        await manager.ensure()
    provider.make = FakeProvider().make
    assert await manager.ensure()


async def test_after_the_end_the_next_cell_stops_and_the_one_after_starts_anew(make, clock):
    manager = make()
    await manager.ensure()
    clock.now += 60 * 60
    with pytest.raises(SessionGone, match="end of its life"):
        await manager.ensure()
    assert (await manager.ensure()).session_id == "s-2"


async def test_it_is_kept_alive_while_a_cell_runs(make, clock, provider):
    manager = make(keep_alive_minutes=0)
    session = await manager.ensure()
    manager.busy = True
    clock.now += 31 * 60
    await manager.check()
    assert session.kept_alive == 1
    clock.now += 40 * 60
    assert await manager.ensure() is session


async def test_a_paused_session_is_woken_by_the_next_cell(make, clock):
    manager = make()
    session = await manager.ensure()
    session.machine.paused = manager.lifetime.paused = True
    clock.now += 2 * 3600
    assert await manager.ensure() is session
    assert not session.machine.paused
    assert not manager.lifetime.paused
    assert manager.lifetime.refreshed == clock.now


async def test_a_session_that_cannot_be_woken_stays_paused(make):
    manager = make()
    session = await manager.ensure()
    session.machine.error = NotSupported("no")
    manager.lifetime.paused = True
    with pytest.raises(NotSupported):
        await manager.ensure()
    assert manager.lifetime.paused


async def test_it_is_left_to_end_long_after_the_last_activity(make, clock):
    manager = make(keep_alive_minutes=0)
    session = await manager.ensure()
    clock.now += 51 * 60
    await manager.check()
    assert session.kept_alive == 0
    assert "ends in 9 minutes" in manager.warnings[0]


async def gone():
    raise SessionGone("Session s-1 is gone")


async def test_a_session_that_vanished_is_noticed_by_the_keep_alive(make, clock):
    manager = make()
    session = await manager.ensure()
    session.keep_alive = gone
    clock.now += 31 * 60
    await manager.check()
    assert manager.state is State.NONE
    assert "s-1 is gone" in manager.warnings[0]
    with pytest.raises(SessionGone, match="s-1 is gone"):
        await manager.ensure()
    assert (await manager.ensure()).session_id == "s-2"


async def test_a_session_that_vanished_is_not_said_to_who_starts_another(make, clock):
    manager = make()
    session = await manager.ensure()
    session.keep_alive = gone
    clock.now += 31 * 60
    await manager.check()
    assert (await manager.replace(manager.spec())).session_id == "s-2"
    assert await manager.ensure() is manager.session


async def test_a_restarted_kernel_finds_its_session_with_an_empty_namespace(make, provider):
    await make().ensure()
    session = provider.sessions["s-1"]

    def die(_name):
        session.pid += 1

    session.on_signal = die
    again = make()
    assert again.claim()
    assert (await again.ensure()) is session
    assert session.signals == ["KILL"]
    assert again.cleared.proved


async def test_another_kernel_does_not_find_it(make, provider):
    await make("one").ensure()
    other = make("two")
    assert not other.claim()
    assert (await other.ensure()).session_id == "s-2"


async def test_a_changed_key_does_not_touch_the_former_accounts_session(make, provider):
    await make().ensure()
    provider.fingerprint = lambda _salt: "other"
    again = make()
    again.claim()
    assert (await again.ensure()).session_id == "s-2"
    assert provider.sessions["s-1"].deleted == []


async def test_shutdown_deletes_by_default(make, provider):
    manager = make()
    await manager.ensure()
    await manager.close(restart=False)
    assert provider.sessions["s-1"].deleted == [False]


async def test_shutdown_keeps_it_when_asked_to(make, provider):
    manager = make(on_shutdown="keep")
    await manager.ensure()
    await manager.close(restart=False)
    assert provider.sessions["s-1"].deleted == []


async def test_a_restart_keeps_it(make, provider):
    manager = make()
    await manager.ensure()
    await manager.close(restart=True)
    assert provider.sessions["s-1"].deleted == []


async def test_a_found_sessions_life_counts_from_its_creation(make, provider, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 5000.0)
    await make().ensure()
    provider.sessions["s-1"].on_signal = lambda _name: setattr(provider.sessions["s-1"], "pid", 8)
    monkeypatch.setattr("time.time", lambda: 5000.0 + 3600)
    again = make()
    again.claim()
    await again.ensure()
    assert again.lifetime.hard_end == 1000 - 3600 + 480 * 60


async def test_a_mount_that_did_not_come_down_is_said_and_not_uploaded_over(make, provider):
    manager = make()
    session = await mounted(manager, provider)
    assert "no space" in manager.warnings[0]
    for sync in (False, True):
        with pytest.raises(SyncError, match="--force"):
            await manager.delete(sync=sync)
    assert session.deleted == []
    assert session.mounts.started == []
    await manager.delete(sync=True, force=True)
    assert session.deleted == [False]
    assert session.mounts.started == [("upload", "data")]


async def mounted(manager, provider, status="Failed", *, auto=True):
    """A session whose one context came down, or did not."""
    session = FakeSession("s-1")
    bound = Bound("c-1", "data", "/mnt/data", auto)
    session.mounts = FakeMounts(bound)
    session.mounts.set(bound, "download", status, "no space" if status == "Failed" else "")
    provider.make = lambda _id: session
    await manager.ensure(manager.spec(mounts=(Mount("data", "/mnt/data"),)))
    return session


async def test_contexts_are_uploaded_before_the_session_ends(make, provider):
    manager = make()
    session = await mounted(manager, provider, "Success")
    await manager.delete()
    assert session.mounts.started == [("upload", "data")]
    assert session.deleted == [False]


async def test_a_session_whose_upload_fails_is_kept(make, provider):
    manager = make()
    session = await mounted(manager, provider, "Success")
    session.mounts.failing["/mnt/data"] = "disk full"
    with pytest.raises(SyncError, match=r"disk full.*delete --force"):
        await manager.delete()
    assert session.deleted == []
    await manager.delete(force=True)
    assert session.deleted == [False]
    assert "disk full" in manager.warnings[-1]


async def test_what_is_not_uploaded_by_itself_is_told(make, provider):
    manager = make()
    session = await mounted(manager, provider, "Success", auto=False)
    await manager.delete()
    assert session.mounts.started == []
    assert "data at /mnt/data" in manager.warnings[-1]


async def test_why_a_session_was_left_is_told_by_the_next_kernel(make, provider, tmp_path):
    await mounted(make(), provider, "Success")
    ledger = Ledger(tmp_path / "ledger")
    ledger.put(replace(ledger.rows()[0], left="data was not uploaded"))
    provider.sessions["s-1"].on_signal = lambda _name: setattr(provider.sessions["s-1"], "pid", 8)
    again = make()
    again.claim()
    await again.ensure()
    assert again.warnings == ["data was not uploaded"]
    assert ledger.rows()[0].left == ""


async def test_a_context_that_is_mounted_later_is_uploaded_at_the_end(make, provider):
    manager = make()
    session = await manager.ensure()
    session.mounts.bound.append(Bound("c-1", "data", "/mnt/data"))
    manager.mounted()
    await manager.close(restart=False)
    assert session.deleted == []
    assert manager._guardian.words[-1] == "ending"


async def test_a_new_session_that_is_refused_costs_nothing(make, provider):
    manager = make()
    former = await manager.ensure()

    async def refuse(_spec):
        raise ProviderError("No session was created: no such image")

    provider.create = refuse
    with pytest.raises(ProviderError, match="no such image"):
        await manager.replace(manager.spec(image="wrong"))
    assert await manager.ensure() is former
    assert not former.deleted


async def test_the_former_session_ends_when_the_new_one_is_there(make, provider):
    manager = make()
    former = await manager.ensure()
    session = await manager.replace(manager.spec())
    assert former.deleted
    assert await manager.ensure() is session


async def test_a_session_chosen_while_a_new_one_is_made_is_kept(make, provider):
    manager = make()
    await manager.ensure()
    theirs = provider.sessions["s-9"] = FakeSession("s-9")
    provider.gate = asyncio.Event()
    replacing = asyncio.ensure_future(manager.replace(manager.spec()))
    while len(provider.specs) < 2:
        await asyncio.sleep(0)
    await manager.attach("s-9")
    provider.gate.set()
    with pytest.raises(UsageError, match="chosen meanwhile"):
        await replacing
    assert await manager.ensure() is theirs
    assert not theirs.deleted
    assert provider.sessions["s-2"].deleted


async def test_nothing_is_attached_while_a_session_starts(make, provider):
    manager = make()
    provider.sessions["s-9"] = FakeSession("s-9")
    provider.gate = asyncio.Event()
    starting = asyncio.ensure_future(manager.ensure())
    while not provider.specs:
        await asyncio.sleep(0)
    with pytest.raises(UsageError, match="is starting"):
        await manager.attach("s-9")
    provider.gate.set()
    assert (await starting).session_id == "s-1"


async def test_a_deletion_that_takes_long_forgets_no_session_made_meanwhile(make, provider):
    manager = make()
    former, going = await manager.ensure(), asyncio.Event()

    async def delete(*, sync=False):
        former.deleted.append(sync)
        if len(former.deleted) == 1:
            await going.wait()

    former.delete = delete
    deleting = asyncio.ensure_future(manager.delete())
    while not former.deleted:
        await asyncio.sleep(0)
    session = await manager.replace(manager.spec())
    going.set()
    await deleting
    assert await manager.ensure() is session
