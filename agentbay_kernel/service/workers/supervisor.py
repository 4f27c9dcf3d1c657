"""The first process of a session: it starts the others, keeps watch over them, ends with them."""

from __future__ import annotations

import asyncio
import base64
import ctypes
import dataclasses
import os
import signal
import socket
import sys
from typing import Any

from agentbay_kernel.service.frames import Link, Message
from agentbay_kernel.service.workers import engines, languages, limits
from agentbay_kernel.service.workers.children import Children
from agentbay_kernel.service.workers.failure import ToolError, describe
from agentbay_kernel.service.workers.terminal import Terminal
from agentbay_kernel.service.workers.tools import Tools

_PR_SET_CHILD_SUBREAPER = 36


@dataclasses.dataclass(frozen=True, slots=True)
class Setup:
    """What the service tells at the start; `root` is empty in a sandbox of its own."""

    root: str
    allowed: list[str]
    env: dict[str, str]
    limits: dict[str, Any]
    python: list[str]
    engine: str


class Supervisor:
    """Answers the service: a public coroutine `do_x` is the operation `x`."""

    def __init__(self, setup: Setup, link: Link, sockets: socket.socket) -> None:
        self._link = link
        self._sockets = sockets
        self._setup = setup
        self._env = dict(setup.env)
        self._children = Children(asyncio.get_running_loop(), alone=not setup.root)
        memory = setup.limits["memory_bytes"]
        self._tools = Tools(
            self._children,
            setup.root,
            setup.allowed,
            self._env,
            self._children.pids,
            memory,
        )
        self._languages = languages.Languages(self._children, self._env, self._tools.workspace)
        self._worker: engines.Worker | None = None
        self._terminals: dict[str, Terminal] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._broken = ""
        watchdog = limits.Watchdog(setup.limits, self._children.pids, self._end_all)
        self._keep(watchdog.run())

    def on_message(self, message: Message) -> None:
        """Start on one request of the service."""
        self._keep(self._answer(message))

    async def do_worker(self) -> int:
        """Start an interpreter on the socket that came over the side channel."""
        _, descriptors, _, _ = socket.recv_fds(self._sockets, 1, 1)
        setup = self._setup
        place = engines.Place(self._children, setup.python, self._env, self._tools.workspace)
        try:
            worker = engines.start(setup.engine, place, descriptors[0])
        finally:
            os.close(descriptors[0])
        self._worker = worker
        self._keep(self._await_worker(worker))
        return worker.pid

    async def do_signal(self, number: int) -> None:
        """Signal the interpreter and what it has started."""
        if self._worker is not None:
            self._worker.signal(number)

    async def do_language(self, run: int, language: str, code: str, seconds: float) -> str:
        """Run another language's code; gives the error as `Name: message`, or nothing."""

        def emit(event: dict[str, Any]) -> None:
            self._link.send({"event": "run", "run": run, "data": event})

        return await self._languages.run(language, code, seconds, emit)

    async def do_call(self, tool: str, args: dict[str, Any]) -> str:
        """Run one tool."""
        return await self._tools.call(tool, args)

    async def do_pty_create(
        self,
        pty: str,
        cols: int,
        rows: int,
        cwd: str | None,
        env: dict[str, str],
        shell: str | None,
    ) -> None:
        """Open a terminal under an id of the service's choice."""

        def on_output(data: bytes) -> None:
            text = base64.b64encode(data).decode()
            self._link.send({"event": "pty_output", "pty": pty, "data": text})

        terminal = Terminal(
            self._children,
            size=(cols, rows),
            cwd=self._tools.folder(cwd),
            env={**self._env, **env},
            shell=shell,
            on_output=on_output,
            writable=self._link.writable,
        )
        self._terminals[pty] = terminal
        self._keep(self._await_terminal(pty, terminal))

    async def do_pty_input(self, pty: str, data: str) -> None:
        """Type into a terminal."""
        self._terminal(pty).type(base64.b64decode(data))

    async def do_pty_resize(self, pty: str, cols: int, rows: int) -> None:
        """Change a terminal's size."""
        self._terminal(pty).resize(cols, rows)

    async def do_pty_kill(self, pty: str) -> None:
        """End a terminal."""
        await self._terminal(pty).kill()

    async def do_pty_list(self) -> list[str]:
        """The open terminals."""
        return list(self._terminals)

    async def do_watch(self, watch_id: str, path: str) -> None:
        """Begin to report changes."""

        def report(changes: list[dict[str, str]]) -> None:
            self._link.send({"event": "watch", "watch": watch_id, "changes": changes})

        self._tools.paths.folder(path)
        self._watches[watch_id] = self._keep(self._tools.follow(path, report))

    async def do_unwatch(self, watch_id: str) -> None:
        """End the reports."""
        task = self._watches.pop(watch_id, None)
        if task is not None:
            task.cancel()

    async def do_bind(self, path: str, source: str) -> None:
        """Let a path lead to a folder that this process can see."""
        self._tools.paths.link(path, source)

    async def do_stop(self) -> None:
        """Stop every process but this one."""
        self._children.signal_all(signal.SIGSTOP)

    async def do_continue(self) -> None:
        """Let them go on."""
        self._children.signal_all(signal.SIGCONT)

    async def do_end(self) -> None:
        """Kill every process but this one."""
        self._end_all("")

    async def _answer(self, message: Message) -> None:
        number = message.pop("id")
        try:
            operation = getattr(self, f"do_{message.pop('op')}")
            self._link.send({"id": number, "ok": await operation(**message)})
        except ToolError as error:
            self._link.send({"id": number, "failure": str(error)})
        except Exception as error:
            self._link.send({"id": number, "failure": f"{type(error).__name__}: {error}"})

    async def _await_worker(self, worker: engines.Worker) -> None:
        status = await worker.ended()
        how = self._broken or f"InterpreterDied: Python ended with {describe(status)}"
        self._broken = ""
        if self._worker is worker:
            self._worker = None
        self._link.send({"event": "worker_end", "pid": worker.pid, "how": how})

    async def _await_terminal(self, pty_id: str, terminal: Terminal) -> None:
        code = await terminal.ended()
        del self._terminals[pty_id]
        self._link.send({"event": "pty_exit", "pty": pty_id, "code": code})

    def _terminal(self, pty: str) -> Terminal:
        if pty not in self._terminals:
            raise ToolError(f"No such terminal: {pty}")
        return self._terminals[pty]

    def _end_all(self, how: str) -> None:
        self._broken = how if self._worker is not None else ""
        self._children.signal_all(signal.SIGKILL)

    def _keep(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def serve(control: socket.socket, sockets: socket.socket) -> None:
    """Answer until the service is gone."""
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    supervisor: list[Supervisor] = []

    def on_message(message: Message) -> None:
        if supervisor:
            supervisor[0].on_message(message)
            return
        setup = Setup(**message["setup"])
        limits.apply(setup.limits)
        supervisor.append(Supervisor(setup, link, sockets))
        link.send({"event": "hello"})

    link = Link(on_message, gone.set)
    await loop.create_unix_connection(lambda: link, sock=control)
    await gone.wait()
    if supervisor:
        await supervisor[0].do_end()


def main() -> None:
    """Serve on the two sockets whose descriptors are the arguments."""
    control, sockets = (socket.socket(fileno=int(word)) for word in sys.argv[1:3])
    # no death signal from the parent here: the end of the connection leaves time to end the others
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    for one in (control, sockets):
        one.set_inheritable(False)
    signal.signal(signal.SIGINT, lambda *_: None)
    asyncio.run(serve(control, sockets))
    os._exit(0)


if __name__ == "__main__":
    main()
