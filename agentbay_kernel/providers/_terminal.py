"""A terminal of an AgentBay session."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import BridgeError, ConnectionLost, NotSupported
from agentbay_kernel.providers._failures import redact

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentbay_kernel.providers._calls import Caller

PIECE = 64 << 10
"""Characters typed at once."""
KILL_SECONDS = 2.0


class PtyTerminal:
    """Types into the SDK's handle of a terminal."""

    def __init__(self, handle: Any, caller: Caller) -> None:
        self._handle = handle
        self._caller = caller

    async def send(self, text: str) -> None:
        """Type text, in pieces."""
        for start in range(0, len(text), PIECE):
            try:
                await self._handle.send_input(text[start : start + PIECE].encode())
            except Exception as error:
                shown = redact(str(error), self._caller.secrets)
                raise ConnectionLost(f"The terminal is not connected: {shown[:300]}") from None

    async def close(self) -> None:
        """End it; a connection that has broken ends it by itself."""
        if not self._handle.is_connected:
            return
        with contextlib.suppress(Exception):
            async with asyncio.timeout(KILL_SECONDS):
                await self._handle.kill()
        self._handle.disconnect()


async def open_terminal(
    sdk: Any, caller: Caller, on_text: Callable[[str], None], on_end: Callable[[], None]
) -> PtyTerminal:
    """A new terminal of the session of `sdk`."""
    if not hasattr(sdk, "pty"):
        raise NotSupported("This session has no terminal")

    def on_data(data: bytes) -> None:
        on_text(data.decode("ascii", "replace"))

    try:
        handle = await sdk.pty.create(cols=200, rows=50, on_data=on_data)
    except Exception as error:
        text = redact(str(error), caller.secrets)
        raise BridgeError(f"No terminal was opened: {text[:300]}") from None
    if hasattr(handle, "_on_exit"):
        # The SDK has no callback for the end of a terminal.
        handle._on_exit = _then(handle._on_exit, on_end)
        handle._on_error = _then(handle._on_error, on_end)
    return PtyTerminal(handle, caller)


def _then(first: Callable[[Any], None], after: Callable[[], None]) -> Callable[[Any], None]:
    def both(value: Any) -> None:
        first(value)
        after()

    return both
