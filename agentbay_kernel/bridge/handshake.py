"""Finds the hooks of a first cell whose hello was lost on its way."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from agentbay_kernel.bridge.messages import Malformed, to_hello
from agentbay_kernel.remote.frames import FOLDER, HELLO

if TYPE_CHECKING:
    from agentbay_kernel.errors import ConnectionLost
    from agentbay_kernel.session import Session

SECONDS = 10.0
PAUSE_SECONDS = 0.3


async def found(session: Session, nonce: str, lost: ConnectionLost) -> dict[str, Any]:
    """The content of the hello, from its file; raises `lost` when there is none in time."""
    command = f'cat "${{TMPDIR:-/tmp}}"/{FOLDER}{nonce}-*/{HELLO}'
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        text = (await session.shell(command)).stdout
        try:
            content: dict[str, Any] = json.loads(text)
            to_hello(content)
            return content
        except (ValueError, Malformed):
            await asyncio.sleep(PAUSE_SECONDS)
    raise lost
