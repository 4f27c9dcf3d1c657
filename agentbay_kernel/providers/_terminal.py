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
        self._typing = asyncio.Lock()

    async def send(self, text: str) -> None:
        """Type text, in pieces that no other text comes between."""
        async with self._typing:
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
        text = f"No terminal was opened: {redact(str(error), caller.secrets)[:300]}"
        refused = type(error).__name__ in ("PtyError", "WsRemoteError")
        raise (NotSupported(text) if refused else BridgeError(text)) from None
    ended = _once(on_end)
    if hasattr(handle, "_on_exit"):
        # The SDK has no callback for the end of a terminal.
        handle._on_exit = _then(handle._on_exit, ended)
        handle._on_error = _then(handle._on_error, ended)
    await _on_close(sdk, handle, ended)
    return PtyTerminal(handle, caller)


async def _on_close(sdk: Any, handle: Any, ended: Callable[[], None]) -> None:
    """Take the end of the connection for the terminal's: a new one is shown nothing of it."""
    socket: Any = await sdk._get_ws_client() if hasattr(sdk, "_get_ws_client") else None
    if not hasattr(socket, "on_connection_state_change"):
        return

    def changed(state: Any, _reason: str) -> None:
        if getattr(state, "value", state) == "CLOSED":
            forget()
            handle.disconnect()
            ended()

    forget = socket.on_connection_state_change(changed)
    handle._on_exit = _then(handle._on_exit, forget)


def _once(call: Callable[[], None]) -> Callable[[], None]:
    calls = [call]

    def once() -> None:
        while calls:
            calls.pop()()

    return once


def _then(first: Callable[[Any], None], after: Callable[[], None]) -> Callable[[Any], None]:
    def both(value: Any) -> None:
        first(value)
        after()

    return both
