"""Puts the service together and keeps it running until nobody needs it."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import shutil
import signal
from typing import TYPE_CHECKING

from aiohttp import web

from agentbay_kernel.config import log_dir
from agentbay_kernel.service import logs, runtime
from agentbay_kernel.service.browser import Browser
from agentbay_kernel.service.file_urls import FileUrls
from agentbay_kernel.service.host import Host, Options
from agentbay_kernel.service.links import Links
from agentbay_kernel.service.rpc import Site
from agentbay_kernel.service.server import Api

if TYPE_CHECKING:
    import socket
    from argparse import Namespace
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
    logs.set_up(log_dir() / runtime.LOG_FILE)
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


class Program:
    """The running service."""

    def __init__(self, folder: Path, options: Options, address: runtime.ServiceAddress) -> None:
        self._address = address
        self._linger = options.linger_seconds
        self.host = Host(folder, options)
        self._last = self.host.clock.monotonic()
        self._stop = asyncio.Event()
        links = Links(self.host, address.browser_url)
        urls = FileUrls(address.api_url, self.host.contexts, self.host.clock)
        site = Site(self.host, address.api_url, address.browser_url, links, urls)
        self._api = web.AppRunner(Api(site, address.key, self._seen).application(), access_log=None)
        self._browser = web.AppRunner(
            Browser(self.host, links, self._seen).application(), access_log=None
        )

    def _seen(self) -> None:
        self._last = self.host.clock.monotonic()

    async def run(self, sockets: tuple[socket.socket, socket.socket]) -> None:
        """Serve, then end every session."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        runners = (self._api, self._browser)
        for runner, listener in zip(runners, sockets, strict=True):
            await runner.setup()
            await web.SockSite(runner, listener).start()
        reaper = self.host.spawn(self.host.reap(), "session limits")
        try:
            await self._wait()
        finally:
            reaper.cancel()
            with runtime.locked(seconds=5):
                runtime.withdraw(self._address.pid)
            await self.host.close()
            for runner in runners:
                await runner.shutdown()
                await runner.cleanup()

    async def _wait(self) -> None:
        while not self._stop.is_set():
            left = self._left()
            if left <= 0 and await self._leave():
                return
            try:
                async with asyncio.timeout(max(0.05, min(left, 5.0))):
                    await self._stop.wait()
            except TimeoutError:
                continue

    def _left(self) -> float:
        """Seconds until nobody has needed the service for its linger time."""
        servers = (self._api.server, self._browser.server)
        connected = any(server is not None and server.connections for server in servers)
        if len(self.host.sessions) or connected:
            self._seen()
        return self._last + self._linger - self.host.clock.monotonic()

    async def _leave(self) -> bool:
        """Withdraw the address, and stay after all when a client came meanwhile."""
        with runtime.locked(seconds=0) as got:
            if not got:
                self._seen()
                return False
            runtime.withdraw(self._address.pid)
        try:
            async with asyncio.timeout(_GRACE):
                await self._stop.wait()
        except TimeoutError:
            pass
        if self._left() <= 0:
            return True
        with runtime.locked(seconds=5) as got:
            if got and runtime.read() is None:
                runtime.publish(self._address)
        return False
