"""Copies folders between a session and a context without following anything out of them."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 24


@dataclass(frozen=True, slots=True)
class White:
    """One entry of a white list: what lies below `path`, without what is excluded."""

    path: str = ""
    exclude: tuple[str, ...] = ()
    path_is_regex: bool = False
    exclude_is_regex: bool = False

    def takes(self, rel: str) -> bool:
        """Whether a file of that relative path is meant."""
        if self.path_is_regex:
            found = re.search(self.path, rel) is not None
        else:
            found = _below(rel, self.path)
        return found and not any(self._excludes(item, rel) for item in self.exclude)

    def _excludes(self, item: str, rel: str) -> bool:
        if self.exclude_is_regex:
            return re.search(item, rel) is not None
        # Written relative to the mount by some, relative to the entry's own path by others.
        return _below(rel, item) or _below(rel, f"{self.path}/{item}".strip("/"))

    def leads_to(self, rel: str) -> bool:
        """Whether a folder may hold something that is meant."""
        return self.path_is_regex or _below(rel, self.path) or _below(self.path, rel)


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a folder takes part; without entries all of it."""

    entries: tuple[White, ...] = ()

    def takes(self, rel: str) -> bool:
        """Whether a file takes part."""
        return not self.entries or any(entry.takes(rel) for entry in self.entries)

    def enters(self, rel: str) -> bool:
        """Whether a folder is looked into."""
        return not self.entries or any(entry.leads_to(rel) for entry in self.entries)


@dataclass(slots=True)
class Copied:
    """What a copy did; `left_out` are links that lead outside, pipes and devices."""

    files: int = 0
    bytes: int = 0
    left_out: int = 0


def copy(
    source: Path,
    target: Path,
    *,
    takes: Callable[[str], bool] = lambda rel: True,
    enters: Callable[[str], bool] = lambda rel: True,
    link: bool = False,
) -> Copied:
    """Copy what is taken from one folder over another; `link` shares the files' contents.

    Either side may be changed by a session meanwhile: each step opens relative to the folder
    before it and follows no link.
    """
    done = Copied()
    with _opened(source) as from_fd, _opened(target) as to_fd:
        _copy(from_fd, to_fd, "", _Job(takes, enters, link, done))
    return done


def copy_file(source: Path, target: Path) -> Copied:
    """Copy one regular file; the folders of the target are made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    done = Copied()
    with _opened(source.parent) as from_fd, _opened(target.parent) as to_fd:
        kind = os.stat(source.name, dir_fd=from_fd, follow_symlinks=False)
        if not stat.S_ISREG(kind.st_mode):
            raise FileNotFoundError(f"{source.name} is no regular file")
        _put(from_fd, to_fd, source.name, target.name, done)
    return done


@dataclass(frozen=True, slots=True)
class _Job:
    takes: Callable[[str], bool]
    enters: Callable[[str], bool]
    link: bool
    done: Copied


def _copy(from_fd: int, to_fd: int, base: str, job: _Job) -> None:
    with os.scandir(from_fd) as found:
        names = sorted(entry.name for entry in found)
    for name in names:
        rel = f"{base}{name}"
        mode = os.stat(name, dir_fd=from_fd, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            if job.enters(rel):
                _copy_folder(from_fd, to_fd, name, rel, job)
        elif not job.takes(rel):
            continue
        elif stat.S_ISREG(mode):
            _copy_one(from_fd, to_fd, name, job)
        elif not (stat.S_ISLNK(mode) and _copy_link(from_fd, to_fd, name, rel)):
            job.done.left_out += 1


def _copy_folder(from_fd: int, to_fd: int, name: str, rel: str, job: _Job) -> None:
    child = os.open(name, _FOLDER, dir_fd=from_fd)
    try:
        target = _enter(to_fd, name)
        try:
            _copy(child, target, f"{rel}/", job)
        finally:
            os.close(target)
    finally:
        os.close(child)


def _copy_one(from_fd: int, to_fd: int, name: str, job: _Job) -> None:
    if job.link:
        _remove(to_fd, name)
        os.link(name, name, src_dir_fd=from_fd, dst_dir_fd=to_fd, follow_symlinks=False)
        job.done.files += 1
    else:
        _put(from_fd, to_fd, name, name, job.done)


def _put(from_fd: int, to_fd: int, name: str, as_name: str, done: Copied) -> None:
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=from_fd)
    part = f".{secrets.token_hex(6)}.part"
    try:
        kind = os.fstat(source)
        target = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=to_fd)
        try:
            while sent := os.sendfile(target, source, None, _CHUNK):
                done.bytes += sent
            os.fchmod(target, stat.S_IMODE(kind.st_mode) & 0o777 | 0o600)
            os.utime(target, ns=(kind.st_atime_ns, kind.st_mtime_ns))
        finally:
            os.close(target)
        _into_place(to_fd, part, as_name)
    finally:
        os.close(source)
    done.files += 1


def _copy_link(from_fd: int, to_fd: int, name: str, rel: str) -> bool:
    """Copy a link that stays inside of the folder; others are left out."""
    goal = os.readlink(name, dir_fd=from_fd)
    depth = len(PurePosixPath(rel).parent.parts)
    for part in PurePosixPath(goal).parts:
        depth += -1 if part == ".." else 1
        if depth < 0 or part == "/":
            return False
    part = f".{secrets.token_hex(6)}.part"
    os.symlink(goal, part, dir_fd=to_fd)
    _into_place(to_fd, part, name)
    return True


def _into_place(folder: int, part: str, name: str) -> None:
    try:
        os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
    except IsADirectoryError:
        _remove(folder, name)
        os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)


def _enter(folder: int, name: str) -> int:
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=folder)
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except OSError:
        os.unlink(name, dir_fd=folder)
        os.mkdir(name, 0o700, dir_fd=folder)
        return os.open(name, _FOLDER, dir_fd=folder)


def _remove(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        shutil.rmtree(name, dir_fd=folder)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _below(rel: str, path: str) -> bool:
    return not path or rel == path or rel.startswith(f"{path}/")
