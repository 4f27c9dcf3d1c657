"""`%fs mv`, `cp`, `rm`, `mkdir`, `edit` and `%%fs write`: changes to the session's files."""

from __future__ import annotations

import difflib
import os
import posixpath
import secrets
import shlex
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import UsageError
from agentbay_kernel.magics import render
from agentbay_kernel.magics.fs_paths import (
    OBJECT,
    WORKSPACE,
    complete_remote,
    remote_path,
    remote_paths,
)
from agentbay_kernel.magics.registry import Context, argument, command
from agentbay_kernel.session import StoreKeys
from agentbay_kernel.transfer import remote
from agentbay_kernel.transfer.names import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentbay_kernel.session import Session
    from agentbay_kernel.transfer.remote import Entry

EDITED_BYTES = 16 << 20
NAMED = 10
KEYS = ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")
FORCE = argument("--force", action="store_true", help="replace what is there")
PATHS = argument("paths", nargs="+", metavar="SOURCE… TARGET", help="the last one is the target")


@command("fs", "mv", PATHS, FORCE, complete={"paths": complete_remote})
async def mv(context: Context, args: Any) -> Any:
    """Move or rename files and folders of the session."""
    return await _into(context, args, "mv", "mv -fT --")


@command(
    "fs",
    "cp",
    PATHS,
    FORCE,
    argument("--endpoint", default="", help="of the object store, for oss:// addresses"),
    argument("--region", default="", help="of the object store"),
    complete={"paths": complete_remote},
)
async def cp(context: Context, args: Any) -> Any:
    """Copy files and folders within the session, or one to or from oss://BUCKET/KEY.

    For an object store this computer's ALIBABA_CLOUD_ACCESS_KEY_ID, _ACCESS_KEY_SECRET and
    _SECURITY_TOKEN are used: temporary credentials, which the session then knows.
    """
    if any(path.startswith(OBJECT) for path in args.paths):
        return await _object(context, args)
    return await _into(context, args, "cp", "cp -aT --")


async def _into(context: Context, args: Any, verb: str, do: str) -> list[str]:
    if len(args.paths) < 2:
        raise UsageError(f"%fs {verb} needs a source and a target")
    session = await context.manager.ensure()
    sources = await remote_paths(session, args.paths[:-1])
    target = remote_path(args.paths[-1])
    found = await remote.facts(session, [*sources, target])
    into = len(sources) > 1 or args.paths[-1].endswith("/") or _is_dir(found, target)
    targets = [
        posixpath.join(target, posixpath.basename(source)) if into else target for source in sources
    ]
    for source, end in zip(sources, targets, strict=True):
        if source not in found:
            raise UsageError(f"There is no {shown(source)} in the session")
        if source == end or end.startswith(source.rstrip("/") + "/"):
            raise UsageError(f"{shown(source)} cannot go into itself")
    if len(set(targets)) < len(targets):
        raise UsageError("Two files would get the same name; nothing was touched")
    await _check_free(session, targets, args.force)
    for source, end in zip(sources, targets, strict=True):
        await remote.run(session, _moving(do, source, end), f"{shown(end)} was not made")
        context.emit(render.line(f"{shown(source)} → {shown(end)}"))
    context.manager.used()
    return targets


def _moving(do: str, source: str, end: str) -> str:
    """A target appears whole, and a former folder goes only then."""
    part = posixpath.join(posixpath.dirname(end), f".agentbay-{secrets.token_hex(6)}.part")
    first, second, third = map(shlex.quote, (source, part, end))
    folder = shlex.quote(posixpath.dirname(end))
    # A move within one file system is a rename, and back again when the last step fails.
    back = f"rm -rf -- {second}" if do.startswith("cp") else f"mv -T -- {second} {first}"
    return (
        f"mkdir -p -- {folder} && {do} {first} {second} && "
        f"{{ {{ [ -L {third} ] || [ ! -d {third} ] || rm -r -- {third}; }} && "
        f"mv -fT -- {second} {third} || {{ e=$?; {back}; exit $e; }}; }}"
    )


def _is_dir(found: Any, path: str) -> bool:
    return path in found and found[path].is_dir


