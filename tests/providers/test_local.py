"""Each provider over its real SDK and the real service, started for the test."""

import asyncio
import os
import signal
from collections import Counter

import pytest

from agentbay_kernel import providers, transfer
from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.errors import CellTimeout, NotSupported, SessionGone, ToolError
from agentbay_kernel.events import CellError, ExecuteResult, Stream
from agentbay_kernel.providers import Choice
from agentbay_kernel.providers._store import Store
from agentbay_kernel.providers.local import LocalProvider
from agentbay_kernel.service import runtime
from agentbay_kernel.session import Mount, SessionSpec
from tests import kernels


def stop_service():
    address = runtime.read()
    if address is None:
        return
    os.kill(address.pid, signal.SIGTERM)
    kernels.wait_for(lambda: not address.alive, "the service did not end")


@pytest.fixture
async def provider(place, monkeypatch):
    if place == "agb":
        kernels.use_agb(monkeypatch)
    provider = providers.make(AgentBayOptions(provider="agb" if place == "agb" else "local"))
    yield provider
    await provider.close()
    await asyncio.to_thread(stop_service)


@pytest.fixture
async def session(provider):
    session = await provider.create(SessionSpec("code_latest", {"agentbay-kernel.id": "k-1"}))
    yield session
    await session.delete()


def joined(events):
    """The events, text that follows text of its stream put together: a `print` may come in two."""
    found = []
    for event in events:
        last = found[-1] if found else None
        if isinstance(event, Stream) and isinstance(last, Stream) and event.name == last.name:
            found[-1] = Stream(event.name, last.text + event.text)
        else:
            found.append(event)
    return found


async def run(session, code, **options):
    events = []
    result = await session.run_code(code, events.append, **options)
    return result, events


@pytest.mark.parametrize("place", ["pipe"])  # it starts a service
async def test_making_the_provider_starts_nothing(provider):
    assert runtime.read() is None
    assert provider.name == "local"
    assert (await provider.list({})).sessions == []
    with pytest.raises(SessionGone):
        await provider.get("s-1")
    with pytest.raises(SessionGone):
        await provider.delete("s-1")
    assert runtime.read() is None


async def test_the_session_says_how_it_is_isolated_also_when_found_again(provider, session):
    assert session.isolation.startswith(("bwrap", "folder (not isolated"))
    assert (await provider.get(session.session_id)).isolation == session.isolation


async def test_cells_share_names_and_give_text_and_results(provider, session):
    assert session.capabilities == provider.capabilities
    assert joined((await run(session, "a = 20; print('hi')"))[1]) == [Stream("stdout", "hi\n")]
    result, events = await run(session, "a + 1")
    assert events == [ExecuteResult({"text/plain": "21"})]
    assert (result.ok, result.execution_count) == (True, 2)


async def test_cells_run_in_an_ipykernel_when_the_engine_is_that():
    provider = providers.make(AgentBayOptions(provider="local", engine="ipykernel"))
    session = await provider.create(SessionSpec("code_latest"))
    try:
        code = "import sys; print(get_ipython().kernel.__class__.__name__, file=sys.stderr); 42"
        events = joined((await run(session, code))[1])
        assert events == [Stream("stderr", "IPythonKernel\n"), ExecuteResult({"text/plain": "42"})]
    finally:
        await session.delete()
        await provider.close()
        await asyncio.to_thread(stop_service)


@pytest.mark.parametrize("place", ["pipe"])  # it starts a service
async def test_a_running_service_of_another_engine_is_used_and_told(session, caplog):
    provider = providers.make(AgentBayOptions(provider="local", engine="ipykernel"))
    other = await provider.create(SessionSpec("code_latest"))
    assert "runs already, with engine = pipe" in caplog.text
    await other.delete()
    await provider.close()


async def test_an_exception_comes_with_its_traceback(session):
    result, (error,) = await run(session, "1/0")
    assert not result.ok
    assert isinstance(error, CellError)
    assert (error.ename, error.evalue) == ("ZeroDivisionError", "division by zero")
    assert len(error.traceback) > 1


async def test_the_time_limit_of_a_cell_and_a_timeout_error_differ(session):
    with pytest.raises(CellTimeout):
        await run(session, "while True: pass", timeout=1)
    # Within the limit's last second, where only its traceback tells it from the limit's own.
    result, (error,) = await run(
        session, "import time; time.sleep(0.6); raise TimeoutError", timeout=1.5
    )
    assert (result.ok, error.ename) == (False, "TimeoutError")


async def test_a_cancelled_run_goes_on_and_the_next_one_follows(session):
    started = asyncio.Event()
    code = "import pathlib, time; print('a', flush=True); time.sleep(0.5); done = 1; print('b')"
    task = asyncio.ensure_future(session.run_code(code, lambda event: started.set()))
    await asyncio.wait_for(started.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await run(session, "done"))[1] == [ExecuteResult({"text/plain": "1"})]


