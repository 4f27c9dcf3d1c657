"""Which session does what work, what is lost, and that every session ends."""

import asyncio

import pytest

from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.errors import CellTimeout, KernelError, SessionGone, SessionLimit, Unreachable
from agentbay_kernel.ledger import Ledger
from agentbay_kernel.pool.pool import LABEL, MOST_LOSSES, Pool
from agentbay_kernel.session import SessionSpec
from tests.fakes import FakeProvider
from tests.test_sessions import NoGuardian


class Provider(FakeProvider):
    """Refuses the sessions beyond a number of them."""

    most = 99

    async def create(self, spec):
        if len(self.specs) >= self.most:
            raise SessionLimit("No more")
        return await super().create(spec)


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
async def make(provider, tmp_path, monkeypatch):
    guardians = []

    class Noted(NoGuardian):
        def __init__(self):
            super().__init__()
            guardians.append(self)

    monkeypatch.setattr("agentbay_kernel.pool.pool.Guardian", Noted)
    made = []

    def make(size):
        ledger = Ledger(tmp_path / "ledger")
        options = AgentBayOptions(provider="local")
        pool = Pool(provider, options, lambda own: SessionSpec(labels=own), size, ledger=ledger)
        pool.ledger, pool.words = ledger, guardians[-1].words
        made.append(pool)
        return pool

    yield make
    for pool in made:
        await pool.close()


def ends(provider):
    return {name: each.deleted for name, each in provider.sessions.items()}


async def give(_member, session):
    await asyncio.sleep(0)
    return session.session_id


async def test_there_are_no_more_sessions_than_its_size(make, provider):
    pool = make(3)
    found = await asyncio.gather(*(pool.submit(str(n), give) for n in range(20)))
    assert set(found) == {"s-1", "s-2", "s-3"}
    assert len(provider.specs) == 3


async def test_there_are_no_more_sessions_than_work(make, provider):
    pool = make(8)
    await pool.submit("one", give)
    await pool.submit("two", give)
    assert len(provider.specs) == 1


async def test_all_have_its_label_and_a_row_until_they_end(make, provider):
    pool = make(2)
    await asyncio.gather(*(pool.submit("", give) for _ in range(4)))
    assert {spec.labels[LABEL] for spec in provider.specs} == {pool.name}
    assert sorted(row.session_id for row in pool.ledger.rows()) == ["s-1", "s-2"]
    await pool.close()
    assert pool.ledger.rows() == []
    assert ends(provider) == {"s-1": [False], "s-2": [False]}


async def test_the_guardian_ends_all_at_once_until_the_pool_has(make):
    pool = make(1)
    await pool.submit("", give)
    assert pool.words == ["watch", "ending"]
    await pool.close()
    assert pool.words == ["watch", "ending", "release"]


async def test_what_cannot_be_deleted_is_left_to_the_guardian(make, provider):
    pool = make(1)
    await pool.submit("", give)

    async def refuse(*, sync=False):
        raise Unreachable("No connection")

    provider.sessions["s-1"].delete = refuse
    await pool.close()
    assert pool.words[-1] == "dismiss"
    assert len(pool.ledger.rows()) == 1


async def test_work_whose_session_is_lost_is_done_in_another(make, provider):
    pool = make(1)

    async def work(_member, session):
        if session.session_id == "s-1":
            raise SessionGone("It has ended")
        return session.session_id

    assert await pool.submit("", work) == "s-2"
    await pool.close()
    assert ends(provider) == {"s-1": [False], "s-2": [False]}


async def test_work_that_ends_every_session_is_given_up(make, provider):
    pool = make(1)

    async def work(_member, _session):
        raise SessionGone("It has ended")

    with pytest.raises(SessionGone):
        await pool.submit("", work)
    assert len(provider.specs) == MOST_LOSSES


async def test_work_that_takes_too_long_is_not_begun_anew(make, provider):
    pool = make(1)
    begun = []

    async def work(_member, session):
        begun.append(session)
        raise CellTimeout("Too long")

    with pytest.raises(CellTimeout):
        await pool.submit("", work)
    assert len(begun) == 1
    # Its code may still run there.
    assert await pool.submit("", give) == "s-2"


async def test_an_error_of_the_work_is_its_own(make):
    pool = make(1)

    async def work(_member, _session):
        raise LookupError("no")

    with pytest.raises(LookupError):
        await pool.submit("", work)
    assert await pool.submit("", give) == "s-1"


async def test_with_too_few_sessions_it_goes_on(make, provider):
    provider.most = 2
    pool = make(5)
    found = await asyncio.gather(*(pool.submit(str(n), give) for n in range(20)))
    assert set(found) == {"s-1", "s-2"}
    assert isinstance(pool.problem, SessionLimit)


async def test_without_any_session_all_work_fails(make, provider):
    provider.most = 0
    pool = make(3)
    found = await asyncio.gather(
        *(pool.submit(str(n), give) for n in range(5)), return_exceptions=True
    )
    assert {type(each) for each in found} == {SessionLimit}
    provider.most = 99
    assert await pool.submit("", give) == "s-1"


async def test_a_fault_of_our_own_fails_the_work_too(make, provider):
    async def broken(spec):
        raise AttributeError("a fault")

    provider.create = broken
    with pytest.raises(KernelError, match="a fault"):
        await make(2).submit("", give)


async def test_closing_cancels_and_ends_what_is_still_starting(make, provider):
    provider.gate = asyncio.Event()
    pool = make(1)
    waiting = [pool.submit(str(n), give) for n in range(4)]
    while not provider.specs:
        await asyncio.sleep(0)
    closing = asyncio.ensure_future(pool.close())
    await asyncio.sleep(0)
    provider.gate.set()
    await closing
    assert all(each.cancelled() for each in waiting)
    assert ends(provider) == {"s-1": [False]}
    with pytest.raises(RuntimeError):
        pool.submit("", give)


async def test_a_closing_that_is_cancelled_goes_on(make, provider):
    pool = make(1)
    await pool.submit("", give)
    closing = asyncio.ensure_future(pool.close())
    await asyncio.sleep(0)
    closing.cancel()
    await pool.close()
    assert ends(provider) == {"s-1": [False]}
