"""Running code: events in order, errors whole, one request a cell, streaming or not."""

import asyncio
import gc
import json

import pytest
from aiohttp import web

from agentbay_kernel.errors import (
    CellTimeout,
    ConnectionLost,
    NotSupported,
    ProviderError,
    SessionGone,
)
from agentbay_kernel.events import CellError, DisplayData, ExecuteResult, Stream
from agentbay_kernel.providers._results import parse_error
from tests.providers.cloud import KEY, refusal

TRACEBACK = "\x1b[31mZeroDivisionError\x1b[0m  Traceback\nFile x, line 1\n"


def answer(**report):
    return {"isError": False, "content": [{"type": "text", "text": json.dumps(report)}]}


@pytest.fixture
def events():
    return []


async def test_text_is_emitted_as_it_comes(cloud, session, events):
    seen = asyncio.Event()

    async def script(talk, params):
        await talk.event("stdout", chunk="one\n")
        await seen.wait()
        await talk.end()

    def emit(event):
        events.append(event)
        seen.set()

    cloud.script = script
    result = await asyncio.wait_for(session.run_code("print('one')", emit), 10)
    assert events == [Stream("stdout", "one\n")]
    assert result.ok and result.execution_count == 1 and result.request_id


async def test_code_goes_untouched_and_once(cloud, session, events):
    async def script(talk, params):
        await talk.end()

    cloud.script = script
    code = "%time 'ä\\n' \u2028 \x00\r\n!ls\n\n"
    await session.run_code(code, events.append, timeout=12.2)
    assert cloud.runs == [{"language": "python", "timeoutS": 13, "code": code}]


async def test_results_follow_the_text_with_their_kinds(cloud, session, events):
    async def script(talk, params):
        await talk.event("result", result={"isMainResult": False, "mime": {"text/html": "<b>"}})
        await talk.event("stderr", chunk="warn")
        main = {"text/plain": "4", "application/json": {"a": 1}}
        await talk.event("result", result={"isMainResult": True, "mime": main})
        await talk.end(count=7)

    cloud.script = script
    result = await session.run_code("4", events.append)
    assert result.execution_count == 7
    assert events == [
        Stream("stderr", "warn"),
        DisplayData({"text/html": "<b>"}),
        ExecuteResult({"text/plain": "4", "application/json": {"a": 1}}),
    ]


async def test_an_error_with_traceback_lines_is_kept_whole(cloud, session, events):
    async def script(talk, params):
        error = {"code": "KeyError", "message": "'a'", "traceId": "t", "traceback": ["1", "2"]}
        await talk.event("error", error=error)
        await talk.end(error="KeyError: 'a'")

    cloud.script = script
    result = await session.run_code("{}['a']", events.append)
    assert not result.ok
    assert events == [CellError("KeyError", "'a'", ("1", "2"))]


async def test_an_error_known_as_text_only_is_parsed(cloud, session, events):
    text = TRACEBACK + "\x1b[31mZeroDivisionError\x1b[0m: division by zero"

    async def script(talk, params):
        await talk.end(error=text)

    cloud.script = script
    await session.run_code("1/0", events.append)
    error = CellError("ZeroDivisionError", "division by zero", tuple(text.split("\n")))
    assert events == [error]


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("ValueError: a\nsecond line", "ValueError", "a\nsecond line"),
        ("pkg.mod.MyError: no", "MyError", "no"),
        ("Traceback\nKeyboardInterrupt", "KeyboardInterrupt", ""),
        ("Custom: thing", "Custom", "thing"),
        ("something broke", "ExecutionError", "something broke"),
        ("TypeError: x\n\nValueError: last", "ValueError", "last"),
    ],
)
def test_name_and_message_come_from_the_last_line_that_has_them(text, name, value):
    error = parse_error(text)
    assert (error.ename, error.evalue) == (name, value)


async def test_an_exception_of_emit_surfaces_and_spares_the_connection(cloud, session):
    async def script(talk, params):
        await talk.event("stdout", chunk="a")
        await talk.end()

    def emit(event):
        raise LookupError("mine")

    cloud.script = script
    with pytest.raises(LookupError):
        await session.run_code("1", emit)
    events = []
    await session.run_code("1", events.append)
    assert events == [Stream("stdout", "a")]
    assert len(cloud.sockets) == 1


async def test_a_broken_connection_is_said_and_the_run_is_not_repeated(cloud, session, events):
    async def script(talk, params):
        await talk.event("stdout", chunk="a")
        talk.socket._req.transport.abort()

    cloud.script = script
    with pytest.raises(ConnectionLost, match="session is kept"):
        await asyncio.wait_for(session.run_code("1", events.append), 30)
    assert events == [Stream("stdout", "a")]
    assert len(cloud.runs) == 1