@pytest.mark.parametrize("size", [0, 1000, 5_000_000])
async def test_files_are_exact(session, size):
    data = os.urandom(size)
    await session.files.write("/workspace/new/f.bin", data)
    assert await session.files.read("/workspace/new/f.bin") == data
    assert (await session.files.info("/workspace/new/f.bin")).size == size
    assert await session.files.info("/workspace/none") is None
    await session.files.remove("/workspace/new")
    assert await session.files.list("/workspace") == []


@pytest.fixture
def by_store(monkeypatch):
    """How many pieces the provider's store has brought, by direction."""
    brought = Counter()

    def counting(name):
        copy = getattr(Store, name)

        async def counted(store, *arguments):
            await copy(store, *arguments)
            brought[name] += 1

        return counted

    for name in ("put", "get"):
        monkeypatch.setattr(Store, name, counting(name))
    return brought


async def test_a_large_file_travels_in_pieces_there_and_back(session, tmp_path, by_store):
    data, seen = os.urandom(2 * transfer.large.SMALLEST + 1), []
    (tmp_path / "there").write_bytes(data)
    await transfer.put(session, [tmp_path / "there"], "/workspace/big")
    await transfer.get(
        session, ["/workspace/big"], tmp_path / "back", progress=lambda *n: seen.append(n)
    )
    assert (tmp_path / "back").read_bytes() == data
    assert seen[-1] == (len(data), len(data))
    assert (await session.shell("ls -A /workspace")).stdout == "big\n"
    assert (await session.shell("ls -d /tmp/.[!.]*")).stdout == ""
    assert by_store["put"] == by_store["get"] >= 2


async def test_the_shell_works_while_a_cell_runs(session):
    started = asyncio.Event()
    code = (
        "import os, time\n"
        "print(1, flush=True)\n"
        "while not os.path.exists('/workspace/go'): time.sleep(0.01)"
    )
    task = asyncio.ensure_future(session.run_code(code, lambda event: started.set()))
    await asyncio.wait_for(started.wait(), 20)
    assert (await session.shell("touch /workspace/go; echo $X", env={"X": "y"})).stdout == "y\n"
    assert (await asyncio.wait_for(task, 20)).ok
    with pytest.raises(ToolError, match="timeout"):
        await session.shell("sleep 20", timeout=0.2)


async def test_labels_listing_and_getting_lead_to_the_session(provider, session):
    await session.set_labels({"team": "x", "agentbay-kernel.id": "k-1"})
    page = await provider.list({"team": "x"})
    assert [row.session_id for row in page.sessions] == [session.session_id]
    assert page.total == 1
    again = await provider.get(session.session_id)
    assert (await run(again, "1"))[0].ok
    assert again.image == "code_latest"


@pytest.mark.parametrize("place", ["pipe"])  # needs pause
async def test_a_paused_session_wakes_with_its_names(session):
    await run(session, "a = 1")
    await session.machine.pause()
    await session.machine.pause()
    assert await session.status() == "PAUSED"
    await session.machine.resume()
    await session.machine.resume()
    assert (await run(session, "a"))[1] == [ExecuteResult({"text/plain": "1"})]


@pytest.mark.parametrize("place", ["pipe"])  # needs pause
async def test_a_paused_session_is_found_awake_and_can_be_deleted(provider, session):
    await session.machine.pause()
    again = await provider.get(session.session_id)
    assert await again.status() == "RUNNING"
    await again.machine.pause()
    await again.delete()
    with pytest.raises(SessionGone):
        await session.status()


@pytest.mark.parametrize("place", ["pipe"])  # needs pause
async def test_a_paused_session_is_deleted_by_its_id(provider, session):
    await session.machine.pause()
    await provider.delete(session.session_id)
    with pytest.raises(SessionGone):
        await session.status()


@pytest.mark.parametrize("place", ["pipe"])  # needs variables
async def test_variables_reach_the_interpreter_and_shells(session):
    await session.machine.set_variables({"COLOUR": "deep blue"})
    assert (await session.machine.variables())["COLOUR"] == "deep blue"
    assert (await session.shell("echo $COLOUR")).stdout == "deep blue\n"
    events = (await run(session, "import os; os.environ['COLOUR']"))[1]
    assert events == [ExecuteResult({"text/plain": "'deep blue'"})]


async def test_metrics_say_what_the_machine_uses(session):
    found = await session.machine.metrics()
    assert 0 < found["mem_used"] < found["mem_total"]
    assert found["cpu_count"] >= 1


async def test_the_tools_of_an_image_come_with_their_schemas(provider, session):
    tools = {each.name: each for each in await provider.tools("code_latest")}
    assert tools["read_file"].schema["required"] == ["path"]
    plain = {"local": "linux_latest", "agb": "agb-computer-use-ubuntu-2204"}[provider.name]
    assert "run_code" not in {each.name for each in await provider.tools(plain)}
    assert {each.name for each in await session.tools.list()} == set(tools)


