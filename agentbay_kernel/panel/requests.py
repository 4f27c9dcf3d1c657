"""A front end's requests, `{id, action, args}` with buffers, and the replies to them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from agentbay_kernel.errors import KernelError
from agentbay_kernel.panel.copies import Reply
from agentbay_kernel.panel.snapshot import fault, told

log = logging.getLogger("agentbay_kernel.panel")

Send = Callable[[dict[str, Any], Sequence[bytes]], None]
Act = Callable[[str, Mapping[str, Any], Sequence[bytes]], Awaitable[Any]]


class Requests:
    """Answers requests side by side on the loop of the sessions, whatever thread they come from."""

    def __init__(self, act: Act, loop: asyncio.AbstractEventLoop) -> None:
        self._act = act
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, content: Any, buffers: Sequence[Any], send: Send) -> None:
        """Answer a request with `send`; what is no request is dropped."""
        if not isinstance(content, dict) or not isinstance(content.get("action"), str):
            return
        self._loop.call_soon_threadsafe(self._begin, content, [bytes(b) for b in buffers], send)

    def _begin(self, content: Mapping[str, Any], buffers: Sequence[bytes], send: Send) -> None:
        task = asyncio.ensure_future(self._answer(content, buffers, send))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(
        self, content: Mapping[str, Any], buffers: Sequence[bytes], send: Send
    ) -> None:
        args = content.get("args")
        reply = {"type": "reply", "id": content.get("id")}
        try:
            found = await self._act(
                content["action"], args if isinstance(args, dict) else {}, buffers
            )
        except KernelError as error:
            send({**reply, "ok": False, "error": told(error)}, ())
            return
        except Exception as error:
            log.exception("the panel failed at %s", content["action"])
            send({**reply, "ok": False, "error": fault(error)}, ())
            return
        found = found if isinstance(found, Reply) else Reply(found)
        send({**reply, "ok": True, "value": found.value}, found.buffers)