async def test_a_frame_above_one_mebibyte_is_received(cloud, session, events):
    async def script(talk, params):
        await talk.event("stdout", chunk="a" * 5_000_000)
        await talk.end()

    cloud.script = script
    await session.run_code("1", events.append)
    assert len(events[0].text) == 5_000_000


async def test_a_frame_above_all_bounds_counts_as_a_broken_connection(
    cloud, session, events, monkeypatch
):
    monkeypatch.setattr("agentbay_kernel.providers._gateway.FRAME_BYTES", 1000)

    async def script(talk, params):
        await talk.event("stdout", chunk="a" * 2000)

    cloud.script = script
    with pytest.raises(ConnectionLost, match="too big"):
        await asyncio.wait_for(session.run_code("1", events.append), 30)


async def test_code_that_may_have_been_sent_is_not_sent_again(cloud, session, events):
    socket = await session.sdk._get_ws_client()
    await socket.connect()

    async def fail(data):
        raise ConnectionResetError("while sending")

    complaints = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: complaints.append(context))
    socket._ws.send = fail
    with pytest.raises(ConnectionLost, match="while sending"):
        await session.run_code("1", events.append)
    gc.collect()
    assert cloud.runs == complaints == []


async def test_a_session_that_ended_below_a_cell_is_gone(cloud, session, events):
    async def script(talk, params):
        cloud.sessions.clear()
        talk.socket._req.transport.abort()

    cloud.script = script
    with pytest.raises(SessionGone):
        await asyncio.wait_for(session.run_code("1", events.append), 30)


