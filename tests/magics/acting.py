"""Commands on a kernel in memory: what they show, keep, ask and run."""

from __future__ import annotations

from agentbay_kernel import magics
from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.identity import Identity
from agentbay_kernel.lifetime import Lifetime
from tests.fakes import FakeProvider, FakeSession


class FakeManager:
    """As much of a SessionManager as commands about the session need."""

    claimed = False

    def __init__(self, **options):
        self.options = AgentBayOptions(**{"provider": "local", **options})
        self.identity = Identity(kernel_id="k-1")
        self.place = FakeProvider()
        self.session = FakeSession()
        self.lifetime = Lifetime(created=0, idle=60, limit=480, keep_alive=60, warn=10)
        self.started = self.uses = self.changes = 0

    async def ensure(self, spec=None):
        if self.session is None:
            self.session = FakeSession()
            self.started += 1
        return self.session

    async def provider(self):
        return self.place

    def on_change(self):
        self.changes += 1

    def used(self):
        self.uses += 1


class Acting:
    """A user who types commands; `answers` are what they say when asked."""

    def __init__(self, manager=None):
        self.manager = manager or FakeManager()
        self.kept = {}
        self.answers = []
        self.asked = []
        self.ran = []
        self.events = []
        self.inside = None

    @property
    def context(self):
        return magics.Context(
            self.manager,
            self.events.append,
            self.kept.__setitem__,
            inside=self.inside,
            put=self.kept.__setitem__,
            question=self._answer,
        )

    async def _answer(self, prompt, password):
        self.asked.append((prompt, password))
        return self.answers.pop(0)

    async def do(self, line):
        """Run a line and give the page or the text that it showed."""
        self.events.clear()
        magic, _, rest = line.lstrip("%").partition(" ")
        done = await magics.run(magic, rest, self.context)
        return done.page or "\n".join(map(text_of, self.events))

    async def value(self, line):
        """Run a line and give its value."""
        await self.do(f"{line} -o value")
        return self.kept["value"]

    async def complete(self, line):
        found = await magics.complete(line, len(line), self.context)
        return list(found.texts) if found else []


def text_of(event):
    return event.data["text/plain"] if hasattr(event, "data") else event.text
