"""Leads comm messages to where their comm lives: this process, or the session's interpreter."""

from __future__ import annotations

import asyncio
import base64
import functools
import logging
import threading
from typing import TYPE_CHECKING, Any, Protocol

import comm

from agentbay_kernel.errors import KernelError
from agentbay_kernel.remote.comms import CONTROL, states_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agentbay_kernel.bridge.bridge import Bridge
    from agentbay_kernel.events import Emit
    from agentbay_kernel.kernel.front import KernelFront

log = logging.getLogger("agentbay_kernel.kernel")

STATES_SECONDS = 3.0
SETTLE_SECONDS = 3.0
WIDGET = "jupyter.widget"
EMPTY = {"method": "update_states", "states": {}, "buffer_paths": []}


class Give(Protocol):
    """Hands a comm message to the session and waits until it was handled."""

    async def __call__(
        self, bridge: Bridge, message: dict[str, Any], emit: Emit, *, aside: bool
    ) -> None:
        """Raises KernelError when it did not get there."""


class Comms:
    """Answers the front end's comm messages and questions.

    `bridges` gives those to the interpreters of all sessions, `current` that of the current one;
    `on_main` runs a coroutine on the loop where they live; `give` hands a message to a session.
    """

    def __init__(
        self,
        bridges: Callable[[], list[Bridge]],
        current: Callable[[], Bridge | None],
        front: KernelFront,
        on_main: Callable[[Awaitable[Any]], Awaitable[Any]],
        give: Give,
    ) -> None:
        self._bridges = bridges
        self._current = current
        self._front = front
        self._on_main = on_main
        self._give = give
        self._manager: Any = comm.get_comm_manager()
        self._tasks: set[asyncio.Task[None]] = set()

    async def settle(self) -> None:
        """Wait for the messages that came beside the cell before; a cell shall find them done."""
        loop = asyncio.get_running_loop()
        mine = [task for task in self._tasks if task.get_loop() is loop]
        if mine:
            await asyncio.wait(mine, timeout=SETTLE_SECONDS)

    def open_ones(self, target: str | None) -> dict[str, dict[str, str]]:
        """The comms of both places, for `comm_info_reply`."""
        targets: dict[str, str] = {}
        for bridge in self._bridges():
            targets |= bridge.comms.open_ones
        targets |= {key: each.target_name for key, each in self._manager.comms.items()}
        return {
            key: {"target_name": name}
            for key, name in targets.items()
            if target is None or name == target
        }

    async def handle(
        self, stream: Any, ident: Any, message: dict[str, Any], *, beside: bool
    ) -> None:
        """Take a `comm_open`, `comm_msg` or `comm_close`; `beside` another request, on its loop."""
        taking = self._take(stream, ident, message)
        if beside:
            # ipykernel goes back to the other request's parent when this returns.
            task = asyncio.ensure_future(self._take_beside(message, taking))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            await taking

    async def _take_beside(self, message: dict[str, Any], taking: Awaitable[None]) -> None:
        # ipykernel says this of other messages only; ipywidgets waits for it before it sends more.
        self._front.status("busy", message)
        try:
            await taking
        finally:
            self._front.status("idle", message)

    async def _take(self, stream: Any, ident: Any, message: dict[str, Any]) -> None:
        kind, content = message["header"]["msg_type"], message["content"]
        comm_id, target = content.get("comm_id", ""), content.get("target_name", "")
        bridge = self._bridge_of(kind, comm_id)
        if kind == "comm_open" and target == CONTROL:
            opened = comm.create_comm(comm_id=comm_id, primary=False, target_name=CONTROL)
            self._manager.register_comm(opened)
        elif kind == "comm_msg" and self._is_control(comm_id):
            await self._on_control(message)
        elif bridge is None or not self._is_remote(bridge, kind, comm_id, target):
            getattr(self._manager, kind)(stream, ident, message)
        else:
            aside = threading.current_thread() is not threading.main_thread()
            await self._on_main(self._send(bridge, message, aside=aside))

    def _bridge_of(self, kind: str, comm_id: str) -> Bridge | None:
        """Where a comm lives; one that the front end opens belongs to the current session."""
        if kind == "comm_open":
            return self._current()
        return next((each for each in self._bridges() if comm_id in each.comms), None)

    def _is_remote(self, bridge: Bridge, kind: str, comm_id: str, target: str) -> bool:
        if comm_id in self._manager.comms:
            return False
        if kind == "comm_open":
            # A widget that the front end makes belongs to the user's code.
            return target == WIDGET or target not in self._manager.targets
        return comm_id in bridge.comms

    async def _send(self, bridge: Bridge, message: dict[str, Any], *, aside: bool) -> None:
        header, content = message["header"], message["content"]
        if header["msg_type"] == "comm_open":
            bridge.comms.opened_by_front_end(content["comm_id"], content["target_name"])
            self._front.routes.note("comm_open", content["comm_id"], message)
        elif header["msg_type"] == "comm_close":
            bridge.comms.closed_by_front_end(content["comm_id"])
            self._front.routes.note("comm_close", content["comm_id"], message)
        packed = {
            "header": {"msg_id": header["msg_id"], "msg_type": header["msg_type"]},
            "content": content,
            "metadata": message.get("metadata") or {},
            "buffers": [base64.b64encode(each).decode() for each in message.get("buffers") or ()],
        }
        try:
            async with self._front.handling(message):
                emit = functools.partial(self._front.publish, header["msg_id"])
                await self._give(bridge, packed, emit, aside=aside)
        except KernelError as error:
            log.warning("a comm message did not reach the session: %s", error)

    def _is_control(self, comm_id: str) -> bool:
        opened = self._manager.comms.get(comm_id)
        return opened is not None and opened.target_name == CONTROL

    async def _on_control(self, message: dict[str, Any]) -> None:
        """Answer a page that asks for the states of all widgets, here and in the session."""
        content = message["content"]
        if content["data"].get("method") != "request_states":
            return
        local = states_of(self._manager) or {"data": EMPTY, "buffers": []}
        asked = (self._on_main(self._remote_states(each)) for each in self._bridges())
        data: dict[str, Any] = {"method": "update_states", "states": {}, "buffer_paths": []}
        buffers: list[bytes] = []
        for found in (local, *await asyncio.gather(*asked)):
            data["states"] |= found["data"]["states"]
            data["buffer_paths"] += found["data"]["buffer_paths"]
            buffers += found["buffers"]
        self._manager.comms[content["comm_id"]].send(data, buffers=buffers)

    async def _remote_states(self, bridge: Bridge) -> dict[str, Any]:
        if not bridge.comms.open_ones:
            return {"data": EMPTY, "buffers": []}
        try:
            async with asyncio.timeout(STATES_SECONDS):
                answer = await bridge.ask("states", aside=True)
            known = answer["data"]["states"].keys() <= bridge.comms.open_ones.keys()
            if not known:
                raise ValueError("states of comms that are not open")
            buffers = [base64.b64decode(each) for each in answer["buffers"]]
            return {"data": answer["data"], "buffers": buffers}
        except (
            KernelError,
            TimeoutError,
            TypeError,
            KeyError,
            ValueError,
            AttributeError,
        ) as error:
            log.warning("the session's widgets could not be restored: %s", error)
            return {"data": EMPTY, "buffers": []}