async def test_cancelling_stops_waiting_and_leaves_the_session_usable(cloud, session, events):
    complaints = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: complaints.append(context))
    started, go_on, tasks = asyncio.Event(), asyncio.Event(), []

    async def script(talk, params):
        if params["code"] == "long":
            started.set()
            tasks.append(asyncio.ensure_future(late(talk)))
        else:
            go_on.set()
            await talk.event("stdout", chunk="next")
            await talk.end()

    async def late(talk):
        await go_on.wait()
        await talk.event("stdout", chunk="late")
        await talk.end()

    cloud.script = script
    task = asyncio.ensure_future(session.run_code("long", events.append))
    await asyncio.wait_for(started.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await session.run_code("next", events.append)
    assert events == [Stream("stdout", "next")]
    assert not session.sdk._ws_client._pending_by_id
    gc.collect()
    assert complaints == []


async def test_the_providers_time_limit_is_a_timeout(cloud, session, events):
    async def script(talk, params):
        await talk.end(error="TimeoutError: the run exceeded its limit")

    cloud.script = script
    with pytest.raises(CellTimeout, match="limit of 1 seconds"):
        await session.run_code("while True: pass", events.append, timeout=1)


async def test_a_timeout_error_of_the_users_own_is_an_ordinary_error(cloud, session, events):
    async def script(talk, params):
        error = {"code": "TimeoutError", "message": "mine", "traceback": ["Traceback", "raise"]}
        await talk.event("error", error=error)
        await talk.end(error="TimeoutError: mine")

    cloud.script = script
    result = await session.run_code("raise TimeoutError('mine')", events.append, timeout=1)
    assert not result.ok
    assert events[0].ename == "TimeoutError"


async def test_an_early_timeout_error_without_traceback_is_an_ordinary_error(
    cloud, session, events
):
    async def script(talk, params):
        await talk.end(error="TimeoutError: mine")

    cloud.script = script
    await session.run_code("raise TimeoutError('mine')", events.append, timeout=600)
    assert events == [CellError("TimeoutError", "mine", ("TimeoutError: mine",))]


async def test_without_a_websocket_the_plain_call_is_used(cloud, provider, spec, events):
    cloud.socket = False
    cloud.answers["tool run_code"] = answer(
        result=[json.dumps({"isMainResult": True, "text/plain": "2"})],
        stdout=["hi\n"],
        stderr=["w"],
        executionError="",
        execution_count=3,
    )
    session = await provider.create(spec)
    assert session.capabilities.reasons["stream"] == "the provider gave no WebSocket address"
    result = await session.run_code("2", events.append)
    assert result.ok and result.execution_count == 3
    assert events == [
        Stream("stdout", "hi\n"),
        Stream("stderr", "w"),
        ExecuteResult({"text/plain": "2"}),
    ]


async def test_the_option_stream_turns_streaming_off(cloud, provider, spec, events):
    provider._stream = False
    cloud.answers["tool run_code"] = answer(result=[], stdout=["x"], stderr=[])
    session = await provider.create(spec)
    await session.run_code("1", events.append)
    assert not cloud.sockets
    assert events == [Stream("stdout", "x")]


async def test_a_websocket_that_is_refused_once_is_tried_again_by_the_next_cell(
    cloud, session, events
):
    async def script(talk, params):
        await talk.end()

    cloud.script = script
    cloud.answers["tool run_code"] = answer(result=[], stdout=["x"], stderr=[])
    await session.run_code("1", events.append)
    cloud.answers["ws"] = web.Response(status=403)
    await cloud.sockets[0].close()
    async with asyncio.timeout(10):
        while session.sdk._ws_client._ws is not None:
            await asyncio.sleep(0.005)
    await session.run_code("2", events.append)
    assert session.capabilities.stream
    del cloud.answers["ws"]
    await session.run_code("3", events.append)
    assert len(cloud.sockets) == 2


async def test_a_refused_websocket_falls_back_since_nothing_ran(cloud, session, events):
    cloud.answers["ws"] = web.Response(status=403)
    cloud.answers["tool run_code"] = answer(result=[], stdout=["x"], stderr=[])
    await session.run_code("1", events.append)
    assert events == [Stream("stdout", "x")]
    assert len(cloud.runs) == 1
    assert "HTTP 403" in session.capabilities.reasons["stream"]


@pytest.mark.parametrize("kind", ["agentbay"])  # AGB's SDK takes it for a tool's failure
async def test_the_plain_call_carries_name_value_and_traceback(cloud, session, events):
    session.capabilities = type(session.capabilities)()
    error = {"name": "ValueError", "value": "v", "traceback": "line 1\nline 2"}
    cloud.answers["tool run_code"] = answer(
        logs={"stdout": ["a"], "stderr": []}, results=[], error=error, isError=True
    )
    result = await session.run_code("raise ValueError('v')", events.append)
    assert not result.ok
    assert events == [Stream("stdout", "a"), CellError("ValueError", "v", ("line 1", "line 2"))]


async def test_a_failed_tool_that_holds_the_report_is_read(cloud, session, events):
    session.capabilities = type(session.capabilities)()
    report = answer(stdout=["a"], stderr=[], executionError="NameError: x")
    cloud.answers["tool run_code"] = report | {"isError": True}
    result = await session.run_code("x", events.append)
    assert not result.ok
    assert events == [Stream("stdout", "a"), CellError("NameError", "x", ("NameError: x",))]


async def test_plain_text_is_shown_once(cloud, session, events):
    session.capabilities = type(session.capabilities)()
    cloud.answers["tool run_code"] = {"content": [{"type": "text", "text": "hello"}]}
    await session.run_code("1", events.append, language="r")
    assert events == [Stream("stdout", "hello")]


async def test_a_tool_failure_is_no_exception_of_the_cell(cloud, session, events):
    session.capabilities = type(session.capabilities)()
    failure = {"isError": True, "content": [{"type": "text", "text": f"tool broke {KEY}"}]}
    cloud.answers["tool run_code"] = failure
    with pytest.raises(ProviderError, match="tool broke") as caught:
        await session.run_code("1", events.append)
    assert KEY not in str(caught.value)
    assert events == []


async def test_a_tool_that_was_stopped_by_the_time_limit_is_a_timeout(cloud, session, events):
    session.capabilities = type(session.capabilities)()
    text = "Execution failed. Error code:-1 Error message: [timeout]"
    cloud.answers["tool run_code"] = {"isError": True, "content": [{"text": text}]}
    with pytest.raises(CellTimeout):
        await session.run_code("while True: pass", events.append, timeout=1)


async def test_a_refused_call_that_holds_an_answer_is_an_answer(cloud, provider, spec, events):
    cloud.socket = cloud.link = False
    session = await provider.create(spec)
    report = answer(result=[], stdout=["a"], stderr=[], executionError="NameError: x")
    cloud.answers["CallMcpTool"] = {"Success": False, "Data": report}
    result = await session.run_code("x", events.append)
    assert not result.ok
    assert events == [Stream("stdout", "a"), CellError("NameError", "x", ("NameError: x",))]


async def test_an_unknown_language_is_not_supported(session, events):
    with pytest.raises(NotSupported, match="cobol"):
        await session.run_code("1", events.append, language="cobol")


async def test_a_gateway_that_gives_up_names_its_limit(cloud, provider, spec, events, monkeypatch):
    cloud.socket = cloud.link = False
    session = await provider.create(spec)
    cloud.answers["CallMcpTool"] = refusal("Gateway", "upstream timeout", 504)
    monkeypatch.setattr("agentbay_kernel.providers._results.Run.seconds", 60.0)
    with pytest.raises(CellTimeout, match="60 seconds"):
        await session.run_code("1", events.append)
    assert cloud.count("CallMcpTool") == 1
