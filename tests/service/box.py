"""A sandbox in memory and folders, for what is in front of it."""

from __future__ import annotations

import os
import shutil

from agentbay_kernel.service.port import RunEnd, SandboxGone, ToolFailure

SHELL = '{"stdout":"%s","stderr":"","exit_code":0,"traceId":""}'


class FakeBox:
    """`run_code` plays the events in `script`; what is not scripted echoes the code."""

    isolation = "fake"

    def __init__(self, spec):
        self.spec, self.script, self.closed = spec, None, False
        self.calls, self.own_pids, self.terminals, self.watchers = [], {os.getpid()}, {}, {}
        self.fails, self.answers = None, {"get_env": "{}", "get_metrics": "{}"}

    async def start(self):
        (self.spec.root / "files").mkdir()
        if self.fails:
            raise self.fails

    async def run_code(self, code, language, timeout, emit, ready=None):
        if self.script is not None:
            return await self.script(code, emit)
        if code == "die":
            raise SandboxGone("killed")
        emit({"eventType": "stdout", "chunk": code})
        return RunEnd(True, 1, 0.25)

    async def call(self, tool, args):
        self.calls.append((tool, dict(args)))
        if args.get("path") == "/missing":
            raise ToolFailure("no such file")
        return self.answers.get(tool, SHELL % "done")

    async def pty_create(self, *, cols, rows, cwd, env, shell, on_output, on_exit):
        pty_id = f"pty-{len(self.terminals)}"
        self.terminals[pty_id] = (on_output, on_exit)
        on_output(pty_id, b"first ")
        return pty_id

    async def pty_input(self, pty_id, data):
        self.terminals[pty_id][0](pty_id, data)

    async def pty_resize(self, pty_id, cols, rows):
        self.calls.append(("resize", {"cols": cols, "rows": rows}))

    async def pty_kill(self, pty_id):
        self.terminals.pop(pty_id)[1](pty_id, 9)

    async def pty_list(self):
        return list(self.terminals)

    async def watch(self, path, on_change):
        self.watchers[path] = on_change
        return lambda: self.watchers.pop(path)

    async def bind(self, path, source):
        self.calls.append(("bind", {"path": path, "source": source}))

    async def pause(self):
        self.calls.append(("pause", {}))

    async def resume(self):
        self.calls.append(("resume", {}))

    def host_path(self, path):
        return self.spec.root / "files" / path.lstrip("/")

    def pids(self):
        return self.own_pids

    async def close(self):
        self.closed = True
        shutil.rmtree(self.spec.root, ignore_errors=True)
