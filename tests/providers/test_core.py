"""What every provider can, however it is made: sessions, cells, shell, labels, their end."""

import ast
import asyncio
from pathlib import Path

import pytest

from agentbay_kernel import config, providers
from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.errors import SessionGone
from agentbay_kernel.events import CellError, ExecuteResult
from agentbay_kernel.session import SessionSpec, ShellResult
from tests import kernels

SPEC = SessionSpec("code_latest", {"agentbay-kernel.id": "k-1", "team": "core"})


@pytest.fixture
def toy():
    """A provider of one's own needs this one line."""
    providers.register("toy", "tests.providers.toy:ToyProvider")
    yield
    config.PROVIDERS.remove("toy")
    del providers.REGISTRY["toy"]


@pytest.fixture(params=("local", "agb", "toy"))
async def provider(request, monkeypatch, toy):
    if request.param == "agb":
        kernels.use_agb(monkeypatch)
    provider = providers.make(AgentBayOptions(provider=request.param))
    yield provider
    await provider.close()
    await asyncio.to_thread(kernels.stop_service)


@pytest.fixture
async def session(provider):
    session = await provider.create(SPEC)
    yield session
    await session.delete()


async def run(session, code):
    events = []
    return await session.run_code(code, events.append), events


async def test_cells_share_names_and_tell_text_then_result(session):
    assert (await run(session, "a = 41\nprint('hi')"))[0].ok
    result, events = await run(session, "print('text')\na + 1")
    assert result.ok
    assert "".join(event.text for event in events[:-1]) == "text\n"
    assert events[-1] == ExecuteResult({"text/plain": "42"})


async def test_an_exception_is_an_event_and_no_exception_here(session):
    result, events = await run(session, "1/0")
    assert not result.ok
    assert isinstance(events[-1], CellError)
    assert (events[-1].ename, events[-1].evalue) == ("ZeroDivisionError", "division by zero")


async def test_a_shell_command_gives_both_streams_and_its_exit_code(session):
    done = await session.shell("echo out; echo err >&2; exit 3")
    assert done == ShellResult("out\n", "err\n", 3)


async def test_a_session_is_found_by_its_labels_and_id(provider, session):
    await session.set_labels({"team": "core", "step": "two"})
    assert await session.labels() == {"team": "core", "step": "two"}
    page = await provider.list({"step": "two"})
    assert [each.session_id for each in page.sessions] == [session.session_id]
    assert (await provider.list({"step": "three"})).sessions == []
    await run(session, "kept = 7\nkept")
    again = await provider.get(session.session_id)
    assert (await run(again, "kept"))[1][-1] == ExecuteResult({"text/plain": "7"})


async def test_info_says_that_it_runs(session):
    info = await session.info()
    assert (info.session_id, info.status) == (session.session_id, "RUNNING")


async def test_what_has_ended_is_gone_for_every_call(provider, session):
    await session.delete()
    calls = (
        session.status,
        session.info,
        session.labels,
        lambda: session.shell("true"),
        lambda: run(session, "1"),
        lambda: provider.get(session.session_id),
    )
    for call in calls:
        with pytest.raises(SessionGone):
            await call()
    await session.delete()


def test_forty_lines_are_enough_for_a_provider():
    text = Path(__file__).with_name("toy.py").read_text()
    after = text.splitlines()[ast.parse(text).body[0].end_lineno :]
    assert len([line for line in after if line.strip()]) <= 40


def test_a_provider_that_nobody_registered_is_no_value_of_the_option():
    options = AgentBayOptions()
    with pytest.raises(Exception, match="provider"):
        options.provider = "unheard-of"
