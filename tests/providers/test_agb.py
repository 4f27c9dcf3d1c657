"""What is AGB's alone: threads for an SDK that blocks, its short limits, its pages and policies."""

import asyncio
import json
import threading

import pytest

from agentbay_kernel.contexts import MountPolicy
from agentbay_kernel.errors import NotSupported, ProviderError
from agentbay_kernel.providers import _gateway
from agentbay_kernel.session import Mount, SessionSpec
from tests.providers.cloud import refusal

MANY = 50


@pytest.fixture
def kind():
    return "agb"


def threads():
    return [each for each in threading.enumerate() if each.name == "agb-call"]


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_cells_that_run_long_keep_nothing_waiting(cloud, session):
    go, running = asyncio.Event(), []

    async def late(talk):
        await go.wait()
        await talk.end()

    async def script(talk, params):
        running.append(asyncio.ensure_future(late(talk)))

    cloud.script = script
    cells = [asyncio.ensure_future(session.run_code("1", lambda _: None)) for _ in range(MANY)]
    await until(lambda: len(running) == MANY)
    assert (await asyncio.wait_for(session.shell("echo beside"), 10)).stdout == "beside\n"
    go.set()
    assert all(each.ok for each in await asyncio.gather(*cells))
    assert session.sdk.raw._ws_client is None  # the blocking client, which waits 300 seconds
    await until(lambda: not threads())


async def test_a_cell_that_is_given_up_leaves_no_thread(cloud, session):
    started = asyncio.Event()

    async def script(talk, params):
        started.set()

    cloud.script = script
    task = asyncio.ensure_future(session.run_code("1", lambda _: None))
    await asyncio.wait_for(started.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not threads())


async def test_a_call_that_is_given_up_is_not_repeated(cloud, session, monkeypatch):
    monkeypatch.setattr(_gateway, "_backoff", lambda attempt: 10.0)
    cloud.answers["GetLabel"] = refusal("Internal", "boom", 503)
    task = asyncio.ensure_future(session.labels())
    await until(lambda: cloud.count("GetLabel"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not threads())
    assert cloud.count("GetLabel") == 1


async def test_a_command_has_the_kernels_limit_and_not_agbs_one_second(cloud, provider, spec):
    cloud.link = False
    session = await provider.create(spec)
    await session.shell("true")
    sent = next(fields for name, fields in cloud.asked if name == "CallMcpTool")
    assert json.loads(sent["Args"]) == {"command": "true", "timeout_ms": 50_000}


async def test_the_files_of_a_context_come_by_counted_pages(cloud, provider):
    rows = [{"FileName": f"f{n}", "FileType": "FILE", "Size": 1} for n in range(50)]

    def answer(sent):
        return {"Data": rows if sent["PageNumber"] == "1" else rows[:3]}

    cloud.answers["DescribeContextFiles"] = answer
    first = await provider.contexts.files("c")
    last = await provider.contexts.files("c", token=first.next_token)
    assert (len(first.files), len(last.files), last.next_token) == (50, 3, "")


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (MountPolicy(archive=True, loose=("logs",)), "files beside an archive"),
        (MountPolicy(only=("a",), patterns=True), "patterns"),
    ],
)
async def test_a_policy_that_agb_has_not_is_refused_and_not_dropped(provider, policy, words):
    with pytest.raises(NotSupported, match=words):
        await provider.create(SessionSpec(mounts=(Mount("data", "/data", policy),)))


async def test_the_mounts_of_a_session_that_was_found_are_reckoned(provider, spec):
    await provider.create(spec)
    again = await provider.get("s-1")
    (bound,) = await again.mounts.list()
    assert (bound.context_id, bound.name, bound.path) == ("ctx-1", "data", "/data")


async def test_what_the_sdk_calls_a_refused_answer_is_given_whole(cloud, provider, spec):
    cloud.link = False
    session = await provider.create(spec)
    failed = {"isError": True, "content": [{"type": "text", "text": "disk on fire"}]}
    cloud.answers["CallMcpTool"] = {"Message": "success", "Data": failed}
    with pytest.raises(ProviderError, match="disk on fire"):
        await session.call_tool("read_file", {})
