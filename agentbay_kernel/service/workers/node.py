"""JavaScript in a fresh Node.js each time."""

from __future__ import annotations

import asyncio
import codecs
import json
import shutil
import signal
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.workers import pipes
from agentbay_kernel.service.workers.failure import ToolError, describe

if TYPE_CHECKING:
    from agentbay_kernel.service.workers.children import Child, Children

Emit = Callable[[dict[str, Any]], None]

MISSING = (
    "JavaScript needs Node.js, which is not installed on this computer: apt-get install nodejs"
)
RUNNER = Path(__file__).with_name("cell.js")
PIECE_BYTES = 160 << 10


class _Text(asyncio.Protocol):
    def __init__(self, kind: str, emit: Emit) -> None:
        self._kind = kind
        self._emit = emit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.closed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        for at in range(0, len(data), PIECE_BYTES):
            text = self._decoder.decode(data[at : at + PIECE_BYTES])
            self._emit({"eventType": self._kind, "chunk": text})

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()


class _Verdict(asyncio.Protocol):
    def __init__(self) -> None:
        self._data = bytearray()

    def data_received(self, data: bytes) -> None:
        self._data += data

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._data.splitlines()]


async def run(
    children: Children, code: str, *, cwd: str, env: Mapping[str, str], seconds: float, emit: Emit
) -> str:
    """Run code and emit the wire's events; gives the error as `Name: message`, or nothing."""
    out, err, verdict = _Text("stdout", emit), _Text("stderr", emit), _Verdict()
    child = await _start(children, code, cwd, env, (out, err, verdict))
    try:
        status = await asyncio.wait_for(asyncio.shield(child.ended), seconds)
    except TimeoutError:
        child.signal(signal.SIGKILL)
        return f"TimeoutError: the code ran longer than {seconds:g} seconds"
    for text in (out, err):
        try:
            await asyncio.wait_for(text.closed.wait(), 0.5)
        except TimeoutError:
            continue  # a process that it left behind holds the stream
    return _conclude(verdict.messages(), status, emit)


def _conclude(messages: list[dict[str, Any]], status: int, emit: Emit) -> str:
    for message in messages:
        if "value" in message:
            mime = {"text/plain": message["value"]}
            emit(
                {
                    "eventType": "result",
                    "result": {"isMainResult": True, "mime": mime, "metadata": {}},
                }
            )
        else:
            emit({"eventType": "error", "error": {**message, "traceId": ""}})
            return f"{message['code']}: {message['message']}"
    if status:
        return f"InterpreterDied: Node.js ended with {describe(status)}"
    return ""


async def _start(
    children: Children,
    code: str,
    cwd: str,
    env: Mapping[str, str],
    protocols: tuple[asyncio.Protocol, ...],
) -> Child:
    node = shutil.which("node", path=env.get("PATH"))
    if node is None:
        raise ToolError(MISSING)
    with tempfile.TemporaryFile() as source:
        source.write(code.encode("utf-8", "replace"))
        source.seek(0)
        async with pipes.read_by(*protocols) as (out, err, verdict):
            return children.spawn(
                [node, str(RUNNER), str(verdict)],
                env=env,
                cwd=cwd,
                stdin=source,
                stdout=out,
                stderr=err,
                pass_fds=[verdict],
            )
