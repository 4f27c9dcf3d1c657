"""The contexts: named folders that outlive sessions and the service itself."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.clock import Clock, stamp
from agentbay_kernel.service.errors import ApiError, BadParameter, ContextNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("agentbay_kernel.service")

_NAME_LIMIT = 128


@dataclass(eq=False, slots=True)
class Context:
    """One context; `tree` names the folder below its own that holds its files now."""

    id: str
    name: str
    home: Path
    created: float
    used: float
    tree: str
    path: str = ""
    internal: bool = False
    clearing: bool = False
    users: set[str] = field(default_factory=set)
    arrived: set[Path] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def files(self) -> Path:
        """The folder of its files."""
        return self.home / self.tree

    @property
    def state(self) -> str:
        """Its state in the wire's words."""
        if self.clearing:
            return "clearing"
        return "in-use" if self.users else "available"

    def need_idle(self, what: str) -> None:
        """Refuse what must not happen while a session uses the context [?]."""
        if self.users:
            raise ApiError(
                "InvalidContext.InUse",
                f"Context {self.name} cannot be {what}: in use by {', '.join(sorted(self.users))}",
            )

    def arrivals(self, place: Path) -> list[Path]:
        """The files that came for a folder and are in no session yet; or the file itself."""
        if not place.is_dir():
            return [place]
        return [file for file in list(self.arrived) if file.is_relative_to(place)]

    def resolve(self, file_path: str) -> Path:
        """Where a file of the context lies; a path that leads outside is refused.

        The wire names a file by its path in a session, so the path at which the context was
        last mounted is taken off; else a leading slash stands for the context itself.
        """
        rel = relative(file_path, self.path)
        target = self.files / rel
        if not target.resolve().is_relative_to(self.files.resolve()):
            raise BadParameter("FilePath", "leads out of the context")
        return target


class ContextStore:
    """All contexts of the user, read once at the start and written through."""

    def __init__(self, folder: Path, transfers: Path, clock: Clock) -> None:
        self._folder = folder
        self._transfers = transfers
        self._clock = clock
        self._all: dict[str, Context] = {}
        self._transfer: dict[str, Context] = {}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for home in sorted(folder.iterdir()):
            self._read(home)

    def _read(self, home: Path) -> None:
        try:
            meta = json.loads((home / "meta.json").read_bytes())
            context = Context(home=home, **meta)
        except (OSError, ValueError, TypeError):
            # What is left of a context whose creation or deletion was cut off.
            shutil.rmtree(home, ignore_errors=True)
            return
        self._all[context.id] = context
        for stale in home.glob("t-*"):
            if stale.name != context.tree:
                shutil.rmtree(stale, ignore_errors=True)

    def now(self) -> int:
        """The wall time in whole seconds."""
        return int(self._clock.wall())

    def __iter__(self) -> Iterator[Context]:
        return iter(sorted(self._all.values(), key=lambda item: (item.created, item.id)))

    def get(self, context_id: str) -> Context:
        """The context of an id, a session's own transfer folder included."""
        found = self._all.get(context_id) or self._transfer.get(context_id)
        if found is None:
            raise ContextNotFound(context_id)
        return found

    def named(self, name: str) -> Context | None:
        """The context of a name."""
        return next((item for item in self._all.values() if item.name == name), None)

    def make(self, name: str) -> Context:
        """A new, empty context."""
        check_name(name)
        context_id = "SdkCtx-" + secrets.token_hex(10)
        context = self._new(context_id, name, self._folder / context_id)
        self._all[context.id] = context
        self.write(context)
        return context

    def _new(self, context_id: str, name: str, home: Path) -> Context:
        now = self._clock.wall()
        context = Context(context_id, name, home, now, now, _tree_name())
        context.files.mkdir(mode=0o700, parents=True)
        return context

    def write(self, context: Context) -> None:
        """Write a context's description, all at once or not at all."""
        if context.internal:
            return
        keys = ("id", "name", "created", "used", "tree", "path")
        meta = {key: getattr(context, key) for key in keys}
        part = context.home / "meta.part"
        part.write_text(json.dumps(meta), "utf-8")
        os.replace(part, context.home / "meta.json")

    def rename(self, context: Context, name: str) -> None:
        """Give a context another name; names are unique."""
        check_name(name)
        other = self.named(name)
        if other is not None and other is not context:
            raise ApiError("InvalidContext.NameExists", f"There is a context named {name} already")
        context.name = name
        self.write(context)

    async def delete(self, context: Context) -> None:
        """Remove a context and its files."""
        context.need_idle("deleted")
        async with context.lock:
            self._all.pop(context.id, None)
            await asyncio.to_thread(shutil.rmtree, context.home, ignore_errors=True)

    async def clear(self, context: Context) -> None:
        """Remove the files of a context; its state is `clearing` until that is done."""
        async with context.lock:
            try:
                await asyncio.to_thread(self.swap, context, self.fresh(context))
            finally:
                context.clearing = False

    def fresh(self, context: Context) -> Path:
        """A new, empty folder beside the files of a context, to be filled and swapped in."""
        folder = context.home / _tree_name()
        folder.mkdir(mode=0o700)
        return folder

    def swap(self, context: Context, folder: Path) -> None:
        """Make a folder the files of a context: one atomic write of the description."""
        old = context.files
        context.tree = folder.name
        context.used = self._clock.wall()
        self.write(context)
        shutil.rmtree(old, ignore_errors=True)

    def rescue(self, session_id: str, path: str, source: Path) -> None:
        """Keep what could not be uploaded at a session's end beside the contexts."""
        place = self._folder.parent / "rescued" / session_id / path.strip("/")
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(source, place)
        log.error("the files of %s in session %s were not uploaded, but kept", path, session_id)

    def transfer(self, session_id: str) -> Context:
        """The unlisted context through which files reach one session; it ends with it."""
        for context in self._transfer.values():
            if session_id in context.users:
                return context
        context_id = "SdkCtx-" + secrets.token_hex(10)
        context = self._new(context_id, "file_transfer", self._transfers / session_id)
        context.internal = True
        context.users.add(session_id)
        self._transfer[context_id] = context
        return context

    def drop_transfer(self, session_id: str) -> None:
        """Forget the transfer folder of a session that has ended."""
        for context in list(self._transfer.values()):
            if session_id in context.users:
                del self._transfer[context.id]
                shutil.rmtree(context.home, ignore_errors=True)


