"""Copies files between a local folder and a session, exactly, and never in part."""

from __future__ import annotations

import asyncio
import contextlib
import os
import posixpath
import secrets
import shlex
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from agentbay_kernel.errors import ToolError, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from agentbay_kernel.session import Session

    Progress = Callable[[int, int], None]

# A larger file goes in parts of this size: its progress shows and memory holds but one of them.
PART = 8 << 20


@dataclass(frozen=True, slots=True)
class Copy:
    """One file that was copied; `remote` is a path in the session."""

    local: Path
    remote: str
    size: int


def _quiet(done: int, total: int) -> None:
    return None


async def put(
    session: Session,
    sources: Sequence[str | Path],
    target: str,
    *,
    force: bool = False,
    progress: Progress = _quiet,
) -> list[Copy]:
    """Copy local files into the session, as `cp` would: `target` is a folder or a new name.

    An existing file is refused without `force`. `progress(done, total)` counts bytes.
    """
    files = [_local_file(Path(source)) for source in sources]
    info = await session.files.info(target)
    into = len(files) > 1 or target.endswith("/") or (info is not None and info.is_dir)
    copies = [
        Copy(file, posixpath.join(target, file.name) if into else target, file.stat().st_size)
        for file in files
    ]
    return await _put(session, copies, force=force, progress=progress)


async def push(
    session: Session,
    folder: str | Path,
    target: str,
    *,
    force: bool = False,
    progress: Progress = _quiet,
) -> list[Copy]:
    """Copy the files below a local folder to below a folder of the session.

    Hidden files and symbolic links are left out.
    """
    root = Path(folder)
    copies = [
        Copy(path, posixpath.join(target, path.relative_to(root).as_posix()), path.stat().st_size)
        for path in await asyncio.to_thread(lambda: sorted(walk(root)))
    ]
    return await _put(session, copies, force=force, progress=progress)


async def get(
    session: Session,
    sources: Sequence[str],
    target: str | Path,
    *,
    force: bool = False,
    progress: Progress = _quiet,
) -> list[Copy]:
    """Copy files of the session to this computer: `target` is a folder or a new name."""
    place = Path(target)
    into = len(sources) > 1 or str(target).endswith(os.sep) or place.is_dir()
    copies = []
    for source in sources:
        size = await _remote_size(session, source)
        local = inside(place, posixpath.basename(source)) if into else place
        copies.append(Copy(local, source, size))
    return await _get(session, copies, force=force, progress=progress)


async def pull(
    session: Session,
    folder: str,
    target: str | Path,
    *,
    force: bool = False,
    progress: Progress = _quiet,
) -> list[Copy]:
    """Copy the files below a folder of the session to below a local folder."""
    root = Path(target)
    copies = []
    async for path in _remote_walk(session, folder):
        local = inside(root, posixpath.relpath(path, folder))
        copies.append(Copy(local, path, await _remote_size(session, path)))
    return await _get(session, copies, force=force, progress=progress)


def inside(folder: Path, name: str) -> Path:
    """The local path of a name that a session gave; refused where it would leave `folder`."""
    parts = PurePosixPath(name).parts
    bad = not parts or name.startswith("/") or "\0" in name or "\\" in name or ".." in parts
    path = folder.joinpath(*parts) if not bad else folder
    # A symbolic link on the way would lead elsewhere, so would one in the place of the file.
    links = [] if bad else [*[*path.parents][: len(parts) - 1], path]
    if bad or any(link.is_symlink() for link in links):
        raise UsageError(f"The session's file name {name!r} would be written outside of {folder}")
    return path


async def _put(
    session: Session, copies: list[Copy], *, force: bool, progress: Progress
) -> list[Copy]:
    _check_twice([copy.remote for copy in copies])
    if not force:
        for copy in copies:
            if await session.files.info(copy.remote) is not None:
                raise UsageError(
                    f"{copy.remote} exists in the session; nothing was copied",
                    next_step="Overwrite it with --force",
                )
    counter = _Counter(progress, sum(copy.size for copy in copies))
    for copy in copies:
        if copy.size > PART and session.capabilities.shell:
            await _put_parts(session, copy, counter)
        else:
            data = await asyncio.to_thread(copy.local.read_bytes)
            await session.files.write(copy.remote, data)
            counter.add(len(data))
    return copies


