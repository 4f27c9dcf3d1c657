"""The doctor: every step against the local service, what fails is explained, nothing is left."""

import asyncio

import pytest

from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.doctor import check, place
from agentbay_kernel.doctor.finding import CANNOT, FAILED, OK, Finding, Trouble, attempt
from agentbay_kernel.doctor.steps import Steps
from agentbay_kernel.errors import NotSupported, ProviderError
from tests import kernels

STEPS = [
    "versions",
    "provider",
    "key",
    "proxy",
    "endpoint",
    "clock",
    "create",
    "handshake",
    "stream",
    "channel",
    "interrupt",
    "shell",
    "files",
    "variables",
    "labels",
    "link",
    "context",
    "delete",
]


async def contexts(options):
    provider = check.providers.make(options)
    page = await provider.contexts.list()
    await provider.close()
    return page.contexts


LACKS = {"agentbay": {}, "agb": {"variables": CANNOT, "context": CANNOT}}


@pytest.mark.parametrize("name", LACKS)
async def test_everything_works_as_with_an_account_and_nothing_is_left(monkeypatch, name):
    record = kernels.start_service()
    kernels.use_cloud(monkeypatch, name, record.key, record.url)
    options = AgentBayOptions()
    found = await check.run(options, lambda finding: None)
    assert [each.what.removeprefix("control ") for each in found] == STEPS
    assert {each.what: each.state for each in found if each.state != OK} == LACKS[name]
    assert record.key not in "".join(each.line for each in found)
    assert kernels.sessions() == []
    assert await contexts(options) == []


async def test_a_stop_in_the_middle_leaves_nothing(monkeypatch):
    options = AgentBayOptions(provider="local")
    reached = asyncio.Event()

    async def hang(steps):
        await Steps.keep(steps)
        reached.set()
        await asyncio.Event().wait()

    # The first step of all already makes a context, which the Stop finds.
    monkeypatch.setattr(Steps, "handshake", hang)
    running = asyncio.ensure_future(check.run(options, lambda finding: None))
    await asyncio.wait_for(reached.wait(), 60)
    assert len(await contexts(options)) == 1
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert kernels.sessions() == []
    assert await contexts(options) == []


async def test_a_stop_while_the_session_is_made_leaves_nothing(monkeypatch):
    kernels.start_service()
    options = AgentBayOptions(provider="local")
    found = []
    running = asyncio.ensure_future(check.run(options, found.append))
    while not any(each.what == "clock" for each in found):
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert kernels.sessions() == []


async def test_a_missing_key_is_explained(monkeypatch):
    found = await check.run(
        AgentBayOptions(provider="agentbay", endpoint="http://127.0.0.1:9"), lambda finding: None
    )
    rows = {each.what: each for each in found}
    assert (rows["key"].state, rows["create"].state) == (FAILED, FAILED)
    assert "login" in rows["key"].advice
    assert "out of reach" in rows["endpoint"].detail
    assert "handshake" not in rows


async def test_a_refused_key_is_explained(monkeypatch):
    record = kernels.start_service()
    monkeypatch.setenv("AGENTBAY_API_KEY", "akm-wrong-secret")
    found = await check.run(
        AgentBayOptions(provider="agentbay", endpoint=record.url), lambda finding: None
    )
    rows = {each.what: each for each in found}
    assert rows["endpoint"].state == OK
    assert rows["create"].state == FAILED
    assert "AGENTBAY_API_KEY" in rows["create"].advice
    assert "akm-wrong-secret" not in "".join(each.line for each in found)
    assert check.failures(found).startswith("Failed: create")


async def test_a_wrong_clock_is_told(monkeypatch):
    monkeypatch.setattr(place, "_ask", lambda url: (200, "Sat, 01 Jan 2000 00:00:00 GMT"))
    with pytest.raises(Trouble, match="fast"):
        await place.clock(type("Place", (), {"endpoint": "https://example.test"}))


async def raising(error):
    raise error


@pytest.mark.parametrize(
    ("error", "state", "text"),
    [
        (NotSupported("no link here", next_step="Pay"), CANNOT, "no link here. Pay."),
        (ProviderError("broken", request_id="r-7"), FAILED, "broken (request id r-7)."),
        (ZeroDivisionError("akm-secret"), FAILED, "ZeroDivisionError"),
        (Trouble("odd", "Look"), FAILED, "odd. Look."),
    ],
)
async def test_a_step_that_fails_is_a_row(error, state, text):
    found = await attempt("step", lambda: raising(error), 1)
    assert found.state == state
    assert text in found.line
    assert "akm-secret" not in found.line


async def test_a_step_that_hangs_is_a_row():
    found = await attempt("step", lambda: asyncio.sleep(60, ""), 0.01)
    assert (found.state, found.detail) == (FAILED, "not within 0.01 seconds")


def test_what_is_not_offered_is_no_failure():
    found = [Finding("link", CANNOT), Finding("files", OK)]
    assert check.failures(found) == "Everything that was tried works. Not offered here: link."
