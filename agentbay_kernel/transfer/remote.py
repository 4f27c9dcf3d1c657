"""Facts about many files of a session in few requests, and shell commands on them."""

from __future__ import annotations

import posixpath
import secrets
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentbay_kernel.errors import NotSupported, ToolError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agentbay_kernel.session import Session

FILE, FOLDER, LINK = "f", "d", "l"
LONG_SECONDS = 300.0
# What one command reads for checksums; it cannot be stopped before its end.
HASHED_AT_ONCE = 256 << 20
_FIND = "%y\\t%s\\t%T@\\t%M\\t%p\\0"
_STAT = "%F\\t%s\\t%Y\\t%A\\t%n\\0"
_KINDS = {"regular file": FILE, "regular empty file": FILE, "directory": FOLDER}


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a session: `kind` is f, d, l, or another letter for devices and pipes."""

    path: str
    kind: str
    size: int = 0
    modified: float | None = None
    mode: str = ""

    @property
    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self.kind == FOLDER

    @property
    def name(self) -> str:
        """The last part of the path."""
        return posixpath.basename(self.path)


async def run(session: Session, command: str, what: str, *, seconds: float = 50) -> str:
    """Run a shell command and give its text; an error begins with `what`."""
    if not session.capabilities.shell:
        raise NotSupported(f"{what}: {session.capabilities.reasons.get('shell', 'no shell')}")
    result = await session.shell(command, timeout=seconds)
    if result.exit_code:
        reason = result.stderr.strip() or result.stdout.strip() or f"exit {result.exit_code}"
        raise ToolError(f"{what}: {reason[:500]}")
    return result.stdout


async def answer(
    session: Session, command: str, names: Iterable[str] = (), *, strict: bool = False
) -> list[bytes]:
    """Run a command with names on its standard input and give what it wrote; NUL separates.

    Both go by files, since a shell's output is cut when it is long and is not exact. Names for
    which the command fails are left out, unless it is `strict`.
    """
    token = f"/tmp/.{secrets.token_hex(6)}"
    given = "\0".join(names)
    try:
        if given:
            await session.files.write(f"{token}.in", given.encode())
        source = f"{token}.in" if given else "/dev/null"
        await run(
            session,
            f"{{ {command}; }} < {source} > {token}.out" + ("" if strict else " 2>/dev/null; true"),
            "The session's files were not listed",
            seconds=LONG_SECONDS,
        )
        return (await session.files.read(f"{token}.out")).split(b"\0")[:-1]
    finally:
        await session.shell(f"rm -f {token}.in {token}.out")


async def tree(session: Session, folder: str, *, depth: int | None = None) -> list[Entry]:
    """All that is below a folder, in the order of the paths; the folder itself is left out."""
    if not session.capabilities.shell:
        return sorted(await _walked(session, folder, depth), key=lambda each: each.path)
    limit = "" if depth is None else f"-maxdepth {depth}"
    at = shlex.quote(folder)
    found = f"find -H {at} -mindepth 1 {limit} -printf '{_FIND}'"
    try:
        rows = await answer(session, found, strict=True)
    except ToolError:
        info = await session.files.info(folder)
        if info is None or not info.is_dir:
            raise UsageError(f"There is no folder {folder} in the session") from None
        raise
    return sorted((_entry(row, str) for row in rows), key=lambda each: each.path)


async def facts(session: Session, paths: Sequence[str]) -> Mapping[str, Entry]:
    """What is at each path; links are followed, paths where nothing is are left out."""
    if len(paths) <= 1 or not session.capabilities.shell:
        found = {}
        for path in paths:
            info = await session.files.info(path)
            if info is not None:
                kind = FOLDER if info.is_dir else FILE
                found[path] = Entry(path, kind, info.size or 0, info.modified)
        return found
    rows = await answer(session, f"LC_ALL=C xargs -0 stat -L --printf='{_STAT}'", paths)
    entries = [_entry(row, lambda kind: _KINDS.get(kind, "?")) for row in rows]
    return {entry.path: entry for entry in entries}


async def digests(session: Session, sizes: Mapping[str, int]) -> Mapping[str, str]:
    """The sha256 of each path; nothing where the session has no shell."""
    if not session.capabilities.shell:
        return {}
    found: dict[str, str] = {}
    for paths in _portions(sizes):
        for row in await answer(session, "xargs -0 sha256sum -z --", paths):
            digest, _, path = row.decode(errors="surrogateescape").partition("  ")
            found[path] = digest
    return found


async def piece_digests(session: Session, path: str, size: int, piece: int) -> list[str]:
    """The sha256 of each piece of a file, of which `piece` is a multiple of 1 MiB."""
    count, group = -(-size // piece), max(1, HASHED_AT_ONCE // piece)
    found: list[str] = []
    for first in range(0, count, group):
        last = min(count, first + group)
        text = await run(
            session,
            f"i={first}; while [ $i -lt {last} ]; do dd if={shlex.quote(path)} bs={piece} "
            f"skip=$i count=1 iflag=fullblock status=none | sha256sum; i=$((i+1)); done",
            f"{path} was not checked",
            seconds=LONG_SECONDS,
        )
        found += [line.partition(" ")[0] for line in text.splitlines()]
    return found


def _portions(sizes: Mapping[str, int]) -> Iterable[list[str]]:
    portion: list[str] = []
    total = 0
    for path, size in sizes.items():
        if portion and total + size > HASHED_AT_ONCE:
            yield portion
            portion, total = [], 0
        portion.append(path)
        total += size
    if portion:
        yield portion


def _entry(row: bytes, kind_of: Callable[[str], str]) -> Entry:
    try:
        kind, size, modified, mode, path = row.decode().split("\t", 4)
        return Entry(path, kind_of(kind), int(size), float(modified), mode)
    except UnicodeDecodeError:
        name = row.rpartition(b"\t")[2].decode(errors="backslashreplace")
        raise UsageError(
            f"A name in the session is not UTF-8: {name}", next_step="Rename it in the session"
        ) from None
    except ValueError:
        raise ToolError("The session's list of files cannot be read") from None


async def _walked(session: Session, folder: str, depth: int | None) -> list[Entry]:
    found = []
    for info in await session.files.list(folder):
        kind = FOLDER if info.is_dir else FILE
        size = info.size
        if size is None and not info.is_dir:
            told = await session.files.info(info.path)
            size = told.size if told is not None else 0
        found.append(Entry(info.path, kind, size or 0, info.modified))
        if info.is_dir and depth != 1:
            found += await _walked(session, info.path, None if depth is None else depth - 1)
    return found
