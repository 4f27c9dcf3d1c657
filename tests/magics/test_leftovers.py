"""Sessions without a kernel: found by ledger and label, reused or ended."""

import pytest

from agentbay_kernel.errors import UsageError
from agentbay_kernel.ledger import Ledger, Row
from tests.fakes import FakeSession
from tests.magics.acting import Acting


@pytest.fixture
def user(monkeypatch):
    user = Acting()
    user.manager.place.sessions = {name: FakeSession(name) for name in ("s-1", "s-2", "s-3", "s-4")}
    ledger = Ledger.of_user()
    for name in ("s-2", "s-4", "s-5"):
        ledger.put(Row(name, name, "local", "http://127.0.0.1:1", "f", notebook="a b.ipynb"))
    living = {"s-4"}
    monkeypatch.setattr(Row, "owned", lambda row: row.session_id in living)
    return user


async def test_sessions_without_a_living_kernel_are_listed(user):
    text = await user.do("%agentbay leftovers")
    assert "a b.ipynb" in text
    assert "label only" in text
    found = await user.value("%agentbay leftovers")
    assert [(each["session"], each["known"]) for each in found] == [("s-2", True), ("s-3", False)]


async def test_rows_of_another_account_are_not_ours(user):
    user.manager.place.fingerprint = lambda salt: "other"
    found = await user.value("%agentbay leftovers")
    assert not any(each["known"] for each in found)


async def test_a_dry_run_ends_nothing(user):
    assert "would end 1 session" in await user.do("%agentbay leftovers --delete --dry-run")
    assert "s-2" in user.manager.place.sessions


async def test_deleting_ends_what_the_ledger_knows(user):
    assert await user.value("%agentbay leftovers --delete --yes") == ["s-2"]
    assert set(user.manager.place.sessions) == {"s-1", "s-3", "s-4"}
    assert "s-2" not in {row.session_id for row in Ledger.of_user().rows()}


async def test_one_that_has_only_a_label_must_be_named(user):
    assert await user.value("%agentbay leftovers s-3 --delete --yes") == ["s-3"]
    assert set(user.manager.place.sessions) == {"s-1", "s-2", "s-4"}


@pytest.mark.parametrize("words", ["--delete", "--yes", "s-1 --delete --yes", "s-4 --delete --yes"])
async def test_living_or_unconfirmed_ones_are_not_ended(user, words):
    with pytest.raises(UsageError):
        await user.do(f"%agentbay leftovers {words}")
    assert len(user.manager.place.sessions) == 4


async def test_what_would_end_is_named(user):
    with pytest.raises(UsageError, match="This would end s-2"):
        await user.do("%agentbay leftovers --delete")


async def test_leftovers_are_completed(user):
    assert await user.complete("%agentbay leftovers s-") == ["s-2", "s-3"]
