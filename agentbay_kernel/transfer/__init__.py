"""Copies files between a local folder and a session, exactly, and never in part."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agentbay_kernel.errors import UsageError
from agentbay_kernel.hashing import hash_file
from agentbay_kernel.transfer import large, plan, remote, small
from agentbay_kernel.transfer.names import inside, make_folder
from agentbay_kernel.transfer.plan import Copy, Plan, walk
from agentbay_kernel.transfer.staging import new_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentbay_kernel.session import Seen, Session

__all__ = ["Copy", "Plan", "get", "inside", "pull", "push", "put", "receive", "send", "walk"]

Progress = Callable[[int, int], None]


def _quiet(_done: int, _total: int) -> None:
    return None


async def put(
    session: Session,
    sources: Sequence[str | Path],
    target: str,
    *,
    force: bool = False,
    progress: Progress = _quiet,
) -> list[Copy]:
    """Copy local files and folders into the session, as `cp -r` would.

    A target that has the same content already is left as it is; one that has another is refused
    without `force`, before anything is copied. `progress(done, total)` counts bytes.
    """
    work = await plan.to_session(session, [Path(source) for source in sources], target)
    return await send(session, work, force=force, progress=progress)


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
    work = await asyncio.to_thread(plan.folder_to_session, Path(folder), target)
    return await send(session, work, force=force, progress=progress)


async def get(
    session: Session,
    sources: Sequence[str],
    target: str | Path,
    *,
    force: bool = False,
    progress: Progress = _quiet,
) -> list[Copy]:
    """Copy files and folders of the session to this computer, with the same rules."""
    work = await plan.to_here(session, sources, target)
    return await receive(session, work, force=force, progress=progress)


async def pull(
    session: Session,
    folder: str,
    target: str | Path,
    *,
    force: bool = False,
    progress: Progress = _quiet,
) -> list[Copy]:
    """Copy the files below a folder of the session to below a local folder."""
    work = await plan.folder_to_here(session, folder, target)
    return await receive(session, work, force=force, progress=progress)


async def send(session: Session, work: Plan, *, force: bool, progress: Progress) -> list[Copy]:
    """Do a plan that leads into the session."""
    copies = await _checked_there(session, work.copies, force)
    todo = [copy for copy in copies if not copy.there]
    seen = _counter(progress, work.size, sum(copy.size for copy in copies if copy.there))
    await _make_folders(session, work)
    if not session.capabilities.shell:
        for copy in todo:
            await session.files.write(copy.remote, await asyncio.to_thread(copy.local.read_bytes))
            seen(copy.size)
        return copies
    await small.put(session, work, [each for each in todo if each.size <= small.SMALL], seen, force)
    many = [copy for copy in todo if copy.size > small.SMALL]
    await large.put_all(session, many, seen, force=force)
    return copies


async def receive(session: Session, work: Plan, *, force: bool, progress: Progress) -> list[Copy]:
    """Do a plan that leads to this computer."""
    copies = await _checked_here(session, work.copies, force)
    todo = [copy for copy in copies if not copy.there]
    seen = _counter(progress, work.size, sum(copy.size for copy in copies if copy.there))
    top = Path(work.top)
    for folder in (*work.folders, *{str(copy.local.parent) for copy in todo}):
        make_folder(top, Path(folder))
    has_shell = session.capabilities.shell
    few = [copy for copy in todo if copy.size <= small.SMALL]
    if has_shell:
        await small.get(session, work, few, seen, force)
    else:
        for copy in few:
            with new_file(copy.local, force=force) as into:
                await session.files.fetch(copy.remote, into, 0, copy.size, seen)
    many = [copy for copy in todo if copy.size > small.SMALL]
    await large.get_all(session, many, seen, force=force)
    return copies


async def _checked_there(session: Session, copies: list[Copy], force: bool) -> list[Copy]:
    """The copies, with those marked whose target has their content; others are refused."""
    found = await remote.facts(session, [copy.remote for copy in copies])
    folders = [path for path, entry in found.items() if entry.kind != remote.FILE]
    if folders:
        raise UsageError(f"{folders[0]} exists in the session and is no plain file")
    alike = [copy for copy in copies if _size(found, copy.remote) == copy.size]
    theirs = await remote.digests(session, {copy.remote: copy.size for copy in alike})
    return await _marked(copies, alike, theirs, found, force, " in the session")


async def _checked_here(session: Session, copies: list[Copy], force: bool) -> list[Copy]:
    found = {}
    for copy in copies:
        if not copy.local.is_symlink() and not copy.local.exists():
            continue
        if not copy.local.is_file():
            raise UsageError(f"{copy.local} exists and is no plain file; nothing was copied")
        found[copy.remote] = remote.Entry(copy.remote, remote.FILE, copy.local.stat().st_size)
    alike = [copy for copy in copies if _size(found, copy.remote) == copy.size]
    theirs = await remote.digests(session, {copy.remote: copy.size for copy in alike})
    return await _marked(copies, alike, theirs, found, force, "")


async def _marked(
    copies: list[Copy],
    alike: list[Copy],
    theirs: Mapping[str, str],
    found: Mapping[str, remote.Entry],
    force: bool,
    where: str,
) -> list[Copy]:
    same = await asyncio.to_thread(_same, alike, theirs)
    other = [copy for copy in copies if copy.remote in found and copy.remote not in same]
    if other and not force:
        names = [copy.remote if where else str(copy.local) for copy in other]
        raise plan.refuse(names, where)
    return [replace(copy, there=copy.remote in same) for copy in copies]


def _same(alike: list[Copy], theirs: Mapping[str, str]) -> set[str]:
    return {copy.remote for copy in alike if theirs.get(copy.remote) == hash_file(copy.local)}


def _size(found: Mapping[str, remote.Entry], path: str) -> int:
    return found[path].size if path in found else -1


async def _make_folders(session: Session, work: Plan) -> None:
    if work.folders and session.capabilities.shell:
        await remote.answer(session, "xargs -0 mkdir -p --", work.folders, strict=True)
    else:
        for folder in work.folders:
            await session.files.make_dir(folder)


def _counter(progress: Progress, total: int, there: int) -> Seen:
    """Adds up bytes for a progress callback."""
    done = [there]

    def add(count: int) -> None:
        done[0] += count
        progress(done[0], max(total, done[0]))

    progress(there, total)
    return add
