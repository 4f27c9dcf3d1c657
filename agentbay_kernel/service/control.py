"""The service's end of a session's supervisor: starts it, asks it, hears from it, ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service import brake
from agentbay_kernel.service.frames import Link, Message
from agentbay_kernel.service.port import SandboxGone, ToolFailure
from agentbay_kernel.service.workers import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

SUPERVISOR = "agentbay_kernel.service.workers.supervisor"
START_SECONDS = 30
END_SECONDS = 1
RELEASE_TRIES = 50


class Control:
    """A supervisor process and the two sockets to it: one for messages, one for descriptors."""

    def __init__(self, on_event: Callable[[Message], None], on_gone: Callable[[], None]) -> None:
        self._on_event = on_event
        self._on_gone = on_gone
        self._link = Link(self._on_message, self._on_lost)
        self._side: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._hello = asyncio.Event()
        self._number = 0
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._log: Path | None = None
        self._mark = ""
        self._brake: Path | None = None
        self.gone = ""
        """Why the supervisor does not answer any more, or nothing."""

    async def start(
        self, command: Sequence[str], env: Mapping[str, str], setup: Message, log: Path, cwd: str
    ) -> None:
        """Start the supervisor and wait until it answers; raises SandboxGone."""
        self._log = log
        if setup["root"]:
            self._mark = f"TMPDIR={env['TMPDIR']}"
        ours, theirs = socket.socketpair()
        self._side, side = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        descriptors = (theirs.fileno(), side.fileno())
        words = [*command, "-m", SUPERVISOR, *map(str, descriptors)]
        with theirs, side, log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *words,
                env=env,
                cwd=cwd,
                pass_fds=descriptors,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self._link, sock=ours)
        self._link.send({"setup": setup})
        try:
            await asyncio.wait_for(self._hello.wait(), START_SECONDS)
        except TimeoutError:
            self.gone = f"The supervisor did not answer in {START_SECONDS} seconds"
        if self.gone:
            raise SandboxGone(self.gone)
        # Before any code of the user runs.
        limit = int(setup["limits"]["processes"])
        self._brake = brake.put_on(f"{os.getpid()}-{self._process.pid}", self.pids(), limit)

    async def ask(self, operation: str, **arguments: Any) -> Any:
        """Ask for an operation; raises ToolFailure or SandboxGone."""
        if self.gone:
            raise SandboxGone(self.gone)
        self._number += 1
        answer = asyncio.get_running_loop().create_future()
        self._pending[self._number] = answer
        self._link.send({"id": self._number, "op": operation, **arguments})
        return await answer

    def hand_over(self, one: socket.socket) -> None:
        """Give a socket to the supervisor, for the next operation."""
        assert self._side is not None
        try:
            socket.send_fds(self._side, [b"s"], [one.fileno()])
        except OSError as error:
            raise SandboxGone(self.gone or "The session has ended") from error

    def pids(self) -> set[int]:
        """The host's pids of every process of the session, the supervisor included."""
        if self._process is None or self._process.returncode is not None:
            return set()
        return {self._process.pid} | processes.descendants(self._process.pid)

    async def end(self) -> None:
        """End every process of the session."""
        remembered = self.pids()
        self.gone = self.gone or "The session has been closed"
        self._link.close()
        if self._side is not None:
            self._side.close()
        if self._process is None:
            return
        try:
            await asyncio.wait_for(self._process.wait(), END_SECONDS)
        except TimeoutError:
            _kill(remembered | self.pids())
            await self._process.wait()
        if self._mark:
            # without a sandbox, what outlived a killed supervisor is known by its environment only
            _kill(processes.with_variable(self._mark))
        for _ in range(RELEASE_TRIES):
            if brake.take_off(self._brake):
                break
            await asyncio.sleep(0.01)  # the last ones are still on their way out

    def _on_message(self, message: Message) -> None:
        if "event" in message:
            if message["event"] == "hello":
                self._hello.set()
            else:
                self._on_event(message)
            return
        answer = self._pending.pop(message["id"])
        if answer.done():
            return
        if "failure" in message:
            answer.set_exception(ToolFailure(message["failure"]))
        else:
            answer.set_result(message["ok"])

    def _on_lost(self) -> None:
        said = self._log.read_text(errors="replace").strip() if self._log is not None else ""
        last = said.splitlines()[-1] if said else ""
        self.gone = self.gone or f"The session's processes have ended. {last}".strip()
        self._hello.set()
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(SandboxGone(self.gone))
        self._pending.clear()
        self._on_gone()


def _kill(pids: set[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
