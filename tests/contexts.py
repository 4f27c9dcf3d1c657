"""Contexts and mounts in memory, for units only."""

from __future__ import annotations

from agentbay_kernel.contexts import Bound, ContextFile, ContextInfo, ContextPage, FilePage
from agentbay_kernel.errors import ContextGone, ProviderError
from agentbay_kernel.session import ContextState


class FakeMounts:
    """Transfers end at once: with Failed where `failing` has a reason for the path."""

    def __init__(self, *bound):
        self.bound = list(bound)
        self.course = {}
        self.failing = {}
        self.started = []

    def set(self, bound, direction, status="Success", error=""):
        state = ContextState(bound.context_id, bound.path, direction, status, error, 1.0, 2.0)
        self.course[bound.context_id, bound.path, direction] = state

    async def list(self):
        return list(self.bound)

    async def states(self):
        return list(self.course.values())

    async def add(self, mount):
        if any(each.path == mount.path for each in self.bound):
            raise ProviderError("A context is bound to that path already")
        bound = Bound(f"c-{mount.context}", mount.context, mount.path, mount.policy.auto_upload)
        self.bound.append(bound)
        await self.start("download", bound)
        return bound

    async def start(self, direction, bound=None):
        for each in [bound] if bound else self.bound:
            self.started.append((direction, each.name))
            error = self.failing.get(each.path, "")
            self.set(each, direction, "Failed" if error else "Success", error)


class FakeContexts:
    """The contexts of an account by name, each with its files by path."""

    def __init__(self, **files):
        self.files_of = {name: dict(each) for name, each in files.items()}
        self.cleared = []

    async def list(self, *, limit=10, token=""):
        names = sorted(self.files_of)
        start = int(token or 0)
        rows = [ContextInfo(f"c-{name}", name, "available") for name in names[start:][:limit]]
        more = start + limit < len(names)
        return ContextPage(rows, str(start + limit) if more else "", len(names))

    async def get(self, name):
        if name not in self.files_of:
            raise ContextGone(f"There is no context {name}")
        return ContextInfo(f"c-{name}", name, "available")

    async def create(self, name):
        self.files_of.setdefault(name, {})
        return await self.get(name)

    async def rename(self, context_id, name):
        self.files_of[name] = self.files_of.pop(context_id[2:])

    async def delete(self, context_id):
        del self.files_of[context_id[2:]]

    async def clear(self, context_id):
        self.files_of[context_id[2:]] = {}

    async def files(self, context_id, folder="", *, token=""):
        base = folder.strip("/") + "/" if folder.strip("/") else ""
        below = [
            path[len(base) :] for path in self.files_of[context_id[2:]] if path.startswith(base)
        ]
        names = sorted({name.partition("/")[0] for name in below})
        return FilePage([ContextFile(name, name not in below, 1) for name in names])

    async def delete_file(self, context_id, path):
        del self.files_of[context_id[2:]][path]
