"""`%fs`: what files there are in the session."""

from __future__ import annotations

import posixpath
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from agentbay_kernel.magics import render
from agentbay_kernel.magics.fs_paths import WORKSPACE, complete_remote, remote_path
from agentbay_kernel.magics.registry import Context, argument, command
from agentbay_kernel.transfer import remote
from agentbay_kernel.transfer.names import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentbay_kernel.transfer.remote import Entry

# What is shown of a long list; the value of -o has all of it.
MOST_ROWS = 1000
PATH = argument("path", nargs="?", default=WORKSPACE, help="a folder")


@command("fs")
async def overview(context: Context, _args: Any) -> Any:
    """Show the files of the session's working folder."""
    return await _list(context, WORKSPACE)


@command(
    "fs",
    "ls",
    PATH,
    argument("-l", "--long", action="store_true", help="with permissions, and hidden files"),
    argument("-R", "--recursive", action="store_true", help="with all that is below"),
    argument("-t", "--time", action="store_true", help="the newest first"),
    complete={"path": complete_remote},
)
async def ls(context: Context, args: Any) -> Any:
    """List a folder of the session."""
    return await _list(
        context,
        remote_path(args.path),
        long=args.long,
        deep=args.recursive,
        newest=args.time,
    )


async def _list(
    context: Context, path: str, *, long: bool = False, deep: bool = False, newest: bool = False
) -> Any:
    session = await context.manager.ensure()
    found = await remote.facts(session, [path])
    if path in found and not found[path].is_dir:
        below = posixpath.dirname(path)
        entries = [each for each in await remote.tree(session, below, depth=1) if each.path == path]
    else:
        entries, below = await remote.tree(session, path, depth=None if deep else 1), path
    context.manager.used()
    if not long and not deep:
        entries = [entry for entry in entries if not entry.name.startswith(".")]
    if newest:
        entries.sort(key=lambda each: each.modified or 0, reverse=True)
    elif not deep:
        entries.sort(key=lambda each: (not each.is_dir, each.path))
    _show(context, entries, path, below, long=long)
    return [values_of(entry) for entry in entries]


def _show(context: Context, entries: Sequence[Entry], path: str, below: str, *, long: bool) -> None:
    note = f"{shown(path)}: {len(entries)} {'entry' if len(entries) == 1 else 'entries'}"
    if len(entries) > MOST_ROWS:
        note += f", the first {MOST_ROWS} are shown"
    headers = ("name", "size", "modified", *(("mode",) if long else ()))
    rows = [(*_row(entry, below), *((entry.mode,) if long else ())) for entry in entries]
    context.emit(render.table(headers, rows[:MOST_ROWS], note))


def _row(entry: Entry, below: str) -> tuple[str, str, str]:
    name = shown(posixpath.relpath(entry.path, below)) + ("/" if entry.is_dir else "")
    size = "" if entry.is_dir else f"{entry.size:,}"
    modified = datetime.fromtimestamp(entry.modified) if entry.modified else None
    return name, size, f"{modified:%Y-%m-%d %H:%M}" if modified else ""


def values_of(entry: Entry) -> dict[str, Any]:
    """An entry as plain data."""
    return {
        "path": entry.path,
        "is_dir": entry.is_dir,
        "size": None if entry.is_dir else entry.size,
        "modified": entry.modified,
    }


@command(
    "fs",
    "tree",
    PATH,
    argument("-L", "--level", type=int, default=None, metavar="N", help="so many levels at most"),
    complete={"path": complete_remote},
)
async def tree(context: Context, args: Any) -> Any:
    """Show a folder of the session and what is below it as a tree, without hidden files."""
    path = remote_path(args.path)
    session = await context.manager.ensure()
    found = await remote.tree(session, path, depth=args.level)
    context.manager.used()
    base = path.rstrip("/") + "/"
    entries = [each for each in found if "/." not in "/" + each.path.removeprefix(base)]
    lines = _drawn(entries, base)
    files = sum(not entry.is_dir for entry in entries)
    total = sum(entry.size for entry in entries if not entry.is_dir)
    more = [f"… {len(lines) - MOST_ROWS} more"] if len(lines) > MOST_ROWS else []
    summary = f"{len(entries) - files} folders, {files} files, {total:,} bytes"
    context.emit(render.line("\n".join([shown(path), *lines[:MOST_ROWS], *more, summary])))
    return [values_of(entry) for entry in entries]


def _drawn(entries: Sequence[Entry], base: str) -> list[str]:
    below: dict[str, list[Entry]] = {}
    for entry in entries:
        below.setdefault(posixpath.dirname(entry.path), []).append(entry)
    lines: list[str] = []
    waiting = [(entry, "", False) for entry in reversed(below.get(base.rstrip("/") or "/", []))]
    last = {group[-1].path for group in below.values()}
    while waiting:
        entry, lead, _ = waiting.pop()
        end = entry.path in last
        slash = "/" if entry.is_dir else ""
        lines.append(f"{lead}{'└── ' if end else '├── '}{shown(entry.name)}{slash}")
        inner = lead + ("    " if end else "│   ")
        waiting += [(each, inner, False) for each in reversed(below.get(entry.path, []))]
    return lines


@command(
    "fs",
    "find",
    argument("pattern", help="a name with wildcards, as '*.csv'"),
    PATH,
    argument("--type", choices=("f", "d"), default=None, help="f: files only, d: folders only"),
    complete={"path": complete_remote},
)
async def find(context: Context, args: Any) -> Any:
    """Find files and folders of the session by their names."""
    path = remote_path(args.path)
    session = await context.manager.ensure()
    entries = [
        entry
        for entry in await remote.tree(session, path)
        if fnmatchcase(entry.name, args.pattern) and args.type in (None, entry.kind)
    ]
    context.manager.used()
    _show(context, entries, path, path, long=False)
    return [entry.path for entry in entries]