async def test_contexts_outlive_the_session(provider):
    spec = SessionSpec("code_latest", mounts=(Mount("kept", "/data"),))
    first = await provider.create(spec)
    await first.files.write("/data/f", b"kept")
    await first.delete(sync=True)
    second = await provider.create(spec)
    assert await second.files.read("/data/f") == b"kept"
    assert {state.path for state in await second.contexts()} == {"/data"}
    await second.delete()


async def test_after_the_end_every_call_says_that_the_session_is_gone(provider, session):
    await run(session, "1")
    await provider.delete(session.session_id)
    calls = [
        lambda: run(session, "1"),
        lambda: session.shell("true"),
        lambda: provider.get(session.session_id),
        session.status,
        session.info,
        session.labels,
        session.keep_alive,
        session.contexts,
        session.link,
    ]
    for call in calls:
        with pytest.raises(SessionGone):
            await call()


@pytest.mark.parametrize("place", ["pipe"])  # it starts a service
async def test_a_service_that_died_takes_its_sessions_and_a_new_one_is_started(provider, session):
    await run(session, "1")
    await asyncio.to_thread(stop_service)
    for call in (lambda: run(session, "1"), session.status, lambda: session.shell("true")):
        with pytest.raises(SessionGone):
            await asyncio.wait_for(call(), 20)
    new = await provider.create(SessionSpec("code_latest"))
    assert (await run(new, "1"))[0].ok
    await new.delete()


@pytest.mark.parametrize("place", ["pipe"])  # it starts a service
async def test_a_service_that_ended_between_start_and_request_is_started_anew(
    provider, monkeypatch
):
    started = LocalProvider._start
    starts = []

    async def start_and_end(self):
        await started(self)
        starts.append(self.endpoint)
        if len(starts) == 1:
            await asyncio.to_thread(stop_service)

    monkeypatch.setattr(LocalProvider, "_start", start_and_end)
    session = await provider.create(SessionSpec("code_latest"))
    assert len(set(starts)) == 2
    await session.delete()


def test_auto_is_local_without_a_key():
    options = AgentBayOptions(provider="auto")
    assert str(providers.choose(options)) == "local: no AGENTBAY_API_KEY is set"


def test_auto_is_agentbay_with_its_key(monkeypatch):
    monkeypatch.setenv("AGENTBAY_API_KEY", "akm-x")
    options = AgentBayOptions(provider="auto")
    assert providers.choose(options) == Choice("agentbay", "AGENTBAY_API_KEY is set")
    assert providers.make(options).name == "agentbay"


def test_an_explicit_provider_has_precedence_over_a_key(monkeypatch):
    monkeypatch.setenv("AGENTBAY_API_KEY", "akm-x")
    assert providers.choose(AgentBayOptions(provider="local")).name == "local"


@pytest.mark.parametrize("place", ["pipe"])  # the endpoint is the local service
async def test_auto_is_local_when_the_endpoint_is_our_own_service(session, monkeypatch):
    monkeypatch.setenv("AGENTBAY_API_KEY", "akm-x")
    options = AgentBayOptions(provider="auto", endpoint=runtime.read().api_url)
    assert providers.choose(options) == Choice("local", "AGENTBAY_ENDPOINT is the local service")


def test_an_agb_key_without_its_extra_says_so(monkeypatch):
    monkeypatch.setattr(providers, "_agb_installed", lambda: False)
    monkeypatch.setenv("AGB_API_KEY", "k")
    assert "not installed" in providers.choose(AgentBayOptions(provider="auto")).reason


async def test_agb_without_its_extra_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("agentbay_kernel.providers._agb_sdk.installed", lambda: False)
    monkeypatch.setenv("AGB_API_KEY", "k")
    provider = providers.make(AgentBayOptions(provider="agb"))
    with pytest.raises(NotSupported, match=r"pip install 'agentbay-kernel\[agb\]'"):
        await provider.list({})


def test_auto_is_agb_with_only_its_key(monkeypatch):
    monkeypatch.setenv("AGB_API_KEY", "k")
    options = AgentBayOptions(provider="auto")
    assert providers.choose(options) == Choice("agb", "AGB_API_KEY is set")
    assert providers.make(options).name == "agb"
    monkeypatch.setenv("AGENTBAY_API_KEY", "akm-x")
    assert providers.choose(options).name == "agentbay"


def test_agb_is_where_its_endpoint_says(monkeypatch):
    options = AgentBayOptions(provider="agb")
    assert providers.make(options).endpoint == "sdk-api.agb.cloud"
    monkeypatch.setenv("AGB_ENDPOINT", "http://127.0.0.1:9")
    assert providers.make(options).endpoint == "http://127.0.0.1:9"
