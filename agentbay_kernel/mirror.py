"""One-way mirrors between a local folder and one of the session, which overwrite nobody's work."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import posixpath
import shlex
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentbay_kernel import hashing, transfer
from agentbay_kernel.config import data_dir
from agentbay_kernel.errors import UsageError
from agentbay_kernel.transfer import names, remote
from agentbay_kernel.transfer import plan as plans

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from agentbay_kernel.session import Session

    Progress = Callable[[int, int], None]
    Stamp = tuple[int, float]

IGNORE_FILE = ".agentbayignore"
ALWAYS_IGNORED = (".git/", ".*.part", f"/{IGNORE_FILE}")


@dataclass(slots=True)
class Side:
    """What one side has: files by relative path with size and time, and folders."""

    files: dict[str, Stamp] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    left_out: int = 0


@dataclass(slots=True)
class Work:
    """What a mirror has to do; `conflicts` maps a path to why its target is kept."""

    copy: list[str] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)
    conflicts: dict[str, str] = field(default_factory=dict)
    same: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    old_folders: list[str] = field(default_factory=list)
    source: Side = field(default_factory=Side)
    target: Side = field(default_factory=Side)


@dataclass(frozen=True, slots=True)
class Mirror:
    """A folder here and one of the session; `up` leads into the session."""

    session: Session
    local: Path
    remote: str
    up: bool

    async def look(self) -> tuple[Side, Side]:
        """Both sides, the source first; a target folder that is not there is empty."""
        ignored = _ignored(self.local)
        if self.up and not self.local.is_dir():
            raise UsageError(f"There is no folder {self.local} on this computer")
        here = await asyncio.to_thread(_local_side, self.local, ignored)
        there = await self._remote_side(ignored)
        return (here, there) if self.up else (there, here)

    async def plan(self, *, delete: bool = False, force: bool = False) -> Work:
        """What is to do, after the contents of doubtful files were compared; touches nothing."""
        source, target = await self.look()
        record = _read(self._record_path())
        work = decide(source, target, record, delete=delete)
        doubtful = [path for path in work.conflicts if path in source.files and path in target.files
                    and source.files[path][0] == target.files[path][0]]  # fmt: skip
        for path in await self._equal(doubtful, source):
            del work.conflicts[path]
            work.same.append(path)
        if force:
            solved = [path for path in work.conflicts if path in target.files]
            for path in solved:
                del work.conflicts[path]
                (work.copy if path in source.files else work.delete).append(path)
        return work

    async def apply(self, work: Work, progress: Progress) -> None:
        """Do it, and remember what both sides are now."""
        job = self._job(work.copy, work.source, work.folders)
        if self.up:
            await transfer.send(self.session, job, force=True, progress=progress)
        else:
            plans.check_here(job)
            await transfer.receive(self.session, job, force=True, progress=progress)
        for path in work.delete:
            await self._delete(path)
        await self._delete_folders(work.old_folders)
        _, now = await self.look()
        before = _read(self._record_path())
        record = {path: last for path, last in before.items() if path in now.files}
        for paths, target in ((work.copy, now), (work.same, work.target)):
            for path in paths:
                if path in target.files:
                    record[path] = [*work.source.files[path], *target.files[path]]
        _write(self._record_path(), record)

    async def _remote_side(self, ignored: Callable[[str], bool]) -> Side:
        side = Side()
        info = await self.session.files.info(self.remote)
        if info is None and self.up:
            return side
        below = self.remote.rstrip("/") + "/"
        for entry in await remote.tree(self.session, self.remote):
            path = entry.path.removeprefix(below)
            if not entry.path.startswith(below) or _ignored_at(path, entry.is_dir, ignored):
                continue
            if entry.is_dir:
                side.folders.add(path)
            elif entry.kind == remote.FILE:
                side.files[path] = (entry.size, entry.modified or 0.0)
            else:
                side.left_out += 1
        return side

    async def _equal(self, paths: Collection[str], source: Side) -> list[str]:
        sizes = {self._there(path): source.files[path][0] for path in paths}
        digests = await remote.digests(self.session, sizes) if sizes else {}
        return [
            path
            for path in paths
            if digests.get(self._there(path))
            == await asyncio.to_thread(hashing.hash_file, names.inside(self.local, path))
        ]

    def _job(self, paths: Collection[str], source: Side, folders: Collection[str]) -> plans.Plan:
        copies = [
            plans.Copy(names.inside(self.local, path), self._there(path), source.files[path][0])
            for path in paths
        ]
        if self.up:
            return plans.Plan(copies, [self._there(each) for each in folders], top=self.remote)
        made = [str(self.local), *(str(names.inside(self.local, each)) for each in folders)]
        return plans.Plan(copies, made, top=str(self.local))

    async def _delete(self, path: str) -> None:
        if self.up:
            await self.session.files.remove(self._there(path))
        else:
            await asyncio.to_thread(names.inside(self.local, path).unlink, missing_ok=True)

    async def _delete_folders(self, folders: Collection[str]) -> None:
        """Remove folders that are empty now; others stay."""
        deepest = sorted(folders, key=lambda each: each.count("/"), reverse=True)
        if self.up and deepest and self.session.capabilities.shell:
            words = " ".join(shlex.quote(self._there(each)) for each in deepest)
            await self.session.shell(f"rmdir -- {words} 2>/dev/null; true")
        for each in [] if self.up else deepest:
            with contextlib.suppress(OSError):
                names.inside(self.local, each).rmdir()

    def _there(self, path: str) -> str:
        return posixpath.join(self.remote, path)

    def _record_path(self) -> Path:
        way = "up" if self.up else "down"
        key = [self.session.session_id, str(self.local.resolve()), self.remote, way]
        digest = hashlib.sha256("\0".join(key).encode(errors="surrogateescape")).hexdigest()
        return data_dir() / "mirrors" / f"{digest[:24]}.json"


def decide(source: Side, target: Side, record: Mapping[str, Any], *, delete: bool) -> Work:
    """What a mirror has to do; `record` has the sizes and times of both sides after the last one.

    A target that is not what the last mirror left is a conflict, unless its content turns out to
    be the source's.
    """
    folders = sorted(source.folders - target.folders)
    work = Work(folders=folders, source=source, target=target)
    for path, stamp in sorted(source.files.items()):
        last = record.get(path)
        if path in target.folders:
            work.conflicts[path] = "a folder has its name"
        elif path not in target.files:
            above = [path[:at] for at, char in enumerate(path) if char == "/"]
            blocked = any(each in target.files for each in above)
            if blocked:
                work.conflicts[path] = "a file has the name of its folder"
            else:
                work.copy.append(path)
        elif last is None or not _is_same(target.files[path], last[2:]):
            work.conflicts[path] = "changed since" if last else "was there before"
        elif _is_same(stamp, last[:2]):
            work.same.append(path)
        else:
            work.copy.append(path)
    work.folders = [each for each in work.folders if each not in target.files]
    if delete:
        _decide_deletions(work, source, target, record)
    return work


def _decide_deletions(work: Work, source: Side, target: Side, record: Mapping[str, Any]) -> None:
    for path in sorted(target.files.keys() - source.files.keys()):
        if path in source.folders:
            work.conflicts[path] = "a folder of the source has its name"
        elif path in record and _is_same(target.files[path], record[path][2:]):
            work.delete.append(path)
        else:
            work.conflicts[path] = "not from this mirror, or changed since"
    work.old_folders = sorted(target.folders - source.folders)


def _is_same(stamp: Stamp, last: Collection[float]) -> bool:
    return list(stamp) == list(last)


def _ignored(local: Path) -> Callable[[str], bool]:
    from pathspec import GitIgnoreSpec

    path = local / IGNORE_FILE
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    try:
        # The user's come last, since the last one decides.
        spec = GitIgnoreSpec.from_lines([*ALWAYS_IGNORED, *lines])
    except ValueError as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    return spec.match_file


def _ignored_at(path: str, is_dir: bool, ignored: Callable[[str], bool]) -> bool:
    return ignored(path + "/" if is_dir else path)


def _local_side(root: Path, ignored: Callable[[str], bool]) -> Side:
    side = Side()
    for folder, folders, files in os.walk(root):
        base = Path(folder).relative_to(root).as_posix()
        lead = "" if base == "." else f"{base}/"
        links = {name for name in folders if Path(folder, name).is_symlink()}
        folders[:] = sorted(
            name for name in folders if name not in links and not ignored(f"{lead}{name}/")
        )
        side.folders |= {lead + name for name in folders}
        side.left_out += len(links)
        for name in files:
            status = os.lstat(Path(folder, name))
            if ignored(lead + name):
                continue
            if stat.S_ISREG(status.st_mode):
                side.files[lead + name] = (status.st_size, status.st_mtime)
            else:
                side.left_out += 1
    return side


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, record: Mapping[str, Any]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(json.dumps(record))
    part.replace(path)
