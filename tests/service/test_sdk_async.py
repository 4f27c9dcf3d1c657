"""The vendor's unmodified client against the service: the async face."""

import asyncio

import aiohttp
import pytest

from agentbay_kernel.service.port import RunEnd
from tests.service.running import vendor


@pytest.fixture
async def session(service):
    client = service.sdk(name="AsyncAgentBay")
    made = await client.create(vendor().CreateSessionParams(image_id="code_latest"))
    assert made.success, made.error_message
    yield made.session
    await made.session.delete()


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_two_sessions_run_at_the_same_time(service):
    client, both = service.sdk(name="AsyncAgentBay"), asyncio.Barrier(2)

    async def meet(code, emit):
        # The service has a loop of its own, the barrier is this one's.
        waiting = asyncio.run_coroutine_threadsafe(both.wait(), loop)
        await asyncio.wrap_future(waiting)
        return RunEnd(True, 1, 0.0)

    loop = asyncio.get_running_loop()
    params = vendor().CreateSessionParams(image_id="code_latest")
    made = [await client.create(params) for _ in range(2)]
    for box in service.boxes:
        box.script = meet
    runs = [m.session.code.run_code("x", "python", stream_beta=True) for m in made]
    assert [done.success for done in await asyncio.gather(*runs)] == [True, True]
    for m in made:
        await m.session.delete()


async def test_terminal_output_arrives_from_the_first_byte(service, session):
    seen = bytearray()
    handle = await session.pty.create(on_data=seen.extend, cols=100, rows=30)
    await until(lambda: bytes(seen) == b"first ")
    await handle.send_input(b"typed ")
    await handle.send_input(b"\xff\x00")
    await until(lambda: bytes(seen) == b"first typed \xff\x00")
    await handle.resize(120, 40)
    await until(lambda: ("resize", {"cols": 120, "rows": 40}) in service.boxes[-1].calls)
    assert [item.pty_session_id for item in (await session.pty.list())] == [handle.pty_session_id]


async def test_what_is_typed_arrives_in_its_order(service, session):
    seen = bytearray()
    handle = await session.pty.create(on_data=seen.extend)
    sent = b"".join(b"%04d " % n for n in range(300))
    for n in range(300):
        await handle.send_input(b"%04d " % n)
    await until(lambda: len(seen) >= 6 + len(sent))
    assert bytes(seen) == b"first " + sent


async def test_the_end_of_a_terminal_is_told(session):
    handle = await session.pty.create(on_data=lambda data: None)
    await handle.kill()
    await until(lambda: handle.exit_code == 9)
    with pytest.raises(Exception, match="no terminal"):
        await session.pty.connect(handle.pty_session_id, on_data=lambda data: None)


async def test_file_changes_are_pushed_until_they_are_not_wanted(service, session):
    seen, box = [], service.boxes[-1]
    box.answers["get_file_change"] = "[]"
    watching = session.file_system.watch_directory("/workspace", seen.extend)
    watching.start()
    await until(lambda: "/workspace" in box.watchers)
    change = {"eventType": "create", "path": "/workspace/a", "pathType": "file"}
    service.loop.call_soon_threadsafe(box.watchers["/workspace"], [change])
    await until(lambda: [event.path for event in seen] == ["/workspace/a"])
    watching.stop_event.set()
    await until(lambda: not box.watchers)
    await asyncio.to_thread(watching.join)


async def test_a_dropped_connection_leaves_the_run_going(service):
    started, go, ended = asyncio.Event(), asyncio.Event(), []
    loop = asyncio.get_running_loop()

    async def play(code, emit):
        loop.call_soon_threadsafe(started.set)
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(go.wait(), loop))
        emit({"eventType": "stdout", "chunk": "late"})
        ended.append(code)
        return RunEnd(True, 1, 0.0)

    made = await asyncio.to_thread(service.create)
    service.boxes[-1].script = play
    headers = {"X-Access-Token": made["Token"]}
    data = {"method": "run_code", "params": {"code": "x"}}
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(made["WsUrl"], headers=headers) as ws,
    ):
        await ws.send_json({"invocationId": "1", "target": "wuying_codespace", "data": data})
        await started.wait()
    go.set()
    await until(lambda: ended == ["x"])
    assert service.live(made["SessionId"]).runs == 0


async def test_an_unknown_method_of_the_stream_is_refused_by_name(session):
    client = await session._get_ws_client()
    with pytest.raises(Exception, match="brew"):
        await client.call(target="PTY_SERVER", data={"method": "brew"}, timeout=5)
    with pytest.raises(Exception, match="brew"):
        await client.call(target="wuying_codespace", data={"method": "brew"}, timeout=5)


async def test_a_terminal_of_an_impossible_size_is_refused(session):
    client = await session._get_ws_client()
    request = {"method": "pty.create", "params": {"cols": 0, "rows": 24}}
    with pytest.raises(Exception, match="cols must be"):
        await client.call(target="PTY_SERVER", data=request, timeout=5)
