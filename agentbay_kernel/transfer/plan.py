"""What is to be copied, found out and checked before anything is touched."""

from __future__ import annotations

import glob
import os
import posixpath
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agentbay_kernel.errors import Exists, UsageError
from agentbay_kernel.transfer import remote
from agentbay_kernel.transfer.names import check_apart, inside, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentbay_kernel.session import Session

_MAGIC = re.compile(r"[*?\[]")
NAMED = 5


@dataclass(frozen=True, slots=True)
class Copy:
    """One file that was copied, or `there`: it had this content already."""

    local: Path
    remote: str
    size: int
    there: bool = False


@dataclass(slots=True)
class Plan:
    """Files to copy, folders to have, and how many links and devices are left out.

    `top` is the folder that all of it is below, here or in the session.
    """

    copies: list[Copy] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    left_out: int = 0
    top: str = "/"

    @property
    def size(self) -> int:
        """All bytes."""
        return sum(copy.size for copy in self.copies)


def walk(root: Path, *, hidden: bool = False) -> Iterator[Path]:
    """The files below a folder; symbolic links are left out, and hidden ones unless asked for."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if hidden or not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if (hidden or not name.startswith(".")) and path.is_file() and not path.is_symlink():
                yield path


def local_paths(words: Sequence[str]) -> list[Path]:
    """The paths that words with wildcards name on this computer; a name that is there is itself."""
    found: list[Path] = []
    for word in words:
        path = Path(word).expanduser()
        if os.path.lexists(path) or not _MAGIC.search(word):
            found.append(path)
            continue
        matches = sorted(glob.glob(str(path), recursive=True))
        if not matches:
            raise UsageError(f"Nothing on this computer fits {shown(word)}")
        found += map(Path, matches)
    return list(dict.fromkeys(found))


async def remote_paths(session: Session, words: Sequence[str]) -> list[str]:
    """The same for the session."""
    found: list[str] = []
    for word in words:
        if not _MAGIC.search(word) or await session.files.info(word) is not None:
            found.append(word)
            continue
        parts = word.split("/")
        plain = next(n for n, part in enumerate(parts) if _MAGIC.search(part))
        folder = "/".join(parts[:plain]) or "/"
        depth = None if "**" in word else len(parts) - plain
        fits = re.compile(_pattern(parts[plain:])).fullmatch
        below = folder.rstrip("/") + "/"
        entries = await remote.tree(session, folder, depth=depth)
        matches = [one.path for one in entries if fits(one.path.removeprefix(below))]
        if not matches:
            raise UsageError(f"Nothing in the session fits {shown(word)}")
        found += matches
    return list(dict.fromkeys(found))


def _pattern(parts: Sequence[str]) -> str:
    texts = []
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if part == "**":
            texts.append(r"(?:[^/.][^/]*/)*" + (r"[^/.][^/]*" if last else ""))
        else:
            texts.append(_part(part) + ("" if last else "/"))
    return "".join(texts)


def _part(part: str) -> str:
    # As in a shell, a wildcard at the beginning takes no hidden name.
    text = r"(?!\.)" if part[:1] in "*?[" else ""
    for piece in re.findall(r"\[!?\]?[^\]]*\]|.", part, re.DOTALL):
        if piece in ("*", "?"):
            text += "[^/]" + ("*" if piece == "*" else "")
        elif len(piece) > 1:
            text += "[" + piece[1:].replace("!", "^", piece.startswith("[!")).replace("\\", "\\\\")
        else:
            text += re.escape(piece)
    return text


async def to_session(session: Session, sources: Sequence[Path], target: str) -> Plan:
    """Local files and folders to `target`, as `cp -r` would name them there."""
    for source in sources:
        if not source.is_file() and not source.is_dir():
            raise UsageError(f"There is no file {shown(str(source))}; nothing was copied")
    info = await session.files.info(target)
    into = len(sources) > 1 or target.endswith("/") or (info is not None and info.is_dir)
    plan = Plan(top=target if into else posixpath.dirname(target) or "/")
    for source in sources:
        name = source.name or source.resolve().name
        _add_local(plan, source, posixpath.join(target, name) if into else target, hidden=True)
    _check_twice(plan)
    return plan


def folder_to_session(folder: Path, target: str) -> Plan:
    """What is below a local folder to below a folder of the session, without hidden files."""
    plan = Plan(top=target)
    _add_local(plan, folder, target, hidden=False)
    return plan


def _add_local(plan: Plan, source: Path, target: str, *, hidden: bool) -> None:
    if not source.is_dir():
        plan.copies.append(Copy(source, target, source.stat().st_size))
        return
    for path in walk(source, hidden=hidden):
        name = path.relative_to(source).as_posix()
        _check_utf8(name)
        plan.copies.append(Copy(path, posixpath.join(target, name), path.stat().st_size))
    plan.folders.append(target)
    for folder, folders, names in os.walk(source):
        folders[:] = [name for name in folders if hidden or not name.startswith(".")]
        links = [name for name in folders if Path(folder, name).is_symlink()]
        plan.left_out += len(links) + sum(not _plain(Path(folder, name)) for name in names)
        for name in set(folders) - set(links):
            relative = Path(folder, name).relative_to(source).as_posix()
            plan.folders.append(posixpath.join(target, relative))


def _plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _check_utf8(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UsageError(f"A name on this computer is not UTF-8: {name!a}") from None


async def to_here(session: Session, sources: Sequence[str], target: str | Path) -> Plan:
    """Files and folders of the session to a local folder or name; every name is checked."""
    place = Path(target)
    into = len(sources) > 1 or str(target).endswith(os.sep) or place.is_dir()
    plan = Plan(top=str(place if into else place.parent))
    found = await remote.facts(session, sources)
    for source in sources:
        entry = found.get(source)
        if entry is None:
            raise UsageError(f"There is no {shown(source)} in the session; nothing was copied")
        local = inside(place, posixpath.basename(source.rstrip("/"))) if into else place
        if entry.kind == remote.FILE:
            plan.copies.append(Copy(local, source, entry.size))
        elif entry.is_dir:
            await _add_remote(session, plan, source, local)
        else:
            raise UsageError(f"{shown(source)} is no plain file; nothing was copied")
    check_here(plan)
    return plan


async def folder_to_here(session: Session, folder: str, target: str | Path) -> Plan:
    """What is below a folder of the session to below a local folder."""
    plan = Plan(top=str(target))
    await _add_remote(session, plan, folder, Path(target))
    check_here(plan)
    return plan


async def _add_remote(session: Session, plan: Plan, folder: str, local: Path) -> None:
    plan.folders.append(str(local))
    below = folder.rstrip("/") + "/"
    for entry in await remote.tree(session, folder):
        if not entry.path.startswith(below):
            raise UsageError(f"The session named {shown(entry.path)} as a file below {folder}")
        path = inside(local, entry.path.removeprefix(below))
        if entry.kind == remote.FILE:
            plan.copies.append(Copy(path, entry.path, entry.size))
        elif entry.is_dir:
            plan.folders.append(str(path))
        else:
            plan.left_out += 1


def check_here(plan: Plan) -> None:
    """Refuse a plan whose files would meet or need more room than there is."""
    check_apart(Path(plan.top), [copy.local for copy in plan.copies])
    if any(copy.size < 0 for copy in plan.copies):
        raise UsageError("The session gave a size below zero; nothing was copied")
    folder = Path(plan.top).absolute()
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if plan.size > free:
        raise UsageError(
            f"{plan.size:,} bytes do not fit into {plan.top}, where {free:,} are free; nothing "
            "was copied"
        )


def refuse(targets: Sequence[str], where: str) -> Exists:
    """The error for targets that would be overwritten, by name."""
    named = ", ".join(map(shown, targets[:NAMED]))
    more = f" and {len(targets) - NAMED} more" if len(targets) > NAMED else ""
    verb = "exists" if len(targets) == 1 else "exist"
    return Exists(
        f"{named}{more} {verb}{where} with another content; nothing was copied",
        next_step="Overwrite with --force",
    )


def _check_twice(plan: Plan) -> None:
    targets = [copy.remote for copy in plan.copies]
    if len(set(targets)) < len(targets) or set(targets) & set(plan.folders):
        raise UsageError("Two files would get the same name; nothing was copied")
