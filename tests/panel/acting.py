"""A panel over a kernel's places in memory, and everything that was asked of the provider."""

from __future__ import annotations

import asyncio
from collections import Counter

from agentbay_kernel import magics
from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.identity import Identity
from agentbay_kernel.ledger import Ledger
from agentbay_kernel.panel.panel import Panel
from agentbay_kernel.places import Place, Places
from agentbay_kernel.sessions import SessionManager
from tests.fakes import FakeProvider

CALLS = {
    "": ("status", "labels", "set_labels", "info", "link", "keep_alive", "shell"),
    "machine": ("metrics",),
    "mounts": ("list", "states", "start", "add"),
    "files": ("list", "info", "read", "write", "fetch"),
}


class Front:
    """A front end that is told nothing."""

    def is_local_comm(self, comm_id):
        return False

    def publish(self, parent, event):
        pass


class Counting(FakeProvider):
    """Counts what is asked of it and of its sessions; `failing` is raised by all of it."""

    def __init__(self):
        super().__init__()
        self.asked = Counter()
        self.failing = None

    async def create(self, spec):
        session = await super().create(spec)
        for group, names in CALLS.items():
            target = getattr(session, group) if group else session
            for name in names:
                setattr(target, name, self._counted(name, getattr(target, name)))
        return session

    async def list(self, labels, **options):
        return await self._counted("sessions", super().list)(labels, **options)

    def _counted(self, name, ask):
        async def asked(*args, **options):
            self.asked[name] += 1
            if self.failing is not None:
                raise self.failing
            return await ask(*args, **options)

        return asked


class Clock:
    """A time that passes when it is told to."""

    now = 1000.0

    def __call__(self):
        return self.now


class Acting:
    """A person before a panel, whose time passes only in `pass_time`."""

    def __init__(self, folder, provider=None):
        self.provider = provider or Counting()
        self.clock = Clock()
        self.warned = []
        self.places = Places(lambda name: self._place(name, folder))
        self.panel = Simulated(self, self.places)
        self.model = self.panel.model

    def _place(self, name, folder):
        manager = SessionManager(
            AgentBayOptions(provider="local"),
            Identity(kernel_id="k", notebook="tides.ipynb", place="" if name == "main" else name),
            lambda _: self.provider,
            Ledger(folder / "ledger"),
            warn=self.warned.append,
        )
        return Place.of(name, manager, Front(), untrusted_output=False)

    def context(self, emit):
        return magics.Context.of(self.places, emit, lambda name, value: None, None)

    @property
    def session(self):
        return self.model.manager.session

    async def act(self, action, *buffers, **args):
        return await self.panel.act(action, args, buffers)

    async def start(self):
        await self.act("start")
        self.model.look()
        return self.session

    async def pass_time(self, seconds, *shown):
        """Let time pass while a view says what it shows, as it does every 15 seconds."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.panel.see("v", list(shown))
            self.panel.until = min(end, self.clock.now + 15)
            self.panel.go_on()
            if shown:
                await self.panel.stood.wait()
            self.clock.now = self.panel.until

    async def close(self):
        self.panel.see("v", [])
        await self.panel.ended()
        for download in self.model.downloads.values():
            download.close()
        for place in self.places:
            await place.manager.detach()


class Simulated(Panel):
    """A panel whose rests take no time, up to a moment at which it stands still."""

    def __init__(self, user, places):
        super().__init__(places, user.context, asyncio.get_running_loop(), clock=user.clock)
        self.until = 0.0
        self.stood = asyncio.Event()
        self._going = asyncio.Event()

    def go_on(self):
        self.stood.clear()
        self._going.set()

    async def rest(self, seconds):
        if self._clock.now + seconds < self.until:
            self._clock.now += max(seconds, 0.001)
            await asyncio.sleep(0)
            return
        self._going.clear()
        self.stood.set()
        await self._going.wait()

    async def ended(self):
        self.go_on()
        if self._polling is not None:
            await asyncio.wait_for(self._polling, 5)
