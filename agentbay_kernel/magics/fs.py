"""`%fs`: files between this computer and the session."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import UsageError
from agentbay_kernel.magics import render
from agentbay_kernel.magics.registry import Context, argument, command

if TYPE_CHECKING:
    from agentbay_kernel.session import FileInfo

WORKSPACE = "/workspace"


def remote_path(text: str) -> str:
    """A path of the session; a relative one is below its working folder."""
    return str(PurePosixPath(WORKSPACE, text))


@command("fs")
async def overview(context: Context, _args: Any) -> Any:
    """Show the files of the session's working folder."""
    return await _list(context, WORKSPACE)


@command("fs", "ls", argument("path", nargs="?", default=WORKSPACE, help="a folder"))
async def ls(context: Context, args: Any) -> Any:
    """List a folder of the session."""
    return await _list(context, remote_path(args.path))


async def _list(context: Context, path: str) -> Any:
    session = await context.manager.ensure()
    entries = sorted(await session.files.list(path), key=lambda each: (not each.is_dir, each.path))
    context.manager.used()
    note = f"{path}: {len(entries)} {'entry' if len(entries) == 1 else 'entries'}"
    context.emit(render.table(("name", "size", "modified"), map(_row, entries), note))
    return [asdict(entry) for entry in entries]


def _row(entry: FileInfo) -> tuple[str, str, str]:
    name = PurePosixPath(entry.path).name + ("/" if entry.is_dir else "")
    size = "" if entry.is_dir or entry.size is None else f"{entry.size:,}"
    modified = datetime.fromtimestamp(entry.modified) if entry.modified else None
    return name, size, f"{modified:%Y-%m-%d %H:%M}" if modified else ""


@command(
    "fs",
    "put",
    argument("paths", nargs="+", metavar="LOCAL… [REMOTE]", help="files here, then the target"),
    argument("--force", action="store_true", help="replace what is there"),
)
async def put(context: Context, args: Any) -> Any:
    """Send files of this computer to the session.

    `%fs put data.csv` sends it to the working folder. Of two or more words the last is the target
    in the session: a folder when it ends in / or several files are sent.
    """
    from agentbay_kernel import transfer

    local, target = _split_put(args.paths)
    session = await context.manager.ensure()
    copies = await transfer.put(session, local, target, force=args.force)
    context.manager.used()
    for copy in copies:
        context.emit(render.line(f"{copy.local.name} → {copy.remote} ({copy.size:,} bytes)"))
    return [copy.remote for copy in copies]


def _split_put(paths: list[str]) -> tuple[list[Path], str]:
    slash = "/" if paths[-1].endswith("/") else ""
    target = remote_path(paths[-1]) + slash if len(paths) > 1 else WORKSPACE
    local = [Path(path).expanduser() for path in paths[: max(1, len(paths) - 1)]]
    for path in local:
        if not path.is_file():
            raise UsageError(f"There is no file {path} on this computer")
    return local, target


@command(
    "fs",
    "get",
    argument("remote", help="a file of the session"),
    argument("local", nargs="?", default=".", help="a file or folder here"),
    argument("--force", action="store_true", help="replace what is there"),
)
async def get(context: Context, args: Any) -> Any:
    """Fetch a file of the session to this computer."""
    from agentbay_kernel import transfer

    session = await context.manager.ensure()
    local = Path(args.local).expanduser()
    copies = await transfer.get(session, [remote_path(args.remote)], local, force=args.force)
    context.manager.used()
    for copy in copies:
        context.emit(render.line(f"{copy.remote} → {copy.local} ({copy.size:,} bytes)"))
    return [str(copy.local) for copy in copies]
