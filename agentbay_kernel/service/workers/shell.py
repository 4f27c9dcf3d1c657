"""The shell tool: one command in a fresh shell."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.workers import pipes
from agentbay_kernel.service.workers.failure import ToolError, explain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentbay_kernel.service.workers.children import Child, Children

OUTPUT_BYTES = 16 << 20
TIMED_OUT = "Execution failed. Error code:-1 Error message: [timeout]"
END_SECONDS = 0.5


class Output(asyncio.Protocol):
    """Keeps the beginning of a stream and goes on reading the rest.

    Reading goes on after the answer, so that a process left in the background can write on.
    """

    def __init__(self) -> None:
        self._kept = bytearray()
        self._cut = False
        self.closed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Keep what there is room for."""
        room = OUTPUT_BYTES - len(self._kept)
        self._kept += data[:room]
        self._cut |= len(data) > room

    def connection_lost(self, exc: Exception | None) -> None:
        """The stream has ended."""
        self.closed.set()

    def text(self) -> str:
        """What was written, and a note when it was too long."""
        text = self._kept.decode(errors="replace")
        return f"{text}\n[output cut after {OUTPUT_BYTES >> 20} MiB]\n" if self._cut else text


async def run(
    children: Children,
    command: str,
    *,
    cwd: str,
    env: Mapping[str, str],
    seconds: float,
) -> str:
    """Run a command and give the wire's JSON; raises ToolError when it takes too long."""
    out, err = Output(), Output()
    child = await _start(children, command, cwd, env, (out, err))
    try:
        code = await asyncio.wait_for(asyncio.shield(child.ended), seconds)
    except TimeoutError:
        child.signal(signal.SIGKILL)
        raise ToolError(TIMED_OUT) from None
    await _settle(out, err)
    answer: dict[str, Any] = {
        "stdout": out.text(),
        "stderr": err.text(),
        "exit_code": code if code >= 0 else 128 - code,
        "traceId": "",
    }
    return json.dumps(answer)


async def _start(
    children: Children,
    command: str,
    cwd: str,
    env: Mapping[str, str],
    outputs: tuple[Output, Output],
) -> Child:
    shell = shutil.which("bash", path=env.get("PATH")) or "/bin/sh"
    async with pipes.read_by(*outputs) as (out, err):
        try:
            return children.spawn(
                [shell, "-c", command],
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        except OSError as error:
            raise explain(error, cwd) from error


async def _settle(*outputs: Output) -> None:
    # all that the shell itself wrote is in the pipes when it ends; a process that it left behind
    # may hold them open
    closed = asyncio.gather(*(output.closed.wait() for output in outputs))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(closed, END_SECONDS)
