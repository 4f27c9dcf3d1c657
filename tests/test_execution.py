import asyncio

import pytest

from agentbay_kernel.bridge.bridge import Bridge
from agentbay_kernel.bridge.run import Cell as Source
from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.errors import ConnectionLost, SessionGone, UsageError
from agentbay_kernel.events import CellError, ClearOutput, DisplayData, ExecuteResult, Stream
from agentbay_kernel.execution import Execution
from agentbay_kernel.places import Place, Places
from agentbay_kernel.session import RunResult
from agentbay_kernel.stop import GOES_ON
from tests.fakes import FakeSession

INTERRUPTED = CellError("KeyboardInterrupt", "", ("KeyboardInterrupt:",))


class Manager:
    """As much of a SessionManager as running a cell needs."""

    busy = False
    at_hand = True

    def __init__(self, session):
        self.options = AgentBayOptions(interrupt_grace_seconds=0.2)
        self.session = session
        self.lost_with = None
        self.state = type("S", (), {"value": "ready"})

    async def ensure(self):
        return self.session

    def used(self):
        pass

    def lost(self, error):
        self.lost_with = error


class Cell:
    """Runs one cell against a fake session and keeps its events."""

    def __init__(self, behave=None, magic=None):
        self.session = FakeSession(behave=behave)
        self.manager = Manager(self.session)
        self.events = []
        bridge = Bridge(self.session, front=None)
        bridge.plain_because = "these tests are about what comes above it"
        bridges = type("B", (), {"of": lambda self, session: bridge})()
        self.places = Places(lambda name: Place(name, self.manager, bridges))
        self.execution = Execution(self.places, magic or self.no_magic, self.no_magic)

    async def no_magic(self, *_):
        return None

    async def run(self, text="x"):
        return (await self.execution.run(Source(text), self.events.append)).error


async def test_events_come_in_order():
    async def behave(_code, emit):
        emit(Stream("stdout", "a"))
        emit(ExecuteResult({"text/plain": "1"}))

    cell = Cell(behave)
    assert await cell.run() is None
    assert cell.events == [Stream("stdout", "a"), ExecuteResult({"text/plain": "1"})]


async def test_an_error_ends_the_cell_and_the_rest_does_not_run():
    error = CellError("ValueError", "no", ("ValueError: no",))

    async def behave(_code, emit):
        emit(error)
        return RunResult(ok=False)

    cell = Cell(behave)
    assert await cell.run("1\n%fs ls\n2") == error
    assert len(cell.session.ran) == 1
    assert cell.events == [error]


async def test_a_magics_error_is_a_true_error_with_one_line():
    async def magic(_magic, _emit, _inside):
        raise UsageError("no such thing", next_step="Try another")

    cell = Cell(magic=magic)
    error = await cell.run("%fs ls")
    assert error.ename == "UsageError"
    assert error.evalue == "no such thing. Try another."
    assert len(error.traceback) == 1


async def test_a_fault_of_our_own_is_an_error_too_and_names_the_log():
    async def magic(_magic, _emit, _inside):
        raise TypeError("oops")

    error = await Cell(magic=magic).run("%fs ls")
    assert (error.ename, error.evalue) == ("TypeError", "oops")
    assert "kernel.log" in error.traceback[-1]


async def test_a_session_that_is_gone_is_said_and_forgotten():
    async def behave(_code, _emit):
        raise SessionGone("Session s-1 is gone")

    cell = Cell(behave)
    error = await cell.run()
    assert error.ename == "SessionGone"
    assert "start a new session" in error.evalue
    assert cell.manager.lost_with is not None


async def on_gpu(magic, _emit, inside):
    return await inside.run_at("gpu", magic.body)


@pytest.fixture
def with_gpu():
    """A cell whose notebook has a second session; both give their name as their text."""

    async def behave(_code, emit):
        emit(Stream("stdout", cell.places.current.name))

    cell = Cell(behave, on_gpu)
    cell.places.add("gpu").manager = Manager(cell.session)
    return cell


async def test_a_part_of_a_cell_runs_in_another_place(with_gpu):
    assert await with_gpu.run("%%on gpu\nx") is None
    await with_gpu.run("x")
    assert [event.text for event in with_gpu.events] == ["gpu", "main"]


async def test_a_gone_session_is_forgotten_by_its_own_place_only(with_gpu):
    async def behave(_code, _emit):
        raise SessionGone("Session s-2 is gone")

    with_gpu.session.behave = behave
    error = await with_gpu.run("%%on gpu\nx")
    assert error.ename == "SessionGone"
    assert with_gpu.places.get("gpu").manager.lost_with is not None
    assert with_gpu.manager.lost_with is None


async def test_a_cell_that_is_refused_there_ends_the_visit(with_gpu):
    error = await with_gpu.run("%%on gpu\nif x:\n    %fs ls")
    assert error.ename == "CellRefused"
    assert with_gpu.places.current is with_gpu.places.main
    assert with_gpu.session.ran == []


async def test_every_place_remembers_the_cells_that_ran_elsewhere(with_gpu):
    await with_gpu.run("%%on gpu\nx")
    assert with_gpu.places.get("gpu").missed == []
    assert with_gpu.places.main.missed == [(1, "%%on gpu\nx")]


