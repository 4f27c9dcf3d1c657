"""A client that reads slowly makes the cell wait, and nobody's memory grow."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from agentbay_kernel.service import runtime
from tests.service.test_runtime import create
from tests.sizes import size

LOOKS = 50
GROWTH = 50
"""Megabytes; most of it is what waits for the client in the service, the rest copies of pieces."""

CODE = """
for i in range({count}):
    print("x" * 999_999)
    with open("progress", "w") as file: print(i + 1, file=file)
"""


def peak(pid: int | str) -> int:
    """The megabytes that a process has held at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


async def stalled(file: Path) -> int:
    """What a file says, once it has said the same many times."""
    seen = [""]
    async with asyncio.timeout(60):
        while len(seen) < LOOKS or len(set(seen[-LOOKS:])) > 1 or not seen[-1]:
            await asyncio.sleep(0.01)
            seen.append(file.read_text() if file.exists() else "")
    return int(seen[-1])


async def send(socket: aiohttp.ClientWebSocketResponse, number: int, code: str) -> None:
    params = {"code": code, "language": "python", "timeoutS": 600}
    data = {"method": "run_code", "mode": "stream", "params": params}
    envelope = {"invocationId": str(number), "source": "SDK", "target": "wuying_codespace"}
    await socket.send_json({**envelope, "data": data})


async def receive(socket: aiohttp.ClientWebSocketResponse) -> str:
    """The text of a whole run."""
    chunks = []
    while (data := json.loads(await socket.receive_str())["data"])["phase"] != "end":
        chunks.append(data.get("chunk") or data["result"]["mime"]["text/plain"])
    assert data["status"] == "finished"
    return "".join(chunks)


@pytest.mark.timeout(300)
async def test_neither_service_nor_interpreter_grows_while_the_client_is_slow(surroundings) -> None:
    count = size("slow_reader_megabytes")
    address = runtime.ensure(linger_seconds=60)
    session = create(address)
    folder = surroundings / "data/sessions" / session["SessionId"] / "fs/workspace"
    headers = {"X-Access-Token": session["Token"]}
    memory = "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(session["WsUrl"], headers=headers, max_msg_size=0) as socket,
    ):
        await send(socket, 1, memory)
        before = peak(address.pid), int(await receive(socket)) >> 10
        await send(socket, 2, CODE.format(count=count))
        assert await stalled(folder / "progress") < count / 2
        text = await receive(socket)
        await send(socket, 3, memory)
        after = peak(address.pid), int(await receive(socket)) >> 10
    assert len(text) == count * 1_000_000
    assert [b - a for a, b in zip(before, after, strict=True) if b - a > GROWTH] == []
