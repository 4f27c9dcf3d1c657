"""Finds the running service of this user, or starts it: the side of its clients."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agentbay_kernel.config import log_dir, runtime_dir

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS_FILE = "service.json"
LOCK_FILE = "service.lock"
LOG_FILE = "service.log"
_PING_SECONDS = 5.0


class NotStarted(Exception):
    """Raised when the service could not be started, or does not answer."""


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """Where the running service is reached; the key never shows in a repr."""

    pid: int
    started: int
    api_url: str
    browser_url: str
    version: str
    key: str = field(repr=False)
    engine: str = "pipe"

    @property
    def alive(self) -> bool:
        """Whether the process that wrote this still lives."""
        return start_time(self.pid) == self.started


def start_time(pid: int) -> int | None:
    """When a process started, in ticks since the boot; None when there is none, or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])


def terminate(pid: int, seconds: float) -> bool:
    """Ask a process to end; whether it did so in time.

    One that has ended counts, though nobody has reaped it: the first process of a container often
    never does.
    """
    started, until = start_time(pid), time.monotonic() + seconds
    if started is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    while started is not None and start_time(pid) == started:
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def read() -> ServiceAddress | None:
    """The address of the running service; None when there is none or it has died."""
    try:
        found = json.loads((runtime_dir() / ADDRESS_FILE).read_bytes())
        address = ServiceAddress(**found)
    except (OSError, ValueError, TypeError):
        return None
    return address if address.alive else None


def publish(address: ServiceAddress) -> None:
    """Write the address file, all at once and for this user alone."""
    part = runtime_dir() / f"{ADDRESS_FILE}.{os.getpid()}"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(address), file)
    os.replace(part, runtime_dir() / ADDRESS_FILE)


def withdraw(pid: int) -> None:
    """Remove the address file if it is that of a process; call it under the lock."""
    address = read()
    if address is not None and address.pid == pid:
        (runtime_dir() / ADDRESS_FILE).unlink(missing_ok=True)


@contextlib.contextmanager
def locked(*, seconds: float) -> Iterator[bool]:
    """Hold the lock under which the service is started and leaves; gives whether it was got."""
    descriptor = os.open(runtime_dir() / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _lock(descriptor, time.monotonic() + seconds)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            # flock has no time limit of its own; another client is starting the service now.
            if time.monotonic() >= until:
                return False
            time.sleep(0.01)


def ensure(
    *,
    linger_seconds: float = 30.0,
    memory_limit_mb: int = 4096,
    process_limit: int = 256,
    cpu_limit: float = 0.0,
    max_sessions: int = 20,
    engine: str = "pipe",
    timeout: float = 20.0,
) -> ServiceAddress:
    """The running service's address; it is started with these options when there is none.

    Raises NotStarted, which says where the log is.
    """
    address = read()
    if address is not None and _answers(address):
        return address
    flags = {
        "--linger-seconds": linger_seconds,
        "--memory-limit-mb": memory_limit_mb,
        "--process-limit": process_limit,
        "--cpu-limit": cpu_limit,
        "--max-sessions": max_sessions,
        "--engine": engine,
    }
    with locked(seconds=timeout) as got:
        if not got:
            raise NotStarted("Another program has been starting the service for too long")
        address = read()
        if address is None or not _answers(address):
            _start([f"{name}={value}" for name, value in flags.items()], timeout)
            address = read()
    if address is None:
        raise NotStarted(f"The service ended at its start; see {log_dir() / LOG_FILE}")
    return address


async def aensure(
    *,
    linger_seconds: float = 30.0,
    memory_limit_mb: int = 4096,
    process_limit: int = 256,
    cpu_limit: float = 0.0,
    max_sessions: int = 20,
    engine: str = "pipe",
    timeout: float = 20.0,
) -> ServiceAddress:
    """As `ensure`, without blocking the loop."""
    return await asyncio.to_thread(
        ensure,
        linger_seconds=linger_seconds,
        memory_limit_mb=memory_limit_mb,
        process_limit=process_limit,
        cpu_limit=cpu_limit,
        max_sessions=max_sessions,
        engine=engine,
        timeout=timeout,
    )


def _answers(address: ServiceAddress) -> bool:
    """Whether the service takes requests; the request also makes it stay its linger time."""
    place = address.api_url.removeprefix("http://")
    connection = http.client.HTTPConnection(place, timeout=_PING_SECONDS)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except TimeoutError:
        raise NotStarted(
            f"The service (process {address.pid}) does not answer; end it and try again"
        ) from None
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _start(flags: list[str], timeout: float) -> None:
    ready, ready_end = os.pipe()
    argv = [sys.executable, "-m", "agentbay_kernel.service", *flags, f"--ready-fd={ready_end}"]
    log = os.open(log_dir() / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # The process detaches itself by a second fork, so that this wait is short and no child
        # of the service's life stays behind in the client.
        subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            pass_fds=(ready_end,),
            start_new_session=True,
        ).wait()
    finally:
        os.close(ready_end)
        os.close(log)
    try:
        _wait_ready(ready, timeout)
    finally:
        os.close(ready)


def _wait_ready(ready: int, timeout: float) -> None:
    found, _, _ = select.select([ready], [], [], timeout)
    if not found:
        raise NotStarted(f"The service was not ready in {timeout:g} s")
    if os.read(ready, 1) != b"1":
        raise NotStarted(f"The service ended at its start; see {log_dir() / LOG_FILE}")
