"""Files by addresses, against a store that a test can break."""

import asyncio

import pytest
from aiohttp import web

from agentbay_kernel import presigned
from agentbay_kernel.errors import ProviderError, UsageError

DATA = bytes(range(256)) * 5000


@pytest.fixture
async def store():
    """What was PUT, and how GET answers; the address has a secret in it."""

    class Store:
        stored, status, cut = None, 200, False

    found = Store()

    async def put(request):
        found.stored = await request.read()
        found.length = request.headers.get("Content-Length")
        return web.Response(status=found.status)

    async def get(request):
        if found.status != 200:
            return web.Response(status=found.status)
        response = web.StreamResponse(headers={"Content-Length": str(len(DATA))})
        await response.prepare(request)
        await response.write(DATA[:1000] if found.cut else DATA)
        if found.cut:
            request.transport.close()
        return response

    app = web.Application(client_max_size=1 << 24)
    app.router.add_put("/secret", put)
    app.router.add_get("/secret", get)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    found.url = f"http://{host}:{port}/secret"
    yield found
    await runner.cleanup()


@pytest.mark.parametrize("data", [DATA, b"x", b""])
async def test_a_file_is_sent_with_its_length(store, tmp_path, data):
    path, seen = tmp_path / "a", []
    path.write_bytes(data)
    size = await presigned.send(store.url, path, lambda done, total: seen.append((done, total)))
    assert (size, store.stored, store.length) == (len(data), data, str(len(data)))
    assert seen[-1] == (len(data), len(data))


async def test_a_file_is_fetched(store, tmp_path):
    path = tmp_path / "a"
    assert await presigned.fetch(store.url, path, print) == len(DATA)
    assert path.read_bytes() == DATA


async def test_what_is_there_is_kept_without_force(store, tmp_path):
    path = tmp_path / "a"
    path.write_text("mine")
    with pytest.raises(UsageError, match="left alone"):
        await presigned.fetch(store.url, path, print)
    assert path.read_text() == "mine"
    await presigned.fetch(store.url, path, print, force=True)
    assert path.read_bytes() == DATA


async def test_a_connection_that_breaks_leaves_nothing(store, tmp_path):
    store.cut = True
    with pytest.raises(ProviderError):
        await presigned.fetch(store.url, tmp_path / "a", print)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["send", "fetch"])
async def test_a_refusal_does_not_show_the_link(store, tmp_path, verb):
    store.status = 403
    path = tmp_path / "a"
    if verb == "send":
        path.write_bytes(DATA)
    with pytest.raises(ProviderError, match="HTTP 403") as caught:
        await getattr(presigned, verb)(store.url, path, print)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_nobody_there_does_not_show_the_link(tmp_path):
    with pytest.raises(ProviderError, match="did not answer") as caught:
        await presigned.fetch("http://127.0.0.1:1/secret", tmp_path / "a", print)
    assert "secret" not in str(caught.value)


async def test_a_stop_leaves_nothing_half_done(store, tmp_path, monkeypatch):
    monkeypatch.setattr(presigned, "PIECE", 1000)
    begun = asyncio.Event()
    task = asyncio.ensure_future(
        presigned.fetch(store.url, tmp_path / "a", lambda done, total: begun.set())
    )
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(tmp_path.iterdir()) in ([], [tmp_path / "a"])
    assert all(path.stat().st_size == len(DATA) for path in tmp_path.iterdir())
