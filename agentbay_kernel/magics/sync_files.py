"""`%sync`: single files of a context, without a session."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import UsageError
from agentbay_kernel.magics import render
from agentbay_kernel.magics.registry import Context, argument, command
from agentbay_kernel.magics.shown import Bytes, size_of
from agentbay_kernel.magics.sync import context_names, contexts_of, named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentbay_kernel.contexts import ContextFile, ContextInfo, Contexts

MOST_COMPLETED = 1000


async def file_names(context: Context, word: str) -> Iterable[str]:
    """Completes NAME: and the paths behind it."""
    name, colon, path = word.partition(":")
    if not colon:
        return [f"{each}:" for each in await context_names(context, word)]
    if not context.manager.at_hand:
        return ()
    return [f"{name}:{each}" for each in await _below(context, name, path)]


async def _below(context: Context, name: str, path: str) -> list[str]:
    contexts = await contexts_of(context)
    found = await contexts.get(name)
    folder = path.rpartition("/")[0]
    lead = path[: len(folder) + 1] if "/" in path else ""
    files = await _listed(contexts, found, folder, most=MOST_COMPLETED)
    return [lead + each.name + "/" * each.is_dir for each in files]


@command(
    "sync",
    "files",
    argument("name", help="a context"),
    argument("path", nargs="?", default="", help="a folder in it"),
    complete={"name": context_names},
)
async def files(context: Context, args: Any) -> Any:
    """List the stored files of a context, which need no session.

    What a session has changed is there after its upload.
    """
    name, colon, path = args.name.partition(":")
    if colon and args.path:
        raise UsageError("The folder is named twice")
    folder = _inside(path or args.path, folder=True)
    contexts = await contexts_of(context)
    found = await named(contexts, name)
    listed = sorted(
        await _listed(contexts, found, folder), key=lambda each: (not each.is_dir, each.name)
    )
    rows = [
        (each.name + "/" * each.is_dir, "" if each.size is None else f"{each.size:,}",
         each.modified)
        for each in listed
    ]  # fmt: skip
    count = f"{len(rows)} {'entry' if len(rows) == 1 else 'entries'}"
    where = f"{name}:{folder}" if folder else name
    context.emit(render.table(("name", "size", "modified"), rows, f"{where}: {count}"))
    return [
        {"path": str(PurePosixPath(folder, each.name)), "is_dir": each.is_dir, "size": each.size,
         "modified": each.modified}
        for each in listed
    ]  # fmt: skip


@command(
    "sync",
    "put",
    argument("local", help="a file here"),
    argument("target", metavar="NAME:PATH", help="a file or folder/ of a context"),
    argument("--force", action="store_true", help="replace what is there"),
    complete={"target": file_names},
)
async def put(context: Context, args: Any) -> Any:
    """Store a file of this computer in a context, without a session.

    It is streamed through a link that is never shown. Sessions that have the context mounted see
    it after %sync down.
    """
    from agentbay_kernel import presigned

    local = Path(args.local).expanduser()
    if not local.is_file():
        raise UsageError(f"There is no file {local} on this computer")
    name, path = _target(args.target, local.name)
    contexts = await contexts_of(context)
    found = await named(contexts, name)
    there = await _find(contexts, found, path)
    if there is not None and there.is_dir:
        raise UsageError(f"{name}:{path} is a folder", next_step=f"Write {name}:{path}/")
    if there is not None and not args.force:
        raise UsageError(f"{name}:{path} exists", next_step="Replace it with --force")
    bar = Bytes(context.emit, f"{local.name} → {name}:{path}")
    url = await contexts.upload_url(found.context_id, path)
    size = await presigned.send(url, local, bar.seen)
    bar.end(size)
    return {"context": name, "path": path, "size": size}


@command(
    "sync",
    "get",
    argument("source", metavar="NAME:PATH", help="a file of a context"),
    argument("local", nargs="?", default=".", help="a file or folder here"),
    argument("--force", action="store_true", help="replace what is there"),
    complete={"source": file_names},
)
async def get(context: Context, args: Any) -> Any:
    """Fetch a stored file of a context to this computer, without a session."""
    from agentbay_kernel import presigned

    name, path = _target(args.source, "")
    leaf = PurePosixPath(path).name
    local = Path(args.local).expanduser()
    local = local / leaf if local.is_dir() or args.local.endswith("/") else local
    if local.is_dir() or (local.exists() and not args.force):
        raise UsageError(f"{local} exists; nothing was fetched", next_step="Replace with --force")
    if not local.parent.is_dir():
        raise UsageError(f"There is no folder {local.parent} on this computer")
    contexts = await contexts_of(context)
    found = await named(contexts, name)
    await _need_file(contexts, found, path)
    bar = Bytes(context.emit, f"{name}:{path} → {local}")
    url = await contexts.download_url(found.context_id, path)
    size = await presigned.fetch(url, local, bar.seen, force=args.force)
    bar.end(size)
    return {"local": str(local), "size": size}


@command(
    "sync",
    "rm",
    argument("file", metavar="NAME:PATH", help="a file of a context"),
    argument("--yes", action="store_true", help="do it"),
    complete={"file": file_names},
)
async def rm(context: Context, args: Any) -> Any:
    """Remove a stored file of a context for good; without --yes it only says which."""
    name, path = _target(args.file, "")
    contexts = await contexts_of(context)
    found = await named(contexts, name)
    there = await _need_file(contexts, found, path)
    if not args.yes:
        size = f" ({size_of(there.size)})" if there.size is not None else ""
        raise UsageError(
            f"{name}:{path}{size} would be removed from the context", next_step="--yes does it"
        )
    await contexts.delete_file(found.context_id, path)
    context.emit(render.line(f"{name}:{path} is removed."))
    return {"context": name, "path": path}


def _target(text: str, leaf: str) -> tuple[str, str]:
    name, colon, path = text.partition(":")
    if not colon or not name:
        raise UsageError(f"{text!r} names no file of a context", next_step="Write NAME:PATH")
    if leaf and (not path or path.endswith("/")):
        path += leaf
    return name, _inside(path)


def _inside(path: str, *, folder: bool = False) -> str:
    """A path relative to the context; raises UsageError for one that leads out."""
    parts = PurePosixPath(path.lstrip("/")).parts
    if ".." in parts or "\0" in path or not (parts or folder):
        raise UsageError(f"{path!r} is no path inside a context")
    return "/".join(parts)


async def _listed(
    contexts: Contexts, found: ContextInfo, folder: str, *, most: int = 0
) -> list[ContextFile]:
    files: list[ContextFile] = []
    token = ""
    while True:
        page = await contexts.files(found.context_id, folder, token=token)
        files += page.files
        token = page.next_token
        if not token or (most and len(files) >= most):
            return files


async def _find(contexts: Contexts, found: ContextInfo, path: str) -> ContextFile | None:
    folder, _, leaf = path.rpartition("/")
    files = await _listed(contexts, found, folder)
    return next((each for each in files if each.name == leaf), None)


async def _need_file(contexts: Contexts, found: ContextInfo, path: str) -> ContextFile:
    there = await _find(contexts, found, path)
    if there is None or there.is_dir:
        what = "is a folder" if there is not None else "does not exist"
        raise UsageError(
            f"{found.name}:{path} {what}", next_step=f"%sync files {found.name} lists what there is"
        )
    return there
