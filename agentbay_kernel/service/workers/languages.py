"""The other languages: one R and one Java for the whole session, a Node.js for each cell."""

from __future__ import annotations

import asyncio
import base64
import codecs
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.workers import node
from agentbay_kernel.service.workers.failure import ToolError, describe
from agentbay_kernel.service.workers.limits import GRACE_SECONDS

if TYPE_CHECKING:
    from agentbay_kernel.service.workers.children import Child, Children

Emit = Callable[[dict[str, Any]], None]

_FOLDER = Path(__file__).parent
_FIELD, _RECORD = "\x1f", "\x1e"


@dataclass(frozen=True, slots=True)
class Language:
    """How a language is started; `needs` is a program that only a whole installation has."""

    title: str
    needs: str
    command: Sequence[str]
    missing: str


LANGUAGES = {
    "r": Language(
        "R",
        "Rscript",
        ("Rscript", "--vanilla", str(_FOLDER / "cell.R")),
        "R is not installed on this computer: apt-get install r-base-core",
    ),
    "java": Language(
        "Java",
        "jshell",
        (
            "java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
            "--add-modules", "jdk.jshell", str(_FOLDER / "Cell.java"),
        ),
        "Java needs a JDK, which is not installed on this computer: "
        "apt-get install default-jdk-headless",
    ),
}  # fmt: skip


class _Pipe:
    """The end of a pipe that is read here; `drain` takes all that has been written until now."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._reader, self.theirs = os.pipe()
        os.set_blocking(self._reader, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._reader, self._read)
        self._open = True

    def drain(self) -> None:
        while self._open and self._read():
            pass

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._reader)
            os.close(self._reader)

    def _read(self) -> bool:
        try:
            data = os.read(self._reader, node.PIECE_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self.close()
            return False
        if text := self._decoder.decode(data):
            self._take(text)
        return True


class Interpreter:
    """One language's process."""

    def __init__(
        self, children: Children, language: Language, *, cwd: str, env: Mapping[str, str]
    ) -> None:
        program = shutil.which(language.command[0], path=env.get("PATH"))
        if program is None or shutil.which(language.needs, path=env.get("PATH")) is None:
            raise ToolError(language.missing)
        self._title = language.title
        self._emit: Emit = _unheard
        self._done: asyncio.Future[str] | None = None
        self._error = self._text = ""
        self._pipes = [
            _Pipe(lambda text: self._emit({"eventType": "stdout", "chunk": text})),
            _Pipe(lambda text: self._emit({"eventType": "stderr", "chunk": text})),
            _Pipe(self._on_verdict),
        ]
        source, self._requests = os.pipe()
        ends = [source, *(pipe.theirs for pipe in self._pipes)]
        try:
            self._child = self._start(children, [program, *language.command[1:]], cwd, env, ends)
        except BaseException:
            self.close()
            raise
        finally:
            for end in ends:
                os.close(end)
        self._child.ended.add_done_callback(self._on_end)

    @property
    def alive(self) -> bool:
        """Whether it can take another cell."""
        return not self._child.ended.done()

    async def run(self, code: str, seconds: float, emit: Emit) -> str:
        """Run code and emit the wire's events; gives the error as `Name: message`, or nothing."""
        self._emit, self._error = emit, ""
        self._done = done = asyncio.get_running_loop().create_future()
        data = code.encode("utf-8", "replace")
        sending = asyncio.to_thread(_send, self._requests, len(data).to_bytes(4, "big") + data)
        try:
            with contextlib.suppress(BrokenPipeError):
                await sending
            return await asyncio.wait_for(asyncio.shield(done), seconds)
        except TimeoutError:
            self._emit = lambda event: None if event["eventType"] == "error" else emit(event)
            await self._stop(done)
            return f"TimeoutError: the code ran longer than {seconds:g} seconds"
        finally:
            self._emit, self._done = _unheard, None

    def close(self) -> None:
        """Let go of its pipes."""
        for pipe in self._pipes:
            pipe.close()
        if self._requests >= 0:
            os.close(self._requests)
            self._requests = -1

    def _start(
        self,
        children: Children,
        words: list[str],
        cwd: str,
        env: Mapping[str, str],
        ends: list[int],
    ) -> Child:
        source, out, err, verdict = ends
        with open(os.devnull, "rb") as nothing:
            return children.spawn(
                [*words, str(source), str(verdict)],
                env=env, cwd=cwd, stdin=nothing, stdout=out, stderr=err,
                pass_fds=[source, verdict],
            )  # fmt: skip

    async def _stop(self, done: asyncio.Future[str]) -> None:
        self._child.signal(signal.SIGINT)
        finished, _ = await asyncio.wait([done], timeout=GRACE_SECONDS)
        if not finished:
            self._child.signal(signal.SIGKILL)
            await done

    def _on_end(self, ended: asyncio.Future[int]) -> None:
        for pipe in self._pipes:
            pipe.drain()
        self.close()
        if self._done is not None and not self._done.done():
            how = describe(ended.result())
            self._done.set_result(f"InterpreterDied: {self._title} ended with {how}")

    def _on_verdict(self, text: str) -> None:
        *records, self._text = (self._text + text).split(_RECORD)
        for record in records:
            kind, *fields = record.split(_FIELD)
            # What was written before is in the pipes already.
            self._pipes[0].drain()
            self._pipes[1].drain()
            self._on_record(kind, fields)

    def _on_record(self, kind: str, fields: list[str]) -> None:
        if kind == "done":
            if self._done is not None and not self._done.done():
                self._done.set_result(self._error)
        elif kind == "value":
            self._emit(_result({"text/plain": fields[0]}, main=True))
        elif kind == "plot":
            with contextlib.suppress(OSError):
                data = Path(fields[0]).read_bytes()
                os.unlink(fields[0])
                self._emit(_result({"image/png": base64.b64encode(data).decode()}, main=False))
        elif kind == "error":
            name, message, trace = fields
            self._error = f"{name}: {message}"
            error = {"code": name, "message": message, "traceId": ""}
            self._emit({"eventType": "error", "error": {**error, "traceback": trace.split("\n")}})


class Languages:
    """The session's interpreters, each started with its first cell."""

    def __init__(self, children: Children, env: Mapping[str, str], cwd: str) -> None:
        self._children = children
        self._env = env
        self._cwd = cwd
        self._running: dict[str, Interpreter] = {}

    async def run(self, language: str, code: str, seconds: float, emit: Emit) -> str:
        """Run code; gives the error as `Name: message`, or nothing."""
        if language == "javascript":
            children, cwd, env = self._children, self._cwd, self._env
            return await node.run(children, code, cwd=cwd, env=env, seconds=seconds, emit=emit)
        found = self._running.get(language)
        if found is None or not found.alive:
            kind = LANGUAGES[language]
            found = Interpreter(self._children, kind, cwd=self._cwd, env=self._env)
            self._running[language] = found
        return await found.run(code, seconds, emit)


def _send(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _result(mime: dict[str, str], *, main: bool) -> dict[str, Any]:
    result = {"isMainResult": main, "mime": mime, "metadata": {}}
    return {"eventType": "result", "result": result}


def _unheard(_event: dict[str, Any]) -> None:
    pass
