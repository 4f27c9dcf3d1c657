"""`%sync folder`: a one-way mirror of a folder."""

from __future__ import annotations

import asyncio
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import UsageError
from agentbay_kernel.magics import render
from agentbay_kernel.magics.registry import Context, argument, command
from agentbay_kernel.magics.shown import Bytes

if TYPE_CHECKING:
    from agentbay_kernel.mirror import Mirror, Work

WORKSPACE = "/workspace"
WATCH_SECONDS = 1.0
SHOWN = 100


@command(
    "sync",
    "folder",
    argument("local", help="a folder of this computer"),
    argument("remote", help="a folder of the session"),
    argument("--up", action="store_true", help="make the session's folder like the local one"),
    argument("--down", action="store_true", help="make the local folder like the session's"),
    argument("--delete", action="store_true", help="remove what the source does not have any more"),
    argument("--force", action="store_true", help="overwrite and remove conflicts too"),
    argument("--dry-run", action="store_true", help="only say what would be done"),
    argument("--watch", action="store_true", help="go on mirroring what changes, until Stop"),
)
async def folder(context: Context, args: Any) -> Any:
    """Mirror a folder one way: copy what is new or changed since the last time.

    A target that was changed since the last mirror, or was there before the first, is a conflict:
    it is told and kept. Nothing is removed without --delete, and then only what an earlier mirror
    put there. The file .agentbayignore in the local folder says in .gitignore's words what takes
    no part. Symbolic links and devices are left out.
    """
    from agentbay_kernel.mirror import Mirror

    if args.up == args.down:
        raise UsageError("Say either --up or --down")
    if args.watch and args.dry_run:
        raise UsageError("--watch and --dry-run do not go together")
    local = Path(args.local).expanduser().absolute()
    if args.up and not local.is_dir():
        raise UsageError(f"There is no folder {local} on this computer")
    if local.exists() and not local.is_dir():
        raise UsageError(f"{local} is no folder")
    session = await context.manager.ensure()
    mirror = Mirror(session, local, str(PurePosixPath(WORKSPACE, args.remote)), args.up)
    if args.dry_run:
        work = await mirror.plan(delete=args.delete, force=args.force)
        context.emit(_table(work, "would be copied", "would be removed"))
        return _value(work)
    return await _follow(context, mirror, args)


async def _follow(context: Context, mirror: Mirror, args: Any) -> Any:
    value, work = await _once(context, mirror, args, quiet=False)
    context.manager.used()
    while args.watch:
        await asyncio.sleep(WATCH_SECONDS)
        source, _ = await mirror.look()
        if source != work.source:
            value, work = await _once(context, mirror, args, quiet=True)
            context.manager.used()
    return value


async def _once(
    context: Context, mirror: Mirror, args: Any, *, quiet: bool
) -> tuple[dict[str, Any], Work]:
    work = await mirror.plan(delete=args.delete, force=args.force)
    bar = Bytes(context.emit, "mirror")
    await mirror.apply(work, bar.seen)
    if work.copy or work.delete or work.conflicts or not quiet:
        context.emit(_table(work, "copied", "removed"))
    return _value(work), work


def _table(work: Work, copied: str, removed: str) -> Any:
    rows = [
        *((path, f"kept: {why}") for path, why in work.conflicts.items()),
        *((path, removed) for path in work.delete),
        *((path, copied) for path in work.copy),
    ]
    note = f"{len(work.copy)} {copied}, {len(work.delete)} {removed}, {len(work.same)} as they were"
    if work.conflicts:
        note += f", {len(work.conflicts)} in conflict and kept: --force takes the source's"
    if len(rows) > SHOWN:
        note += f". The first {SHOWN} are shown"
    return render.table(("path", "what"), rows[:SHOWN], note)


def _value(work: Work) -> dict[str, Any]:
    return {
        "copied": work.copy,
        "deleted": work.delete,
        "conflicts": work.conflicts,
        "same": len(work.same),
    }
