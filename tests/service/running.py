"""A service in a thread of the test's process, and the ways to ask it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import json
import os
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
from dataclasses import dataclass

import pytest

from agentbay_kernel.service import program
from agentbay_kernel.service.app import Service
from agentbay_kernel.service.clock import Clock
from agentbay_kernel.service.host import Host, Options
from tests.service.box import FakeBox


@dataclass
class Turned:
    """The real clocks, moved on by `ahead` seconds."""

    ahead: float = 0.0

    def clock(self):
        return Clock(lambda: time.monotonic() + self.ahead, lambda: time.time() + self.ahead)


@dataclass(frozen=True)
class Reply:
    """What a plain HTTP request was answered."""

    status: int
    body: bytes
    headers: object

    @property
    def json(self):
        return json.loads(self.body)


@contextlib.contextmanager
def quiet_sdk():
    """No proxy, and no word of the connections that the SDK leaves to the garbage collector."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            patch.delenv(name, raising=False)
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


class Running:
    """A running service; its sandboxes are in memory unless `make` says otherwise."""

    def __init__(self, folder, *, make=None, **options):
        self.boxes, self.turned = [], Turned()
        self._sockets = (program._listen(), program._listen())
        self.address = program._address(*self._sockets)
        self.url, self.pages = self.address.api_url, self.address.browser_url
        self.key = self.address.key
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="service")
        self._thread.daemon = True
        self._thread.start()
        self.run(self._start(folder, make or self._box, Options(**{"spare": False, **options})))

    def _box(self, spec):
        self.boxes.append(FakeBox(spec))
        return self.boxes[-1]

    async def _start(self, folder, make, options):
        self.host = Host(folder, options, clock=self.turned.clock(), make=make)
        self.service = Service(self.host, self.address)
        await self.service.start(self._sockets)

    def run(self, work):
        """Run a coroutine in the service's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def close(self):
        self.run(self.service.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def ahead(self, seconds):
        """Let time pass."""
        self.turned.ahead += seconds
        self.loop.call_soon_threadsafe(self.host.changed.set)

    def ask(self, action, *, key=None, headers=None, **fields):
        """One RPC request without the SDK."""
        fields["Authorization"] = f"Bearer {self.key if key is None else key}"
        body = urllib.parse.urlencode(fields).encode()
        return http(f"{self.url}/?Action={action}", body, headers=headers)

    def create(self, **fields):
        """The access data of a new session."""
        return self.ask("CreateMcpSession", **{"ImageId": "code_latest", **fields}).json["Data"]

    def live(self, session_id):
        """The service's own session of an id."""
        return self.host.sessions.get(session_id)

    def tool(self, session, tool, **args):
        """One call over the link path."""
        body = json.dumps({"tool": tool, "args": args}).encode()
        headers = {"X-Access-Token": session["Token"], "Content-Type": "application/json"}
        return http(f"{session['LinkUrl']}/callTool", body, headers=headers)

    def sdk(self, key=None, *, name="AgentBay"):
        """The vendor's client."""
        sdk = vendor()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = getattr(sdk, name)
            return client(api_key=key or self.key, cfg=sdk.Config(endpoint=self.url))


def http(url, body=None, *, headers=None, method=None):
    """A request with the standard library; a refusal is a reply too."""
    request = urllib.request.Request(url, body, headers or {}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as found:
            return Reply(found.status, found.read(), found.headers)
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.read(), error.headers)


def vendor():
    """The vendor's package; its import writes files and warns."""
    os.environ["AGENTBAY_LOG_FILE"] = os.path.join(os.environ["HOME"], "sdk.log")
    os.environ["AGENTBAY_LOG_LEVEL"] = "CRITICAL"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import agentbay
    settle(agentbay)
    return agentbay


@functools.cache
def settle(_package):
    """Have the collector pass over what a package's import made, which stays for good."""
    gc.collect()
    gc.freeze()


def wait_for(condition, what, seconds=10):
    """The first true value of `condition()`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.01)
    return value


def free_port(first=30100, last=30199):
    """A port of the links' range on which nobody listens."""
    # Test processes that run side by side each have a part of the range.
    part = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 4 * 25
    for port in range(first + part + os.getpid() % 10, last + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")
