"""A session and a provider in memory, for units only."""

from __future__ import annotations

import asyncio
import os

from agentbay_kernel.errors import SessionGone
from agentbay_kernel.session import (
    Capabilities,
    FileInfo,
    RunResult,
    SessionInfo,
    SessionPage,
    SessionSummary,
    ShellResult,
)
from agentbay_kernel.tools import ToolContent
from tests.contexts import FakeContexts, FakeMounts


class FakeTools:
    """Tools that answer what `answers` holds under their names, and note what they were given."""

    def __init__(self, *tools):
        self.known = tools
        self.answers = {}
        self.called = []

    async def list(self):
        return self.known

    async def call(self, name, arguments):
        self.called.append((name, dict(arguments)))
        answer = self.answers.get(name, [ToolContent("done")])
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeMachine:
    """A machine that remembers; `error` is raised by whatever is asked."""

    def __init__(self):
        self.environment = {"PATH": "/bin"}
        self.paused = False
        self.error = None

    def _check(self):
        if self.error is not None:
            raise self.error

    async def metrics(self):
        self._check()
        return {"cpu_count": 4, "cpu_used_pct": 12.5, "mem_used": 1 << 30, "mem_total": 4 << 30}

    async def variables(self):
        self._check()
        return dict(self.environment)

    async def set_variables(self, values):
        self._check()
        self.environment |= values

    async def pause(self):
        self._check()
        self.paused = True

    async def resume(self):
        self._check()
        self.paused = False


class FakeFiles:
    """The bytes of files by path; folders are what their paths say."""

    def __init__(self):
        self.held: dict[str, bytes] = {}
        self.fetched = 0

    async def read(self, path):
        return self.held[path]

    async def write(self, path, data):
        self.held[path] = bytes(data)

    async def list(self, path):
        below = path.rstrip("/") + "/"
        names = {each[len(below) :] for each in self.held if each.startswith(below)}
        firsts = sorted({name.partition("/")[0] for name in names})
        return [await self.info(below + name) for name in firsts]

    async def info(self, path):
        if path in self.held:
            return FileInfo(path, False, len(self.held[path]), 1.0)
        folder = any(each.startswith(path.rstrip("/") + "/") for each in self.held)
        return FileInfo(path, True, None, 1.0) if folder else None

    async def fetch(self, path, into, offset, length, seen):
        self.fetched += 1
        os.pwrite(into, self.held[path][offset : offset + length], offset)


class FakeSession:
    """Answers `run_code` by the coroutine function `behave(code, emit)`."""

    image = "code_latest"
    isolation = ""
    idle_minutes = max_minutes = None
    capabilities = Capabilities(stream=True, shell=True)

    def __init__(self, session_id="s-1", behave=None):
        self.session_id = session_id
        self.behave = behave
        self.ran: list[str] = []
        self.signals: list[str] = []
        self.kept_alive = 0
        self.deleted: list[bool] = []
        self.own_labels: dict[str, str] = {}
        self.tools = FakeTools()
        self.machine = FakeMachine()
        self.mounts = FakeMounts()
        self.files = FakeFiles()
        self.pid = 7
        self.on_signal = lambda name: None

    async def run_code(self, code, emit, *, language="python", timeout=0):
        self.ran.append(code)
        result = await self.behave(code, emit) if self.behave else None
        return result or RunResult(ok=True)

    async def shell(self, command, *, timeout=50, cwd=None, env=None):
        pid = self.pid
        for name in ("INT", "KILL"):
            if f"kill -{name} " in command:
                self.signals.append(name)
                self.on_signal(name)
        return ShellResult(f'{{"pid": {pid}, "group": {pid}}}\n', "", 0)

    async def info(self):
        url = "http://127.0.0.1:1/s/secret/?resourceId=r"
        desktop = {"AppId": "a", "Ticket": "very-secret"}
        details = {"VpcId": "vpc-1", "Token": "very-secret", "LinkUrl": "http://h:1/secret"}
        return SessionInfo(self.session_id, "RUNNING", self.image, url, desktop, "r-1", details)

    async def status(self):
        return "RUNNING"

    async def labels(self):
        return dict(self.own_labels)

    async def set_labels(self, labels):
        self.own_labels = dict(labels)

    async def link(self, *, port=None, protocol=None):
        return f"http://user:pw@127.0.0.1:1/request_ai/secret/{port}/"

    async def keep_alive(self):
        self.kept_alive += 1

    async def delete(self, *, sync=False):
        self.deleted.append(sync)


class FakeProvider:
    """Creates and remembers fake sessions; `gate` holds creation back when it is given."""

    name = "local"
    endpoint = "http://127.0.0.1:1"

    def __init__(self, make=FakeSession, gate: asyncio.Event | None = None):
        self.make = make
        self.gate = gate
        self.specs = []
        self.contexts = FakeContexts()
        self.sessions: dict[str, FakeSession] = {}
        self.known_tools = ()

    def fingerprint(self, salt):
        return "f"

    def at_hand(self):
        return True

    async def create(self, spec):
        self.specs.append(spec)
        if self.gate is not None:
            await self.gate.wait()
        session = self.make(f"s-{len(self.specs)}")
        self.sessions[session.session_id] = session
        return session

    async def get(self, session_id):
        if session_id not in self.sessions:
            raise SessionGone(f"There is no session {session_id}")
        return self.sessions[session_id]

    async def tools(self, image):
        return self.known_tools

    async def list(self, labels, *, status=None, limit=10, token=""):
        ids = sorted(self.sessions)
        start = int(token or 0)
        rows = [SessionSummary(each, "RUNNING", "code_latest") for each in ids[start:][:limit]]
        more = start + limit < len(ids)
        return SessionPage(rows, str(start + limit) if more else "", len(ids))

    async def delete(self, session_id, *, sync=False):
        await (await self.get(session_id)).delete(sync=sync)
        del self.sessions[session_id]

    async def vendor_session(self, session_id):
        return ("the vendor's", session_id)

    async def close(self):
        pass