async def _check_free(session: Session, targets: Sequence[str], force: bool) -> None:
    taken = await remote.facts(session, targets)
    if taken and not force:
        raise UsageError(
            f"{_named(sorted(taken))} would be overwritten; nothing was touched",
            next_step="Overwrite with --force",
        )


def _named(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return ", ".join(map(shown, paths[:NAMED])) + more


async def _object(context: Context, args: Any) -> list[str]:
    if len(args.paths) != 2 or sum(path.startswith(OBJECT) for path in args.paths) != 1:
        raise UsageError("%fs cp copies one file of the session to or from one oss:// address")
    up = args.paths[1].startswith(OBJECT)
    bucket, _, key = args.paths[up].removeprefix(OBJECT).partition("/")
    if not bucket or not key:
        raise UsageError("An address of an object store is oss://BUCKET/KEY")
    values = [os.environ.get(f"ALIBABA_CLOUD_{name}", "") for name in KEYS]
    path = remote_path(args.paths[not up])
    session = await context.manager.ensure()
    key_id, secret, token = values
    keys = StoreKeys(key_id, secret, token, args.endpoint, args.region)
    if up and await session.files.info(path) is None:
        raise UsageError(f"There is no {shown(path)} in the session")
    if not up:
        await _check_free(session, [path], args.force)
    await session.files.bucket("upload" if up else "download", bucket, key, path, keys)
    context.manager.used()
    ends = (path, args.paths[1]) if up else (args.paths[0], path)
    context.emit(render.line(f"{shown(ends[0])} → {shown(ends[1])}"))
    return [ends[1]]


@command(
    "fs",
    "rm",
    argument("paths", nargs="+", help="what to remove; wildcards are allowed"),
    argument("-r", "--recursive", action="store_true", help="folders with all they hold"),
    argument("--yes", action="store_true", help="do it: for folders, and several files"),
    argument("--dry-run", action="store_true", help="only say what would be removed"),
    complete={"paths": complete_remote},
)
async def rm(context: Context, args: Any) -> Any:
    """Remove files of the session, with -r folders.

    One file named in full goes at once. Folders, and what wildcards find, are named with what they
    hold, and go with --yes.
    """
    for word in args.paths:
        if remote_path(word) in ("/", WORKSPACE):
            raise UsageError(f"{remote_path(word)} itself is not removed; name what is in it")
    session = await context.manager.ensure()
    paths = await remote_paths(session, args.paths)
    found = await _present(session, paths)
    folders = [path for path in paths if found[path]]
    if folders and not args.recursive:
        raise UsageError(f"{_named(folders)}: a folder", next_step="Remove it with -r")
    held = {path: await remote.tree(session, path) for path in folders}
    lines = [_with_held(path, held.get(path)) for path in paths]
    asks = bool(folders) or paths != [remote_path(word) for word in args.paths[:1]]
    if args.dry_run or (asks and not args.yes):
        context.emit(render.line("\n".join(["To be removed:", *lines])))
        if args.dry_run:
            return paths
        raise UsageError("Nothing was removed", next_step="Remove them with --yes")
    for path in paths:
        await remote.run(session, f"rm -r -- {shlex.quote(path)}", f"{shown(path)} was not removed")
    context.manager.used()
    context.emit(render.line("\n".join(f"removed {line}" for line in lines)))
    return paths


def _with_held(path: str, held: Sequence[Entry] | None) -> str:
    if held is None:
        return shown(path)
    size = sum(entry.size for entry in held if not entry.is_dir)
    return f"{shown(path)}/ with {len(held)} entries, {size:,} bytes"


async def _present(session: Session, paths: Sequence[str]) -> dict[str, bool]:
    """Whether each path is a folder; a link is none, wherever it leads."""
    texts = []
    for path in paths:
        at = shlex.quote(path)
        texts.append(f"if [ -L {at} ]; then echo l; elif [ -d {at} ]; then echo d; "
                     f"elif [ -e {at} ]; then echo f; else echo n; fi")  # fmt: skip
    said = (await remote.run(session, "; ".join(texts), "Nothing was removed")).split()
    missing = [path for path, kind in zip(paths, said, strict=True) if kind == "n"]
    if missing:
        raise UsageError(f"There is no {_named(missing)} in the session; nothing was removed")
    return {path: kind == "d" for path, kind in zip(paths, said, strict=True)}


@command(
    "fs",
    "mkdir",
    argument("paths", nargs="+", help="folders to make"),
    argument("-p", "--parents", action="store_true", help="also those above; one may be there"),
    complete={"paths": complete_remote},
)
async def mkdir(context: Context, args: Any) -> Any:
    """Make folders in the session."""
    paths = [remote_path(path) for path in args.paths]
    session = await context.manager.ensure()
    if not args.parents:
        taken = await remote.facts(session, paths)
        if taken:
            raise UsageError(f"{_named(sorted(taken))} is there already")
        above = [posixpath.dirname(path) for path in paths]
        there = await remote.facts(session, sorted(set(above)))
        missing = [path for path in above if not _is_dir(there, path) and path not in paths]
        if missing:
            raise UsageError(f"There is no folder {_named(missing)}", next_step="Make it with -p")
    for path in paths:
        await session.files.make_dir(path)
    context.manager.used()
    context.emit(render.line("\n".join(f"made {shown(path)}/" for path in paths)))
    return paths


@command(
    "fs",
    "edit",
    argument("path", help="a text file of the session"),
    argument("old", help="the text to replace, which must be there once"),
    argument("new", help="what to put in its place"),
    argument("--all", action="store_true", help="replace it wherever it is"),
    argument("--dry-run", action="store_true", help="only show the difference"),
    complete={"path": complete_remote},
)
async def edit(context: Context, args: Any) -> Any:
    """Replace a text in a file of the session and show the difference."""
    path = remote_path(args.path)
    if not args.old:
        raise UsageError("The text to replace is empty")
    session = await context.manager.ensure()
    before = await read_text(session, path, EDITED_BYTES)
    count = before.count(args.old)
    if not count or (count > 1 and not args.all):
        places = f"in {count} places" if count else "not"
        raise UsageError(
            f"The text is {places} in {shown(path)}; nothing was changed",
            next_step="Name more of it, or use --all" if count else "",
        )
    after = before.replace(args.old, args.new)
    if not args.dry_run:
        await session.files.write(path, after.encode())
    context.manager.used()
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), path, path, lineterm="")
    context.emit(render.line("\n".join(map(shown, lines))))
    return {"path": path, "replaced": count}


