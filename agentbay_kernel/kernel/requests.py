"""The requests that run no cell: completion, inspection, comms."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from ipykernel.ipkernel import IPythonKernel

from agentbay_kernel.kernel import routes
from agentbay_kernel.kernel.held import Held
from agentbay_kernel.kernel.history import History

if TYPE_CHECKING:
    from agentbay_kernel.bridge.bridge import Bridge
    from agentbay_kernel.bridges import Bridges
    from agentbay_kernel.events import Emit
    from agentbay_kernel.kernel.comm import Comms
    from agentbay_kernel.kernel.front import KernelFront
    from agentbay_kernel.magics import Context

ANSWER_SECONDS = 10.0

_beside = ContextVar("beside", default=False)


class RequestsKernel(IPythonKernel):
    """Answers by the session's namespace where there is one, else as a plain IPython kernel."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._main_loop: asyncio.AbstractEventLoop | None = None
        self._running: set[str | None] = set()
        self.held = Held()
        for kind in routes.KINDS:
            self.shell_handlers[kind] = self._comm

    @property
    def bridges(self) -> Bridges:
        """The bridge to the session's interpreter."""
        raise NotImplementedError

    @property
    def speaks_python(self) -> bool:
        """Whether a cell's names are Python's, so that they can be completed and explained."""
        raise NotImplementedError

    def all_bridges(self) -> list[Bridge]:
        """The bridges to the interpreters of all sessions."""
        raise NotImplementedError

    def magic_context(self) -> Context:
        """What completion of our magics may ask; nothing is shown and nothing runs."""
        raise NotImplementedError

    @cached_property
    def front(self) -> KernelFront:
        """What the session's code may reach of the front end."""
        from agentbay_kernel.kernel.front import KernelFront

        return KernelFront(self)

    @cached_property
    def history(self) -> History:
        """The cells that are remembered."""
        return History(self.shell, self.main_loop)

    @cached_property
    def comms(self) -> Comms:
        """Where comm messages are led."""
        from agentbay_kernel.kernel.comm import Comms

        current = lambda: self.bridges.current  # noqa: E731
        return Comms(self.all_bridges, current, self.front, self.on_main, self._give)

    def shell_ident(self) -> Any:
        """Who sent the request that is handled now."""
        return self._get_shell_context_var(self._shell_parent_ident)

    async def shell_main(self, subshell_id: str | None, msg: Any) -> None:
        """Take a message in its turn; a comm's beside a cell, which may wait for it.

        ipykernel lets a comm's message pass whatever is being handled, which never awaits there.
        """
        if subshell_id in self._running:
            await super().shell_main(subshell_id, msg)
            return
        manager = self.shell_channel_thread.manager
        turn = self._main_asyncio_lock
        if subshell_id is not None:
            turn = manager.get_subshell_asyncio_lock(subshell_id)
        async with turn:
            await self.dispatch_shell(msg, subshell_id=subshell_id)

    def _send_unknown_subshell_reply(self, idents: Any, msg: dict[str, Any], err: Any) -> None:
        """Answer a comm all the same, as ipykernel does not."""
        if self.session and msg["header"]["msg_type"] in routes.KINDS:
            routes.lead_on(self.session, self.shell_channel_thread.manager, idents, msg)
        else:
            super()._send_unknown_subshell_reply(idents, msg, err)

    async def execute_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Handle an execute request."""
        subshell = parent["header"].get("subshell_id")
        self._running.add(subshell)
        try:
            await super().execute_request(stream, ident, parent)
        finally:
            self._running.discard(subshell)

    async def dispatch_shell(
        self, msg: Any, /, subshell_id: str | None = None, *, concurrent: bool = False
    ) -> None:
        """Handle a message; `concurrent`: a comm's, while another request is being handled."""
        _beside.set(concurrent)
        await super().dispatch_shell(msg, subshell_id, concurrent=concurrent)

    def _publish_status(self, status: str, channel: str, parent: Any = None) -> None:
        call = partial(super()._publish_status, status, channel, parent or self.get_parent(channel))
        if status == "busy":
            self.held(call)
        else:
            self.held.release()
            call()

    def _publish_execute_input(self, code: str, parent: Any, execution_count: int) -> None:
        self.held(partial(super()._publish_execute_input, code, parent, execution_count))

    async def settle(self) -> None:
        """Wait for comm messages that came while the cell before ran."""
        if "comms" in vars(self):
            await self.comms.settle()

    async def _comm(self, stream: Any, ident: Any, message: Any) -> None:
        await self.comms.handle(stream, ident, message, beside=_beside.get())

    async def _give(
        self, bridge: Bridge, message: dict[str, Any], emit: Emit, *, aside: bool
    ) -> None:
        """Hand a comm message to the session."""
        raise NotImplementedError

    async def complete_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Complete by our magics, the session's names, or without a session Python's."""
        from agentbay_kernel import introspection, magics

        code, cursor = parent["content"]["code"], parent["content"]["cursor_pos"]
        own = await self.on_main(magics.complete(code, cursor, self.magic_context()))
        if (own is not None and own.alone) or not self.speaks_python:
            reply = introspection.reply(own or introspection.no_matches(cursor))
        else:
            found = await self.on_main(self.bridges.complete(code, cursor, aside=_aside()))
            reply = found or super().do_complete(code, cursor)
            reply = introspection.merged(own, reply) if own is not None else reply
        self.session.send(stream, "complete_reply", reply, parent, ident)

    async def inspect_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Show our magics' help, what the session knows, or without a session Python's names."""
        from agentbay_kernel import introspection, magics

        asked = parent["content"]
        code, cursor, detail = asked["code"], asked["cursor_pos"], asked.get("detail_level", 0)
        own = magics.inspect(code, cursor)
        if own is not None:
            reply = introspection.page(own)
        elif not self.speaks_python:
            reply = introspection.NOTHING
        else:
            found = await self.on_main(self.bridges.inspect(code, cursor, detail, aside=_aside()))
            reply = found or super().do_inspect(code, cursor, detail)
        self.session.send(stream, "inspect_reply", reply, parent, ident)

    async def comm_info_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """List the comms of this process and of the session."""
        found = self.comms.open_ones(parent["content"].get("target_name"))
        reply = {"status": "ok", "comms": found}
        self.session.send(stream, "comm_info_reply", reply, parent, ident)

    def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
        """Complete in a plain function, since VS Code calls it from a thread of executed code."""
        from agentbay_kernel import introspection, magics

        context = self.magic_context()
        own = self._from_thread(magics.complete(code, cursor_pos, context))
        if (own is not None and own.alone) or not self.speaks_python:
            return introspection.reply(own or introspection.no_matches(cursor_pos))
        reply: Any = self._from_thread(self.bridges.complete(code, cursor_pos, aside=True))
        reply = reply or dict(super().do_complete(code, cursor_pos))
        return introspection.merged(own, reply) if own is not None else reply

    def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Any = ()
    ) -> dict[str, Any]:
        """Inspect in a plain function, as `do_complete`."""
        from agentbay_kernel import introspection, magics

        own = magics.inspect(code, cursor_pos)
        if own is not None:
            return introspection.page(own)
        if not self.speaks_python:
            return dict(introspection.NOTHING)
        asked = self.bridges.inspect(code, cursor_pos, detail_level, aside=True)
        reply: dict[str, Any] | None = self._from_thread(asked)
        return reply or dict(super().do_inspect(code, cursor_pos, detail_level, omit_sections))

    def _from_thread(self, asked: Any) -> Any:
        """Ask on the main loop from another thread; nothing from the loop's own, which waits."""
        if not _aside() or self._main_loop is None:
            asked.close()
            return None
        future = asyncio.run_coroutine_threadsafe(asked, self._main_loop)
        return future.result(ANSWER_SECONDS)

    @property
    def main_loop(self) -> asyncio.AbstractEventLoop:
        """The main thread's loop, where sessions live."""
        return self._main_loop or asyncio.get_running_loop()

    async def on_main(self, running: Any) -> Any:
        """Await on the main thread's loop, where the session lives, also from a subshell."""
        loop = self._main_loop
        if loop is None or loop is asyncio.get_running_loop():
            return await running
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(running, loop))


def _aside() -> bool:
    """Whether this is not the main thread, as in a subshell, which is answered at once."""
    return threading.current_thread() is not threading.main_thread()
