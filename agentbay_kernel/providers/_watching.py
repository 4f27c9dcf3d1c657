"""Changes below a folder of a session, as the SDK's own watching tells them."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import NotSupported, ToolError
from agentbay_kernel.session import FileChange

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

READY_SECONDS = 30.0
END_SECONDS = 5.0
GLANCE_SECONDS = 0.3


async def follow(sdk: Any, path: str, changed: Callable[[Sequence[FileChange]], None]) -> None:
    """Tell of changes until cancelled; the SDK's thread has ended then."""
    watch = getattr(getattr(sdk, "file_system", None), "watch_directory", None)
    if watch is None:
        raise NotSupported("This version of the SDK does not watch folders")
    loop, stop = asyncio.get_running_loop(), threading.Event()

    def on_changes(events: Sequence[Any]) -> None:
        if not stop.is_set():
            loop.call_soon_threadsafe(changed, [_change(each) for each in events])

    thread: Any = watch(path, on_changes, stop_event=stop)
    thread.start()
    try:
        ready: threading.Event = thread.ready_event
        if not await asyncio.to_thread(ready.wait, READY_SECONDS):
            raise ToolError(f"{path} is not watched: the session did not answer")
        # The thread ends by itself when the session does.
        while thread.is_alive():
            await asyncio.to_thread(thread.join, GLANCE_SECONDS)
        raise ToolError(f"{path} is not watched any more: the session has ended")
    finally:
        stop.set()
        await asyncio.to_thread(thread.join, END_SECONDS)


def _change(event: Any) -> FileChange:
    kind = str(getattr(event, "event_type", ""))
    is_dir = getattr(event, "path_type", "") == "directory"
    return FileChange(str(getattr(event, "path", "")), kind, is_dir)
