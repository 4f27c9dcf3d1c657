"""The comm `agentbay`: state for JupyterLab's extension, and answers to what it asks.

A front end opens it with `{version}`. It gets `{type: "state", version, state}` at once and on each
change, and to `{type: "request", id, action, args}` a `{type: "reply", id, ok, value | error}`. The
actions are the panel's own, and `panel`, which gives the `model_id` of the panel's widget. No
message carries a command, and no state a link.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from agentbay_kernel.panel.requests import Requests

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

    from agentbay_kernel.panel.panel import Panel

log = logging.getLogger("agentbay_kernel.kernel")

VERSION = 1
MOST = 16
"""Comms that are kept; a page that is closed or loaded anew says no good-bye."""
OTHER = (
    "The JupyterLab extension speaks version {0} of this kernel's protocol, the kernel version "
    f"{VERSION}: install the same agentbay-kernel for both, and load the page anew."
)


class LabComm:
    """Answers each comm that a page opens; none is ever opened from here."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._comms: OrderedDict[str, Any] = OrderedDict()
        self._requests = Requests(self._act, panel.loop)
        panel.listen(self._tell)

    def opened(self, comm: Any, message: Mapping[str, Any]) -> None:
        """Take a new comm, and tell it the state."""
        version = _data(message).get("version")
        if version != VERSION:
            state = {"message": OTHER.format(_shown(version))}
            comm.send({"type": "state", "version": VERSION, "state": state})
            return
        self._comms[comm.comm_id] = comm
        while len(self._comms) > MOST:
            # A page that is there after all opens another.
            self._comms.popitem(last=False)[1].close()
        self._panel.model.look()
        self._send(comm, self._panel.model.header)

    def take(self, comm: Any, message: Mapping[str, Any]) -> None:
        """Answer a request on one of the comms."""
        data = _data(message)
        if data.get("type") != "request" or comm.comm_id not in self._comms:
            return
        self._comms.move_to_end(comm.comm_id)

        def send(reply: dict[str, Any], buffers: Sequence[bytes]) -> None:
            comm.send(reply, buffers=list(buffers) or None)

        self._requests.take(data, message.get("buffers") or (), send)

    def closed(self, comm: Any) -> None:
        """Forget a comm."""
        self._comms.pop(comm.comm_id, None)

    async def _act(self, action: str, args: Mapping[str, Any], buffers: Sequence[bytes]) -> Any:
        if action == "panel":
            return {"model_id": self._panel.view.model_id}
        return await self._panel.act(action, args, buffers)

    def _tell(self, state: Mapping[str, Any]) -> None:
        for comm in [*self._comms.values()]:
            self._send(comm, state)

    def _send(self, comm: Any, state: Mapping[str, Any]) -> None:
        comm.send({"type": "state", "version": VERSION, "state": dict(state)})


def opened(
    comm: Any,
    message: Mapping[str, Any],
    loop: asyncio.AbstractEventLoop,
    get: Callable[[], LabComm],
) -> None:
    """Lead a new comm and all that it says to the loop, in order, from whatever thread."""

    def lead(do: Callable[[LabComm], None]) -> None:
        loop.call_soon_threadsafe(lambda: do(get()))

    comm.on_msg(lambda message: lead(lambda lab: lab.take(comm, message)))
    comm.on_close(lambda message: lead(lambda lab: lab.closed(comm)))
    lead(lambda lab: lab.opened(comm, message))


def _data(message: Mapping[str, Any]) -> Mapping[str, Any]:
    data = message["content"].get("data")
    return data if isinstance(data, dict) else {}


def _shown(version: Any) -> str:
    return str(version) if isinstance(version, int) else "none"