async def read_text(session: Session, path: str, limit: int) -> str:
    """A text file of the session; refused when it is long, or no text."""
    info = await session.files.info(path)
    if info is None or info.is_dir:
        raise UsageError(f"There is no file {shown(path)} in the session")
    if (info.size or 0) > limit:
        raise UsageError(
            f"{shown(path)} has {info.size:,} bytes, {limit:,} are the most",
            next_step=f"Fetch it: %fs get {shlex.quote(path)}",
        )
    try:
        return (await session.files.read(path)).decode()
    except UnicodeDecodeError:
        raise UsageError(f"{shown(path)} is no text in UTF-8") from None


@command(
    "%%fs",
    "write",
    argument("path", help="a file of the session"),
    argument("-a", "--append", action="store_true", help="write at its end"),
    argument("--force", action="store_true", help="replace what is there"),
    complete={"path": complete_remote},
)
async def write(context: Context, args: Any) -> Any:
    """Write the cell's text into a file of the session."""
    path = remote_path(args.path)
    session = await context.manager.ensure()
    info = await session.files.info(path)
    if info is not None and info.is_dir:
        raise UsageError(f"{shown(path)} is a folder")
    if info is not None and not args.append and not args.force:
        raise UsageError(
            f"{shown(path)} would be overwritten ({info.size or 0:,} bytes); nothing was written",
            next_step="Overwrite with --force, or write at its end with --append",
        )
    # As %%writefile does: the last line is a line too.
    data = (args.body + "\n" * (not args.body.endswith("\n"))).encode() if args.body else b""
    if info is not None and args.append:
        if (info.size or 0) > EDITED_BYTES:
            raise UsageError(f"{shown(path)} is too large to append to here")
        data = await session.files.read(path) + data
    await session.files.write(path, data)
    context.manager.used()
    context.emit(render.line(f"{'Appended to' if args.append else 'Wrote'} {shown(path)}"))
