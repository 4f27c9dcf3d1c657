"""Puts the service together and keeps it running until nobody needs it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
import signal
from typing import TYPE_CHECKING

from aiohttp import web

from agentbay_kernel.service import runtime
from agentbay_kernel.service.browser import Browser
from agentbay_kernel.service.file_urls import FileUrls
from agentbay_kernel.service.host import Host, Options
from agentbay_kernel.service.links import Links
from agentbay_kernel.service.objects import Buckets
from agentbay_kernel.service.rpc import Site
from agentbay_kernel.service.server import Api

if TYPE_CHECKING:
    import socket
    from argparse import Namespace
    from collections.abc import Iterable
    from pathlib import Path

log = logging.getLogger("agentbay_kernel.service")

# A client that has just read the address may still be on its way when the service leaves.
_GRACE = 0.5


def serve(
    arguments: Namespace,
    address: runtime.ServiceAddress,
    sockets: tuple[socket.socket, socket.socket],
    folder: Path,
) -> None:
    """Serve until the linger time is over or SIGTERM comes."""
    owner = _own(folder)
    options = Options(**vars(arguments))
    log.info("service %s starts, version %s", address.pid, address.version)
    try:
        asyncio.run(Program(folder, options, address).run(sockets))
    finally:
        with runtime.locked(seconds=5):
            runtime.withdraw(address.pid)
        log.info("service %s has left", address.pid)
        if owner is not None:
            os.close(owner)


def _own(folder: Path) -> int | None:
    """Clean up what a crashed service left, unless another one lives in the same data folder."""
    descriptor = os.open(folder / "sessions.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        log.warning("another service uses the same data folder; nothing is cleaned up")
        return None
    for name in ("sessions", "transfers"):
        for left in (folder / name).glob("*"):
            log.info("removing %s, left by a service that ended early", left.name)
            shutil.rmtree(left, ignore_errors=True)
    return descriptor


class Service:
    """The two listeners over one host."""

    def __init__(self, host: Host, address: runtime.ServiceAddress) -> None:
        self.host = host
        self._last = host.clock.monotonic()
        links = Links(host, address.browser_url)
        urls = FileUrls(address.api_url, host.contexts, host.clock)
        host.buckets = Buckets(host.folder / "buckets", urls)
        site = Site(host, address.api_url, address.browser_url, links, urls)
        api, browser = Api(site, address.key, self.seen), Browser(host, links, self.seen)
        self._runners = (
            web.AppRunner(api.application(), access_log=None, shutdown_timeout=1),
            web.AppRunner(browser.application(), access_log=None, shutdown_timeout=1),
        )

    def seen(self) -> None:
        """Note that somebody needs the service."""
        self._last = self.host.clock.monotonic()

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Answer on sockets that listen already."""
        for runner, listener in zip(self._runners, sockets, strict=True):
            await runner.setup()
            await web.SockSite(runner, listener).start()
        self._reaper = self.host.spawn(self.host.reap(), "session limits")

    async def close(self) -> None:
        """End every session, then the listeners."""
        self._reaper.cancel()
        await self.host.close()
        for runner in self._runners:
            await runner.cleanup()

    def unused(self) -> float:
        """Seconds for which there has been no session, connection or request."""
        connected = any(r.server is not None and r.server.connections for r in self._runners)
        if len(self.host.sessions) or connected:
            self.seen()
        return self.host.clock.monotonic() - self._last


class Program:
    """The running service as a process: how long it stays, and how it leaves."""

    def __init__(self, folder: Path, options: Options, address: runtime.ServiceAddress) -> None:
        self._address = address
        self._linger = options.linger_seconds
        self._service = Service(Host(folder, options), address)
        self._stop = asyncio.Event()

    async def run(self, sockets: tuple[socket.socket, socket.socket]) -> None:
        """Serve, then end every session."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop.set)
        await self._service.start(sockets)
        self._service.host.expect_session()
        try:
            await self._wait()
        finally:
            with runtime.locked(seconds=5):
                runtime.withdraw(self._address.pid)
            await self._service.close()

    async def _wait(self) -> None:
        while not self._stop.is_set():
            left = self._linger - self._service.unused()
            if left <= 0 and await self._leave():
                return
            await self._pause(max(0.05, min(left, 5.0)))

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    async def _leave(self) -> bool:
        """Withdraw the address, and stay after all when a client came meanwhile."""
        with runtime.locked(seconds=0) as got:
            if not got:
                self._service.seen()
                return False
            runtime.withdraw(self._address.pid)
        await self._pause(_GRACE)
        if self._service.unused() >= self._linger or self._stop.is_set():
            return True
        with runtime.locked(seconds=5) as got:
            if got and runtime.read() is None:
                runtime.publish(self._address)
        return False
