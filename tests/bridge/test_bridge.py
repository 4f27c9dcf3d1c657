"""What the bridge does with an interpreter that has no hooks, lost them, or died."""

import pytest

from agentbay_kernel.bridge.bridge import REPLACED, Bridge
from agentbay_kernel.bridge.run import Cell
from agentbay_kernel.events import CellError, ExecuteResult, Stream
from agentbay_kernel.remote import frames
from agentbay_kernel.session import RunResult
from tests.fakes import FakeSession

SYNTAX = CellError("SyntaxError", "invalid syntax", ("SyntaxError: invalid syntax",))
HELLO = {
    "python": "3.11", "ipython": "9", "executable": "/py", "control": "/tmp/a/control",
    "relay": "/tmp/a/relay.py", "inner_kernel": False, "loop": True, "comm": True,
}  # fmt: skip


class Front:
    """Nobody in front."""

    def publish(self, parent, event):
        raise AssertionError(event)

    def is_local_comm(self, comm_id):
        return False


class Interpreter:
    """Behaves towards `run_code` as one that takes the hooks; `die` and `replace` end it."""

    def __init__(self):
        self.nonce = ""
        self.cells = []
        self.dies = False

    def replace(self):
        self.nonce = ""

    async def __call__(self, code, emit):
        first = code.startswith("await (lambda z, b")
        if not first and (not self.nonce or not code.startswith(frames.MARK + self.nonce)):
            emit(SYNTAX)
            return RunResult(ok=False)
        if first:
            self.nonce = code[code.index(frames.MARK) + 3 :][:12]
            self.say(emit, "hello", HELLO, "")
        self.cells.append(code)
        self.say(emit, "begin", {}, "m")
        if self.dies:
            self.dies = False
            self.nonce = ""
            emit(CellError("InterpreterDied", "Python ended with signal 9", ("",)))
            return RunResult(ok=False)
        self.say(emit, "reply", {"status": "ok", "payload": [], "user_expressions": {}}, "m")
        return RunResult(ok=True)

    def say(self, emit, kind, content, parent):
        text = frames.dumps({"t": kind, "c": content, "p": parent})
        mark = frames.MARK + self.nonce
        emit(Stream("stdout", f"{frames.head(mark, 'j', len(text), 0)}{text}\n"))


@pytest.fixture
def interpreter():
    return Interpreter()


@pytest.fixture
async def run(interpreter):
    session = FakeSession(behave=interpreter)
    bridge = Bridge(session, Front())
    events = []

    async def run(code="x", start=()):
        events.clear()
        cell = Cell(code, request="m", start=start)
        return await bridge.run(cell, events.append, timeout=10), list(events)

    run.bridge, run.session = bridge, session
    yield run
    await bridge.close()


async def test_the_hooks_come_once_with_the_first_cell(run, interpreter):
    await run("a")
    await run("b")
    assert [text.startswith("await (lambda") for text in interpreter.cells] == [True, False]


async def test_an_interpreter_without_hooks_runs_each_cell_once_as_typed(run):
    async def plain(code, emit):
        if code.startswith("await"):
            emit(SYNTAX)
            return RunResult(ok=False)
        emit(ExecuteResult({"text/plain": code}))
        return RunResult(ok=True)

    run.session.behave = plain
    _, events = await run("a")
    assert events == [ExecuteResult({"text/plain": "a"})]
    await run("b")
    assert run.session.ran[1:] == ["a", "b"]
    assert "SyntaxError" in run.bridge.plain_because


async def test_a_replaced_interpreter_gets_the_hooks_again_and_it_is_said_once(run, interpreter):
    await run("a")
    interpreter.replace()
    reply, events = await run("b")
    assert reply.ok
    assert events == [Stream("stderr", REPLACED)]
    assert "b" in interpreter.cells[-1]
    _, events = await run("c")
    assert events == []


async def test_a_death_is_an_error_that_says_what_is_left(run, interpreter):
    await run("a")
    interpreter.dies = True
    reply, events = await run("b")
    assert not reply.ok
    assert events[-1].ename == "InterpreterDied"
    assert "files are kept" in events[-1].traceback[-1]
    _, events = await run("c")
    assert events == [Stream("stderr", REPLACED)]


def given(interpreter):
    return ["front_end = 1" in text for text in interpreter.cells]


async def test_start_up_code_comes_once_with_the_first_cell(run, interpreter):
    for code in ("a", "b"):
        await run(code, start=("front_end = 1",))
    assert given(interpreter) == [True, False]


async def test_start_up_code_that_comes_later_goes_with_the_next_cell(run, interpreter):
    await run("a")
    for code in ("b", "c"):
        await run(code, start=("front_end = 1",))
    assert given(interpreter) == [False, True, False]


async def test_a_new_interpreter_gets_the_start_up_code_again(run, interpreter):
    await run("a", start=("front_end = 1",))
    interpreter.replace()
    await run("b", start=("front_end = 1",))
    assert given(interpreter) == [True, True]


async def test_start_up_code_that_runs_as_a_cell_is_not_sent_twice(run, interpreter):
    await run("front_end = 1", start=("front_end = 1",))
    assert interpreter.cells[-1].count("front_end = 1") == 1
    await run("b", start=("front_end = 1",))
    assert given(interpreter) == [True, False]