async def _put_parts(session: Session, copy: Copy, counter: _Counter) -> None:
    part = f"/tmp/.{secrets.token_hex(4)}.part"
    whole = f"{copy.remote}.{secrets.token_hex(4)}.part"
    joined = shlex.quote(whole)
    folder = shlex.quote(posixpath.dirname(copy.remote) or "/")
    await _run(session, f"mkdir -p -- {folder} && : > {joined}")
    try:
        # Opening is quick; what may take long is read in another thread.
        with open(copy.local, "rb") as file:  # noqa: ASYNC230
            while data := await asyncio.to_thread(file.read, PART):
                await session.files.write(part, data)
                await _run(session, f"cat {part} >> {joined}")
                counter.add(len(data))
        await _run(
            session,
            f'[ "$(wc -c < {joined})" -eq {copy.size} ]'
            f" && mv -fT -- {joined} {shlex.quote(copy.remote)}",
        )
    finally:
        await session.shell(f"rm -f -- {part} {joined}")


async def _get(
    session: Session, copies: list[Copy], *, force: bool, progress: Progress
) -> list[Copy]:
    _check_twice([str(copy.local) for copy in copies])
    for copy in copies:
        if os.path.lexists(copy.local) and (not force or copy.local.is_dir()):
            raise UsageError(
                f"{copy.local} exists; nothing was copied", next_step="Overwrite it with --force"
            )
    counter = _Counter(progress, sum(copy.size for copy in copies))
    for copy in copies:
        with _new_file(copy.local) as descriptor:
            if copy.size > PART and session.capabilities.shell:
                await _get_parts(session, copy, descriptor, counter)
            else:
                data = await session.files.read(copy.remote)
                await asyncio.to_thread(_write, descriptor, data)
                counter.add(len(data))
    return copies


async def _get_parts(session: Session, copy: Copy, descriptor: int, counter: _Counter) -> None:
    part = f"/tmp/.{secrets.token_hex(4)}.part"
    source = shlex.quote(copy.remote)
    count = PART >> 20
    try:
        for start in range(0, -(-copy.size // (1 << 20)), count):
            await _run(
                session,
                f"dd if={source} of={part} bs=1M skip={start} count={count} status=none",
            )
            data = await session.files.read(part)
            await asyncio.to_thread(_write, descriptor, data)
            counter.add(len(data))
    finally:
        await session.shell(f"rm -f -- {part}")


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[int]:
    """A file beside `path` that takes its name when all went well, and is removed otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.parent / f".{path.name[:40]}.{secrets.token_hex(4)}.part"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    try:
        yield descriptor
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class _Counter:
    """Adds up bytes for a progress callback."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0
        progress(0, total)

    def add(self, size: int) -> None:
        self._done += size
        self._progress(self._done, max(self._total, self._done))


async def _run(session: Session, command: str) -> None:
    result = await session.shell(command)
    if result.exit_code:
        raise ToolError(result.stderr.strip() or f"{command} ended with {result.exit_code}")


async def _remote_size(session: Session, path: str) -> int:
    info = await session.files.info(path)
    if info is None:
        raise UsageError(f"There is no {path} in the session; nothing was copied")
    if info.is_dir:
        raise UsageError(f"{path} is a folder; name files, or pull the folder")
    return info.size or 0


async def _remote_walk(session: Session, folder: str) -> AsyncIterator[str]:
    for entry in await session.files.list(folder):
        if entry.is_dir:
            async for path in _remote_walk(session, entry.path):
                yield path
        else:
            yield entry.path


def walk(root: Path) -> Iterator[Path]:
    """The files below a folder; hidden ones and symbolic links are left out."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path


def _local_file(path: Path) -> Path:
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name files, or push the folder")
    if not path.is_file():
        raise UsageError(f"There is no file {path}; nothing was copied")
    return path


def _check_twice(targets: list[str]) -> None:
    if len(set(targets)) < len(targets):
        raise UsageError("Two files would get the same name; nothing was copied")
