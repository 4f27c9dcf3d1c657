"""The folders whose changes one connection is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.port import ToolFailure
from agentbay_kernel.service.tools import FILESYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentbay_kernel.service.port import Sandbox


class Watches:
    """Answers subscribe_file_change and unsubscribe_file_change."""

    def __init__(self, push: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._push = push
        self._stops: dict[str, Callable[[], None]] = {}

    async def handle(self, method: str, params: Mapping[str, Any], sandbox: Sandbox) -> None:
        """Begin or stop to watch a path."""
        path = params.get("path")
        if not isinstance(path, str) or not path:
            raise ToolFailure(f"{method}: the argument path is missing")
        if method == "unsubscribe_file_change":
            stop = self._stops.pop(path, None)
            if stop is not None:
                stop()
        elif method != "subscribe_file_change":
            raise ToolFailure(f"There is no method {method!r} at {FILESYSTEM!r}")
        elif path not in self._stops:
            self._stops[path] = await sandbox.watch(path, lambda found: self._tell(path, found))

    def close(self) -> None:
        """Stop to watch everything."""
        for stop in self._stops.values():
            stop()
        self._stops.clear()

    def _tell(self, path: str, found: list[dict[str, str]]) -> None:
        for start in range(0, len(found), 1000):
            events = found[start : start + 1000]
            self._push(FILESYSTEM, {"eventType": "file_change", "path": path, "events": events})