def describe(context: Context, parent: str) -> list[dict[str, Any]]:
    """The files and folders directly below a folder of a context."""
    folder = context.resolve(parent) if parent.strip("/") else context.files
    if not folder.is_dir():
        return []
    entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    return [_entry(context, Path(entry.path)) for entry in entries]


def _entry(context: Context, path: Path) -> dict[str, Any]:
    rel = path.relative_to(context.files).as_posix()
    kind = path.lstat()
    folder = path.is_dir()
    return {
        "FileId": f"{context.id}:{rel}",
        "FileName": path.name,
        "FilePath": f"{context.path.rstrip('/')}/{rel}",
        "FileType": "FOLDER" if folder else "FILE",
        "GmtCreate": stamp(kind.st_ctime),
        "GmtModified": stamp(kind.st_mtime),
        "Size": 0 if folder else kind.st_size,
        "Status": "available",
    }


def relative(file_path: str, base: str) -> PurePosixPath:
    """A file's path below a context; `..`, an empty path and a NUL are refused."""
    text = file_path
    if base.strip("/") and (text == base or text.startswith(base.rstrip("/") + "/")):
        text = text[len(base.rstrip("/")) :]
    path = PurePosixPath(text.lstrip("/"))
    if not path.parts or ".." in path.parts or "\0" in text:
        raise BadParameter("FilePath", "is no path of a file inside the context")
    return path


def check_name(name: str) -> None:
    """Refuse a name that is empty, too long, or holds what no name should."""
    if not name.strip() or len(name) > _NAME_LIMIT or name in (".", ".."):
        raise BadParameter("Name", f"must have 1 to {_NAME_LIMIT} characters")
    if any(not char.isprintable() or char in "/\\" for char in name):
        raise BadParameter("Name", "must not hold slashes or control characters")


def _tree_name() -> str:
    return "t-" + secrets.token_hex(6)
