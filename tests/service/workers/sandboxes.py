"""A sandbox for a test, and what its runs said."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from agentbay_kernel import interpreter
from agentbay_kernel.service.port import Limits, RunEnd, SandboxSpec
from agentbay_kernel.service.sandbox import LocalSandbox
from agentbay_kernel.session import ShellResult

MODES = ("auto", "folder")
ENGINES = (("auto", "pipe"), ("folder", "pipe"), ("auto", "ipykernel"))
"""The isolations and engines in which a run must be the same."""


class _Shell:
    """A session as far as the search for its interpreter uses one."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def shell(self, command: str, timeout: float) -> ShellResult:
        done = await self._box.shell(command, timeout_ms=int(timeout * 1000))
        return ShellResult(done["stdout"], done["stderr"], done["exit_code"])


class Box:
    """A started sandbox with short ways to use it."""

    def __init__(self, sandbox: LocalSandbox, root: Path) -> None:
        self.sandbox = sandbox
        self.root = root
        self.events: list[dict[str, Any]] = []

    async def run(self, code: str, language: str = "python", timeout: float = 20) -> RunEnd:
        """Run code; what it emits is in `events`."""
        self.events = []
        return await self.sandbox.run_code(code, language, timeout, self.events.append)

    async def call(self, tool: str, **args: Any) -> str:
        return await self.sandbox.call(tool, args)

    async def shell(self, command: str, **args: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self.call("shell", command=command, **args))
        return answer

    async def interrupt(self) -> interpreter.Process:
        return await self.signal("INT")

    async def find(self) -> interpreter.Process:
        return await interpreter.find(_Shell(self))  # type: ignore[arg-type]

    async def signal(self, name: str) -> interpreter.Process:
        """Do what the kernel's Stop does: find the interpreter from the shell and signal it."""
        return await interpreter.signal(_Shell(self), name)  # type: ignore[arg-type]

    def inside(self, path: str) -> str:
        """A path of the session as its processes see it."""
        return path if self.sandbox.isolation == "bwrap" else f"{self.root}/fs{path}"

    def text(self, kind: str = "stdout") -> str:
        return "".join(one["chunk"] for one in self.events if one["eventType"] == kind)

    def results(self) -> list[dict[str, Any]]:
        return [one["result"] for one in self.events if one["eventType"] == "result"]

    def main(self) -> str:
        """The text of the last expression's value."""
        (result,) = [one for one in self.results() if one["isMainResult"]]
        return str(result["mime"]["text/plain"])

    def error(self) -> dict[str, Any]:
        (event,) = [one for one in self.events if one["eventType"] == "error"]
        error: dict[str, Any] = event["error"]
        return error


@contextlib.asynccontextmanager
async def started(
    root: Path, mode: str = "auto", limits: Limits | None = None, **spec: Any
) -> AsyncIterator[Box]:
    """A sandbox that is closed at the end."""
    sandbox = LocalSandbox(
        SandboxSpec("session", root, limits=limits or Limits(), **spec), isolation=mode
    )
    try:
        await sandbox.start()
        yield Box(sandbox, root)
    finally:
        await sandbox.close()


async def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.01)