async def test_a_broken_connection_says_that_the_cell_may_run_on():
    async def behave(_code, _emit):
        raise ConnectionLost("The connection broke")

    assert "may still be running" in (await Cell(behave).run()).evalue


def interruptible(cell, reaction):
    """Let the fake session's cell end when `reaction(signal)` says so."""
    ended = asyncio.Event()

    async def behave(_code, emit):
        await ended.wait()
        emit(INTERRUPTED)
        return RunResult(ok=False)

    cell.session.behave = behave
    cell.session.on_signal = lambda name: ended.set() if reaction(name) else None


async def stop_when_running(cell, times=1, pause=0.0):
    task = asyncio.ensure_future(cell.run())
    while not cell.session.ran:
        await asyncio.sleep(0)
    for _ in range(times):
        cell.execution.stop()
        await asyncio.sleep(pause)
    return await task


async def test_a_stop_interrupts_the_interpreter():
    cell = Cell()
    interruptible(cell, lambda name: True)
    assert await stop_when_running(cell) == INTERRUPTED
    assert cell.session.signals == ["INT"]


async def test_two_quick_stops_do_not_kill():
    cell = Cell()
    interruptible(cell, lambda name: True)
    assert await stop_when_running(cell, times=2) == INTERRUPTED
    assert "KILL" not in cell.session.signals


async def test_a_signal_before_the_cell_has_begun_is_repeated():
    cell = Cell()
    interruptible(cell, lambda name: len(cell.session.signals) > 1)
    assert await stop_when_running(cell) == INTERRUPTED
    assert cell.session.signals == ["INT", "INT"]


async def test_a_late_second_stop_kills_the_interpreter_and_says_what_is_gone(monkeypatch):
    monkeypatch.setattr("agentbay_kernel.stop.BEGINNING_SECONDS", 0)
    cell = Cell()
    interruptible(cell, lambda name: name == "KILL")
    error = await stop_when_running(cell, times=2, pause=0.3)
    assert Stream("stderr", GOES_ON) in cell.events
    assert error.ename == "KeyboardInterrupt"
    assert "names are gone" in error.evalue


async def test_a_session_that_does_not_answer_is_waited_for_no_longer():
    cell = Cell()
    interruptible(cell, lambda name: False)

    async def dead(*_args, **_kwargs):
        await asyncio.Event().wait()

    cell.session.shell = dead
    error = await stop_when_running(cell)
    assert "may still be running" in error.evalue


async def test_a_stop_while_idle_does_nothing():
    Cell().execution.stop()


async def test_a_start_that_has_to_load_something_shows_progress_at_once(monkeypatch):
    monkeypatch.setattr("agentbay_kernel.execution.PROGRESS_SECONDS", 60)
    cell = Cell()
    session, cell.manager.session, cell.manager.at_hand = cell.session, None, False
    ready = asyncio.Event()

    async def ensure():
        await ready.wait()
        return session

    cell.manager.ensure = ensure
    task = asyncio.ensure_future(cell.run("x"))
    async with asyncio.timeout(5):
        while not any(isinstance(event, DisplayData) for event in cell.events):
            await asyncio.sleep(0)
    ready.set()
    assert await task is None


@pytest.mark.parametrize("first", ["", "%agentbay\n"])
async def test_slow_starts_show_progress_that_goes_away_unless_other_output_is_there(
    monkeypatch, first
):
    monkeypatch.setattr("agentbay_kernel.execution.PROGRESS_SECONDS", 0)

    async def magic(_magic, emit, _inside):
        emit(Stream("stdout", "status\n"))

    cell = Cell(magic=magic)
    session, cell.manager.session = cell.session, None
    ready = asyncio.Event()

    async def ensure():
        await ready.wait()
        cell.manager.session = session
        return session

    cell.manager.ensure = ensure
    task = asyncio.ensure_future(cell.run(first + "x"))
    while not any(isinstance(event, DisplayData) for event in cell.events):
        await asyncio.sleep(0)
    ready.set()
    assert await task is None
    assert (ClearOutput() in cell.events) == (first == "")


async def test_stop_during_a_start_ends_the_cell_and_lets_the_session_come():
    cell = Cell()
    cell.manager.session = None
    cell.manager.state.value = "starting"
    waiting = asyncio.Event()

    async def ensure():
        waiting.set()
        await asyncio.Event().wait()

    cell.manager.ensure = ensure
    task = asyncio.ensure_future(cell.run())
    await waiting.wait()
    cell.execution.stop()
    error = await task
    assert (error.ename, "next cell" in error.evalue) == ("KeyboardInterrupt", True)


async def test_a_stop_reaches_the_cell_after_one_whose_connection_broke():
    async def behave(_code, _emit):
        raise ConnectionLost("The connection broke")

    cell = Cell(behave)
    await cell.run()
    cell.manager.session, waiting = None, asyncio.Event()

    async def ensure():
        waiting.set()
        await asyncio.Event().wait()

    cell.manager.ensure = ensure
    task = asyncio.ensure_future(cell.run())
    await waiting.wait()
    cell.execution.stop()
    # `wait_for` would cancel the cell, which looks like the Stop.
    done, _ = await asyncio.wait([task], timeout=5)
    assert done
    assert task.result().ename == "KeyboardInterrupt"
