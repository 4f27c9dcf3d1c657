"""A session's sandbox on this computer, seen from the service."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import os
import shutil
import signal
import stat
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service import environment, isolation, layer
from agentbay_kernel.service.control import Control
from agentbay_kernel.service.interpreter import Emit, Interpreter, Verdict
from agentbay_kernel.service.port import RunEnd, SandboxGone, SandboxSpec, ToolFailure
from agentbay_kernel.service.workers.limits import GRACE_SECONDS
from agentbay_kernel.service.workers.paths import HOME, WORKSPACE

if TYPE_CHECKING:
    from pathlib import Path

    from agentbay_kernel.service.frames import Message

LANGUAGES = ("python", "javascript", "r", "java")

OnOutput = Callable[[str, bytes], None]
OnExit = Callable[[str, int], None]
OnChange = Callable[[list[dict[str, str]]], None]


class LocalSandbox:
    """Implements the port `Sandbox` with processes on this computer.

    The host folders of `spec.mounts` and of `bind` are working copies; those of `bind` lie below
    `spec.root/mounts`. The first stand at their paths by a bind mount, the later ones by a
    symbolic link. Without bwrap all are links, and the session's `/` is the folder `spec.root/fs`.
    """

    def __init__(self, spec: SandboxSpec, *, isolation: str = "auto") -> None:
        self._spec = spec
        self._wanted = isolation
        self.isolation = ""
        self._mounts = dict(spec.mounts)
        self._control = Control(self._on_event, self._on_gone)
        self._emits: dict[int, Emit] = {}
        self._terminals: dict[str, tuple[OnOutput, OnExit]] = {}
        self._opening: list[Message] | None = None
        self._watches: dict[str, OnChange] = {}
        self._interpreter: Interpreter | None = None
        self._launching = asyncio.Lock()
        self._turns = {language: asyncio.Lock() for language in LANGUAGES}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._runs = 0
        self._paused = False
        self._closing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the supervisor and an interpreter in readiness; raises SandboxGone."""
        spec = self._spec
        try:
            await asyncio.to_thread(isolation.prepare, spec.root)
            box = await asyncio.to_thread(
                isolation.choose, spec.root, spec.mounts, wanted=self._wanted
            )
            self.isolation = box.note
            env = environment.make(box.prefix, spec.env)
            python = [f"{box.prefix}{layer.PLACE}/bin/python", "-P"]
            setup = {
                "root": box.prefix,
                "allowed": [str(spec.root / "mounts"), *map(str, spec.mounts.values())],
                "env": env,
                "limits": dataclasses.asdict(spec.limits),
                "python": python,
                "engine": spec.engine,
            }
            cwd = box.prefix + WORKSPACE if box.prefix else "/"
            command = [*box.command, *python]
            await self._control.start(command, env, setup, spec.root / "log", cwd)
            await self._launch()
        except OSError as error:
            raise SandboxGone(f"The session could not be started: {error}") from error

    async def run_code(
        self,
        code: str,
        language: str,
        timeout: float,
        emit: Callable[[Message], None],
        ready: asyncio.Event | None = None,
    ) -> RunEnd:
        """Run code; a caller that goes away leaves it running, as in the cloud."""
        if language not in self._turns:
            raise ToolFailure(f"Unknown language: {language}")
        if language == "python":
            run = self._python(code, timeout, emit, ready)
        else:
            run = self._other(language, code, timeout, emit)
        return await asyncio.shield(self._keep(run))

    async def call(self, tool: str, args: Mapping[str, Any]) -> str:
        """Run one tool; variables of `set_env` reach the interpreter before its next run."""
        text: str = await self._control.ask("call", tool=tool, args=dict(args))
        if tool == "set_env" and self._interpreter is not None:
            variables = {entry["key"]: str(entry["value"]) for entry in args["envs"]}
            self._interpreter.set_environment(variables)
        return text

    async def pty_create(
        self,
        *,
        cols: int,
        rows: int,
        cwd: str | None,
        env: Mapping[str, str],
        shell: str | None,
        on_output: OnOutput,
        on_exit: OnExit,
    ) -> str:
        """Open a terminal and give its id."""
        pty_id = uuid.uuid4().hex
        self._terminals[pty_id] = (on_output, on_exit)
        try:
            await self._control.ask(
                "pty_create", pty=pty_id, cols=cols, rows=rows, cwd=cwd, env=dict(env), shell=shell
            )
        except BaseException:
            del self._terminals[pty_id]
            raise
        return pty_id

    async def pty_input(self, pty_id: str, data: bytes) -> None:
        """Type into a terminal."""
        await self._control.ask("pty_input", pty=pty_id, data=base64.b64encode(data).decode())

    async def pty_resize(self, pty_id: str, cols: int, rows: int) -> None:
        """Change a terminal's size."""
        await self._control.ask("pty_resize", pty=pty_id, cols=cols, rows=rows)

    async def pty_kill(self, pty_id: str) -> None:
        """End a terminal and what runs in it."""
        await self._control.ask("pty_kill", pty=pty_id)

    async def pty_list(self) -> Sequence[str]:
        """The ids of the open terminals."""
        terminals: list[str] = await self._control.ask("pty_list")
        return terminals

    async def watch(self, path: str, on_change: OnChange) -> Callable[[], None]:
        """Report changes below a folder; the answer stops it."""
        watch_id = uuid.uuid4().hex
        self._watches[watch_id] = on_change
        try:
            await self._control.ask("watch", watch_id=watch_id, path=path)
        except BaseException:
            del self._watches[watch_id]
            raise

        def stop() -> None:
            if self._watches.pop(watch_id, None) is not None and not self._control.gone:
                self._keep(self._control.ask("unwatch", watch_id=watch_id))

        return stop

    async def bind(self, path: str, source: Path) -> None:
        """Let a folder of `spec.root/mounts` appear at a path of the running session."""
        below = self._spec.root / "mounts"
        if not source.is_relative_to(below):
            raise ToolFailure(f"Only a folder below {below} can be bound to a running session")
        bound = str(source)
        if not self._prefix:
            bound = os.path.join(isolation.MOUNTS, source.relative_to(below))
        await self._control.ask("bind", path=path, source=bound)
        self._mounts[path] = source

    async def pause(self) -> None:
        """Stop every process of the session; the time of a running cell stops too."""
        self._paused = True
        await self._control.ask("stop")

    async def resume(self) -> None:
        """Let them go on."""
        await self._control.ask("continue")
        self._paused = False

    def host_path(self, path: str) -> Path:
        """Where a path of the session's own files lies on the host; refuses links that lead out."""
        if self._prefix and path.startswith(self._prefix):
            path = path[len(self._prefix) :]
        path = os.path.normpath(os.path.join(WORKSPACE, path))
        tree = self._spec.root / "fs"
        own = {folder: tree / folder[1:] for folder in (WORKSPACE, HOME, "/tmp")} | self._mounts
        for folder in sorted(own, key=len, reverse=True):
            if path == folder or path.startswith(folder.rstrip("/") + "/"):
                base = own[folder].resolve()
                found = own[folder] / os.path.relpath(path, folder)
                if not found.resolve().is_relative_to(base):
                    raise ToolFailure(f"The path leads out of the session: {path}")
                return found
        raise ToolFailure(f"The path is not of the session's own files: {path}")

    def pids(self) -> set[int]:
        """The host's pids of every process of the session."""
        return self._control.pids()

    async def close(self) -> None:
        """End every process and remove `root`; safe to call twice."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    @property
    def _prefix(self) -> str:
        return "" if self.isolation == "bwrap" else str(self._spec.root / "fs")

    async def _python(
        self, code: str, seconds: float, emit: Emit, ready: asyncio.Event | None
    ) -> RunEnd:
        async with self._turns["python"]:
            interpreter = self._interpreter or await self._launch()
            begun = time.monotonic()
            late = _Late(emit)
            done = interpreter.run(code, late, ready)
            if await self._within(done, seconds):
                verdict = done.result()
            else:
                late.hide_interrupt()
                interpreter.hurry()
                verdict = await self._stop(done)
                text = f"TimeoutError: the code ran longer than {seconds:g} seconds"
                verdict = Verdict(verdict.count, text, died=True)
            if self._control.gone:
                raise SandboxGone(self._control.gone)
            if verdict.died:
                emit(_error(verdict.error))
            took = time.monotonic() - begun
        return RunEnd(not verdict.error, verdict.count, took, verdict.error)

    async def _other(self, language: str, code: str, seconds: float, emit: Emit) -> RunEnd:
        async with self._turns[language]:
            self._runs += 1
            run, begun = self._runs, time.monotonic()
            self._emits[run] = late = _Late(emit)
            try:
                error: str = await self._control.ask(
                    "language", run=run, language=language, code=code, seconds=seconds
                )
            finally:
                del self._emits[run]
            if error and not late.told:
                emit(_error(error))
        return RunEnd(not error, None, time.monotonic() - begun, error)

    async def _stop(self, done: asyncio.Future[Verdict]) -> Verdict:
        await self._control.ask("signal", number=signal.SIGINT)
        if not await self._within(done, GRACE_SECONDS):
            await self._control.ask("signal", number=signal.SIGKILL)
        return await done

    async def _within(self, done: asyncio.Future[Any], seconds: float) -> bool:
        while True:
            finished, _ = await asyncio.wait([done], timeout=seconds if seconds > 0 else None)
            if finished or not self._paused:
                return bool(finished)

    async def _launch(self) -> Interpreter:
        async with self._launching:
            if self._interpreter is None:
                interpreter = Interpreter()
                try:
                    self._control.hand_over(interpreter.theirs)
                    interpreter.pid = await self._control.ask("worker")
                except BaseException:
                    interpreter.close()
                    raise
                interpreter.theirs.close()
                self._interpreter = interpreter
            return self._interpreter

    def _on_event(self, message: Message) -> None:
        kind = message["event"]
        if kind == "run" and message["run"] in self._emits:
            self._emits[message["run"]](message["data"])
        elif kind == "worker_end":
            self._on_worker_end(message["pid"], message["how"])
        elif kind == "pty_output" and message["pty"] in self._terminals:
            on_output, _ = self._terminals[message["pty"]]
            on_output(message["pty"], base64.b64decode(message["data"]))
        elif kind == "pty_exit" and message["pty"] in self._terminals:
            _, on_exit = self._terminals.pop(message["pty"])
            on_exit(message["pty"], message["code"])
        elif kind == "watch" and message["watch"] in self._watches:
            self._watches[message["watch"]](message["changes"])

    def _on_worker_end(self, pid: int, how: str) -> None:
        interpreter = self._interpreter
        if interpreter is None or interpreter.pid != pid:
            return
        self._interpreter = None
        interpreter.end(how)
        if interpreter.ready:
            # one that never got ready would end so again: that waits for the next run
            self._keep(self._launch())

    def _on_gone(self) -> None:
        interpreter, self._interpreter = self._interpreter, None
        if interpreter is not None:
            interpreter.end(f"SandboxGone: {self._control.gone}")

    def _keep(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have gone away; nobody else wants it

    async def _close(self) -> None:
        await self._control.end()
        self._on_gone()
        await asyncio.to_thread(_remove, self._spec.root)


class _Late:
    """Passes events on until it is told to hide the interrupt that the service itself made."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._hide = False
        self.told = False

    def hide_interrupt(self) -> None:
        self._hide = True

    def __call__(self, event: Message) -> None:
        failed = event["eventType"] == "error"
        self.told |= failed
        if not (self._hide and failed and event["error"]["code"] == "KeyboardInterrupt"):
            self._emit(event)


def _error(text: str) -> Message:
    name, _, message = text.partition(": ")
    error = {"code": name, "message": message, "traceId": "", "traceback": [text]}
    return {"eventType": "error", "error": error}


def _remove(root: Path) -> None:
    def again(remove: Callable[[str], Any], path: str, _: Any) -> None:
        for one in (os.path.dirname(path), path):
            if not os.path.islink(one) and os.path.isdir(one):
                os.chmod(one, stat.S_IRWXU)
        whole = os.path.isdir(path) and not os.path.islink(path)
        with contextlib.suppress(OSError):  # seen below
            shutil.rmtree(path) if whole else remove(path)

    for _ in range(3):
        if not root.exists():
            return
        shutil.rmtree(root, onerror=again)
