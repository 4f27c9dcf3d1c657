"""The WebSocket of one AGB session on the running loop, for the SDK's code that blocks."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Any

from agentbay_kernel.providers._gateway import guard_socket, is_local, widened

if TYPE_CHECKING:
    from collections.abc import Callable


class Socket:
    """Gives the SDK's own asynchronous client, which its blocking one runs in a thread.

    On the kernel's loop its callbacks come in order with all else, and nothing limits a run to the
    300 seconds after which the blocking client gives up waiting.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.client: Any = None
        if kind() is not None and hasattr(raw, "_get_ws_client"):
            self._loop = asyncio.get_running_loop()
            raw._get_ws_client = lambda: _Blocking(self.open, self._loop)

    def open(self) -> Any:
        """The client; it connects when it is first used."""
        make = kind()
        if self.client is None and make is not None:
            url = widened(self._raw.ws_url)
            self.client = make(ws_url=url, ws_token=self._raw.token)
            guard_socket(self.client, local=is_local(url))
        return self.client

    async def close(self) -> None:
        """Close the connection; it would be opened anew for ever."""
        client, self.client = self.client, None
        if client is not None:
            await client.close()


def kind() -> Any:
    """The class of the SDK's asynchronous client, None where a version has none."""
    try:
        return importlib.import_module("agb.modules.ws.async_client").AsyncWsClient
    except (ImportError, AttributeError):
        return None


class _Blocking:
    """What the SDK's blocking code sees of the client."""

    def __init__(self, client: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._loop = loop

    def call_stream(self, **options: Any) -> _Stream:
        return _Stream(self._wait(self._open, options), self._wait)

    async def _open(self, options: dict[str, Any]) -> Any:
        return await self._client().call_stream(**options)

    def _wait(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(function(*arguments), self._loop).result()


class _Stream:
    def __init__(self, handle: Any, wait: Callable[..., Any]) -> None:
        self._handle = handle
        self._wait = wait

    @property
    def invocation_id(self) -> str:
        return str(self._handle.invocation_id)

    def wait_end(self) -> Any:
        return self._wait(self._handle.wait_end)

    def write(self, data: Any) -> None:
        self._wait(self._handle.write, data)

    def cancel(self) -> None:
        self._wait(self._handle.cancel)
