"""What the session's code may reach of the front end: outputs, prompts, comms."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import zmq

from agentbay_kernel.errors import BridgeError
from agentbay_kernel.events import UpdateDisplayData
from agentbay_kernel.kernel.publisher import Message, Publisher
from agentbay_kernel.kernel.routes import CommRoutes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ipykernel.kernelbase import Kernel

    from agentbay_kernel.events import Event

log = logging.getLogger("agentbay_kernel.kernel")

END_SECONDS = 1.0
"""How long the last output of a comm message may take after the word that it was handled."""
REMEMBERED = 1000
"""Requests whose late output still finds its cell."""
POLL_SECONDS = 0.005
REFUSED = "raw_input was called, but this frontend does not support input requests."


class KernelFront:
    """Publishes under the requests of this kernel, and asks the one that runs a cell."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._publishers: OrderedDict[str, Publisher] = OrderedDict()
        self._last = ""
        self._ends: dict[str, asyncio.Event] = {}
        self._asker: tuple[Any, Any] | None = None
        self._asking = asyncio.Lock()
        self.routes = CommRoutes(kernel.comm_manager)

    def under(self, parent: dict[str, Any], execution_count: int = 0) -> Publisher:
        """The publisher of one request's outputs, which is remembered for late ones."""
        request = str(parent.get("header", {}).get("msg_id", ""))

        def send(message: Message) -> None:
            self._send(parent, message)

        publisher = self._publishers[request] = Publisher(send, execution_count)
        self._publishers.move_to_end(request)
        while len(self._publishers) > REMEMBERED:
            self._publishers.popitem(last=False)
        self._last = request
        return publisher

    def publish(self, parent: str, event: Event) -> None:
        """Publish under an earlier request; one that is not known is taken for the last."""
        if isinstance(event, UpdateDisplayData) and event.display_id == parent in self._ends:
            self._ends[parent].set()
            return
        publisher = self._publishers.get(parent) or self._publishers.get(self._last)
        if publisher is not None:
            publisher(event)

    @contextlib.asynccontextmanager
    async def handling(self, message: dict[str, Any]) -> AsyncIterator[None]:
        """The time of a comm message, which ends when all that it caused is published.

        That comes in the stream of the cell that runs, and may be behind the word of its end.
        """
        publisher, request = self.under(message), message["header"]["msg_id"]
        end = self._ends[request] = asyncio.Event()
        try:
            yield
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(END_SECONDS):
                    await end.wait()
        finally:
            del self._ends[request]
            publisher.flush()

    def status(self, state: str, message: dict[str, Any]) -> None:
        """Publish that a message is being handled (`busy`) or has been (`idle`)."""
        self._kernel._publish_status(state, "shell", message)

    def allow_input(self, ident: Any, parent: Any) -> None:
        """The request whose front end is asked from now on; None for none."""
        self._asker = None if ident is None else (ident, parent)

    async def ask_user(self, prompt: str, password: bool) -> str:
        """The user's answer to a prompt."""
        async with self._asking:
            if self._asker is None:
                raise BridgeError(REFUSED)
            ident, parent = self._asker
            socket, session = self._kernel.stdin_socket, self._kernel.session
            self._flush(parent)
            self._purge(socket)
            content = {"prompt": prompt, "password": password}
            session.send(socket, "input_request", content, parent, ident=ident)
            while True:
                reply = self._received(socket, session)
                if reply is not None:
                    break
                await asyncio.sleep(POLL_SECONDS)
        value = reply["content"].get("value", "")
        if value == "\x04":
            raise EOFError
        return str(value)

    def is_local_comm(self, comm_id: str) -> bool:
        """Whether a comm is one of the kernel's own process."""
        return comm_id in self._kernel.comm_manager.comms

    def _send(self, parent: dict[str, Any], message: Message) -> None:
        kernel = self._kernel
        kernel.held.release()
        if isinstance(message.content, dict) and message.kind.startswith("comm_"):
            self.routes.note(message.kind, message.content["comm_id"], parent)
        kernel.session.send(
            kernel.iopub_socket,
            message.kind,
            message.content,
            parent=parent,
            ident=kernel._topic(message.kind),
            metadata=message.metadata or None,
            buffers=message.buffers or None,
        )

    def _flush(self, parent: dict[str, Any]) -> None:
        publisher = self._publishers.get(parent["header"]["msg_id"])
        if publisher is not None:
            publisher.flush()

    def _purge(self, socket: Any) -> None:
        """Drop answers to prompts that were given up."""
        while True:
            try:
                socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return

    def _received(self, socket: Any, session: Any) -> Any:
        try:
            _, reply = session.recv(socket, mode=zmq.NOBLOCK)
        except Exception:
            log.warning("an answer to a prompt could not be read", exc_info=True)
            return None
        return reply
