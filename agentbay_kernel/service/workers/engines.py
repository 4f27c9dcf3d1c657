"""The interpreters that a supervisor can start, by the names of the option `engine`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agentbay_kernel.service.workers.children import Child, Children

PIPE = "agentbay_kernel.service.workers.python"
CARRIER = "agentbay_kernel.service.workers.carrier"
LAST_WORDS_SECONDS = 2
CHANNELS = ("shell", "iopub", "stdin", "control", "hb")


@dataclass(frozen=True, slots=True)
class Place:
    """What an interpreter is started with: the session's Python, its variables, its folder."""

    children: Children
    python: Sequence[str]
    env: dict[str, str]
    cwd: str


@dataclass(frozen=True, slots=True)
class Worker:
    """A running interpreter: the process that runs the cells, leader of its group."""

    main: Child
    carrier: Child | None = None
    """What carries its words to the service, where it does not do that itself."""
    files: str = ""
    """The pattern of the files that it leaves when it is killed."""

    @property
    def pid(self) -> int:
        """That of the process that runs the cells."""
        return self.main.pid

    def signal(self, number: int) -> None:
        """Signal it and what it has started."""
        self.main.signal(number)

    async def ended(self) -> int:
        """Its return code, once all that it has said is on its way."""
        if self.carrier is not None:
            both: list[asyncio.Future[int]] = [self.main.ended, self.carrier.ended]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not self.main.ended.done():
                self.main.signal(signal.SIGKILL)  # nobody can hear it any more
        status = await self.main.ended
        self.main.signal(signal.SIGKILL)  # what it started dies with it
        if self.carrier is not None:
            await asyncio.wait([self.carrier.ended], timeout=LAST_WORDS_SECONDS)
            self.carrier.signal(signal.SIGKILL)
            folder, _, name = self.files.rpartition("/")
            for left in Path(folder).glob(name):
                left.unlink(missing_ok=True)
        return status


def start(engine: str, place: Place, descriptor: int) -> Worker:
    """Start an interpreter that speaks to the service over a socket."""
    return ENGINES[engine](place, descriptor)


def _start_pipe(place: Place, descriptor: int) -> Worker:
    # an interrupt waits until the interpreter can tell what it is for
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return Worker(_spawn(place, ["-m", PIPE, str(descriptor)], descriptor))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _start_ipykernel(place: Place, descriptor: int) -> Worker:
    folder = os.path.join(place.env["HOME"], ".local/share/jupyter/runtime")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    name = f"kernel-{uuid.uuid4()}"
    file = f"{folder}/{name}.json"
    with _opened(folder) as directory:
        _write_connection(file, f"/proc/self/fd/{directory}/{name}")
        with _deaf():
            words = ["-m", "ipykernel_launcher", "-f", file]
            words.append("--HistoryManager.hist_file=:memory:")
            # The launcher itself keeps the folder out of the way of its imports; with -P the
            # folder's modules would be out of the way of the session's code too.
            plain = [word for word in place.python if word != "-P"]
            kernel = _spawn(replace(place, python=plain), words, directory)
        try:
            words = ["-m", CARRIER, str(descriptor), file]
            carrier = _spawn(place, words, descriptor, directory)
        except BaseException:
            kernel.signal(signal.SIGKILL)
            raise
    return Worker(kernel, carrier, f"{folder}/{name}*")


def _spawn(place: Place, words: list[str], *descriptors: int) -> Child:
    command = [*place.python, *words]
    return place.children.spawn(command, env=place.env, cwd=place.cwd, pass_fds=descriptors)


@contextlib.contextmanager
def _opened(folder: str) -> Iterator[int]:
    """A folder's descriptor, as a short way to it: the path of a Unix socket has little room."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Ignore the interrupt, as ipykernel itself does between cells; its start is no cell."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _write_connection(file: str, address: str) -> None:
    facts = {
        "transport": "ipc",
        "ip": address,
        "key": uuid.uuid4().hex,
        "signature_scheme": "hmac-sha256",
        "kernel_name": "python3",
        **{f"{channel}_port": number for number, channel in enumerate(CHANNELS, 1)},
    }
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as opened:
        json.dump(facts, opened)


ENGINES: dict[str, Callable[[Place, int], Worker]] = {
    "pipe": _start_pipe,
    "ipykernel": _start_ipykernel,
}
