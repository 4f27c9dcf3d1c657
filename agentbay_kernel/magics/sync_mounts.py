"""`%sync`: the contexts that are mounted in the session, and their way up and down."""

from __future__ import annotations

import asyncio
import difflib
import re
import time
import uuid
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from agentbay_kernel import syncing
from agentbay_kernel.contexts import KEEP_DAYS, Bound, MountPolicy
from agentbay_kernel.errors import SyncError, UsageError
from agentbay_kernel.events import UpdateDisplayData
from agentbay_kernel.magics import render
from agentbay_kernel.magics.registry import Context, argument, command
from agentbay_kernel.magics.sync import context_names
from agentbay_kernel.session import Mount

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agentbay_kernel.contexts import Direction
    from agentbay_kernel.events import DisplayData
    from agentbay_kernel.session import ContextState, Session

COLUMNS = ("name", "path", "transfer", "state", "started", "finished", "error")
NONE_YET = "No context is mounted. %sync mount NAME /mnt/NAME mounts one, made if need be."
WATCH_SECONDS = 0.5
WILD = re.compile(r"[*?\[\]]")

POLICY = (
    argument("--upload-mode", choices=("file", "archive"), default="file", help="as which"),
    argument("--archive-exclude", nargs="+", default=[], metavar="FOLDER",
             help="folders that an archive leaves as single files"),
    argument("--no-auto-upload", action="store_true", help="upload by %%sync up only"),
    argument("--no-auto-download", action="store_true", help="begin with an empty folder"),
    argument("--no-delete", action="store_true", help="keep stored files that are deleted here"),
    argument("--no-extract", action="store_true", help="leave archives packed"),
    argument("--white", nargs="+", default=[], metavar="FOLDER", help="only these folders"),
    argument("--exclude", nargs="+", default=[], metavar="FOLDER", help="without these folders"),
    argument("--regex", action="store_true", help="--white and --exclude are patterns"),
    argument("--recycle", type=int, choices=KEEP_DAYS, default=0, metavar="DAYS",
             help="keep files so many days: 1 3 5 10 15 30 90 180 360"),
    argument("--recycle-path", nargs="+", default=[], metavar="FOLDER", help="only in these"),
)  # fmt: skip


def policy_of(args: Any) -> MountPolicy:
    """The policy that the POLICY arguments describe; raises UsageError for a bad one."""
    if args.archive_exclude and args.upload_mode != "archive":
        raise UsageError("--archive-exclude needs --upload-mode archive")
    if args.recycle_path and not args.recycle:
        raise UsageError("--recycle-path needs --recycle DAYS")
    plain = [*args.recycle_path, *args.archive_exclude]
    plain += [] if args.regex else [*args.white, *args.exclude]
    if bad := [path for path in plain if WILD.search(path)]:
        raise UsageError(
            f"{bad[0]!r} has wildcards",
            next_step="Name exact folders, or with --regex patterns for --white and --exclude",
        )
    for pattern in [*args.white, *args.exclude] if args.regex else []:
        try:
            re.compile(pattern)
        except re.error as error:
            raise UsageError(f"{pattern!r} is no pattern: {error}") from None
    return MountPolicy(
        auto_upload=not args.no_auto_upload,
        auto_download=not args.no_auto_download,
        archive=args.upload_mode == "archive",
        loose=tuple(args.archive_exclude),
        deletions=not args.no_delete,
        extract=not args.no_extract,
        only=tuple(args.white),
        without=tuple(args.exclude),
        patterns=args.regex,
        keep_days=args.recycle,
        keep_paths=tuple(args.recycle_path),
    )


def mounts_of(args: Any) -> tuple[Mount, ...]:
    """The mounts of a `--mount NAME:PATH…`, all with the same policy; raises UsageError."""
    policy = policy_of(args)
    if policy != MountPolicy() and not args.mount:
        raise UsageError("These options are for contexts", next_step="Add --mount NAME:/mnt/NAME")
    mounts = tuple(_mount(word, policy) for word in args.mount)
    if len({each.path for each in mounts}) < len(mounts):
        raise UsageError("Two contexts cannot be mounted at one path")
    return mounts


def _mount(word: str, policy: MountPolicy) -> Mount:
    name, colon, path = word.rpartition(":")
    if not (colon and name.strip() and path.startswith("/")):
        raise UsageError(f"{word!r} is no mount", next_step="Write it as NAME:/absolute/path")
    return Mount(name, _mount_path(path), policy)


async def mounted_names(context: Context, _word: str) -> Iterable[str]:
    """Completes the names of the contexts that are mounted now."""
    session = context.manager.session
    return [each.name for each in await session.mounts.list()] if session is not None else ()


@command("sync")
async def overview(context: Context, _args: Any) -> Any:
    """Show the contexts of the session: path, last upload and download, state, times, error."""
    session = await _present(context)
    if session is None:
        context.emit(render.line(NONE_YET))
        return []
    bound, states = await _facts(context, session)
    context.emit(_table(bound, states))
    return _values(bound, states)


@command("sync", "status", argument("--watch", action="store_true", help="until all have ended"))
async def status(context: Context, args: Any) -> Any:
    """Show the same as %sync; with --watch the table follows until every transfer has ended."""
    session = await _present(context)
    if session is None or not args.watch:
        return await overview(context, args)
    display_id = uuid.uuid4().hex
    shown: list[dict[str, Any]] | None = None
    while True:
        bound, states = await _facts(context, session)
        values = _values(bound, states)
        if values != shown:
            table = _table(bound, states, display_id)
            again = UpdateDisplayData(table.data, display_id)
            context.emit(table if shown is None else again)
            shown = values
        if all(each.status in syncing.ENDED for each in states):
            return values
        await asyncio.sleep(WATCH_SECONDS)


@command(
    "sync",
    "mount",
    argument("name", help="a context, made if there is none"),
    argument("path", help="an absolute folder of the session"),
    *POLICY,
    complete={"name": context_names},
)
async def mount(context: Context, args: Any) -> Any:
    """Let a context appear as a folder of the session, and wait until its files are there.

    Where there is no session yet, one is started with it; a running one gets it live. When the
    session ends the folder is uploaded, unless --no-auto-upload.
    """
    wish = Mount(args.name, _mount_path(args.path), policy_of(args))
    if not args.name.strip():
        raise UsageError("The name of a context is empty")
    manager = context.manager
    fresh = manager.session is None and not manager.claimed
    session = await manager.ensure(manager.spec(mounts=(wish,)) if fresh else None)
    bound = _at(await session.mounts.list(), wish.path)
    if bound is None:
        bound = await session.mounts.add(wish)
        manager.mounted()
        await syncing.arrived(session.mounts, bound, progress=_lines(context, [bound]))
    elif bound.name != wish.context:
        raise UsageError(
            f"{wish.path} is in use: the context {bound.name} is mounted there",
            next_step="Choose another path",
        )
    elif not fresh:
        context.emit(render.line(f"{bound.name} is mounted at {bound.path} already, as it was."))
        return asdict(bound)
    manager.used()
    end = (
        "is uploaded when the session ends, or by %sync up"
        if bound.auto_upload
        else "is lost with the session unless %sync up saves it"
    )
    context.emit(render.line(f"{bound.name} is mounted at {bound.path}; what changes there {end}."))
    return asdict(bound)


@command(
    "sync",
    "up",
    argument("name", nargs="?", default="", help="a mounted context or its path; else all"),
    argument("--force", action="store_true", help="also over what did not come down"),
    complete={"name": mounted_names},
)
async def up(context: Context, args: Any) -> Any:
    """Upload the mounted contexts now, and wait until that has succeeded or failed."""
    session, wanted = await _chosen(context, args.name)
    lost = syncing.undownloaded(await session.mounts.states())
    missed = [each for each in wanted if (each.context_id, each.path) in lost]
    if missed and not args.force:
        raise SyncError(
            f"{missed[0].name} was not downloaded to {missed[0].path}",
            survived="Nothing was uploaded: it would replace the stored copy by what is there now",
            next_step="%sync down tries the download again, %sync up --force uploads all the same",
        )
    return await _go(context, session, "upload", wanted)


@command(
    "sync",
    "down",
    argument("name", nargs="?", default="", help="a mounted context or its path; else all"),
    argument("--yes", action="store_true", help="replace what is in the folder"),
    complete={"name": mounted_names},
)
async def down(context: Context, args: Any) -> Any:
    """Download the mounted contexts again, and wait until that has succeeded or failed.

    Files of the same name in the session are replaced, so a folder with files needs --yes.
    """
    session, wanted = await _chosen(context, args.name)
    for each in [] if args.yes else wanted:
        if found := await session.files.list(each.path):
            names = ", ".join(PurePosixPath(item.path).name for item in found[:5])
            raise UsageError(
                f"{each.path} has {len(found)} entries ({names}…), and those of the same name as "
                f"in {each.name} are replaced",
                next_step="%sync up saves them first, %sync down --yes replaces them",
            )
    return await _go(context, session, "download", wanted)


@command("sync", "wait")
async def wait(context: Context, _args: Any) -> Any:
    """Wait until no upload or download is under way any more; a failure is an error."""
    session = await _present(context)
    if session is None:
        context.emit(render.line(NONE_YET))
        return []
    bound = await session.mounts.list()
    states = await syncing.settled(session.mounts, progress=_lines(context, bound))
    context.manager.used()
    context.emit(render.line("No upload or download is under way."))
    return _values(bound, states)


async def _go(
    context: Context, session: Session, direction: Direction, wanted: Sequence[Bound]
) -> Any:
    began = time.monotonic()
    states = await syncing.transfer(
        session.mounts, direction, wanted, progress=_lines(context, wanted)
    )
    context.manager.used()
    names = ", ".join(each.name for each in wanted)
    seconds = time.monotonic() - began
    context.emit(render.line(f"The {direction} of {names} has succeeded in {seconds:.1f} s."))
    return _values(wanted, states)


async def _present(context: Context) -> Session | None:
    """The session that is there, or was left by the kernel before; none is made."""
    manager = context.manager
    if manager.session is None and not manager.claimed:
        return None
    return await manager.ensure()


async def _chosen(context: Context, name: str) -> tuple[Session, Sequence[Bound]]:
    session = await _present(context)
    bound = await session.mounts.list() if session is not None else []
    if session is None or not bound:
        raise UsageError("No context is mounted", next_step="%sync mount NAME /mnt/NAME")
    wanted = [each for each in bound if name in ("", each.name, each.path)]
    if not wanted:
        names = [each.name for each in bound]
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"Did you mean {near[0]}" if near else f"Mounted are: {', '.join(names)}"
        raise UsageError(f"No context {name!r} is mounted", next_step=hint)
    return session, wanted


async def _facts(
    context: Context, session: Session
) -> tuple[Sequence[Bound], Sequence[ContextState]]:
    bound, states = await asyncio.gather(session.mounts.list(), session.mounts.states())
    context.manager.used()
    return bound, states


def _mount_path(text: str) -> str:
    path = PurePosixPath(text)
    if not path.is_absolute() or ".." in path.parts or len(path.parts) < 2 or "\0" in text:
        raise UsageError(f"{text!r} is no absolute folder", next_step="Write it as /mnt/NAME")
    return str(path)


def _at(bound: Iterable[Bound], path: str) -> Bound | None:
    return next((each for each in bound if each.path == path), None)


def _lines(context: Context, bound: Sequence[Bound]) -> syncing.Progress:
    names = {(each.context_id, each.path): each.name for each in bound}

    def tell(state: ContextState) -> None:
        name = names.get((state.context_id, state.path), state.context_id)
        words = f"{name} {state.path}: {state.direction} {state.status or 'begins'}"
        context.emit(render.line(words + (f", {state.error}" if state.error else "")))

    return tell


def _values(bound: Iterable[Bound], states: Sequence[ContextState]) -> list[dict[str, Any]]:
    """One row a transfer, and one for a context that has had none."""
    values = []
    for each in bound:
        own = [s for s in states if (s.context_id, s.path) == (each.context_id, each.path)]
        known = {"name": each.name, "path": each.path, "context_id": each.context_id}
        values += [
            {
                **known,
                "direction": state.direction,
                "status": state.status,
                "started": state.started,
                "finished": state.finished,
                "error": state.error,
            }
            for state in own
        ] or [{**known, "direction": "", "status": "", "started": None, "finished": None,
               "error": ""}]  # fmt: skip
    return values


def _table(
    bound: Sequence[Bound], states: Sequence[ContextState], display_id: str | None = None
) -> DisplayData:
    rows = [
        (
            value["name"],
            value["path"],
            value["direction"],
            value["status"],
            _clock(value["started"]),
            _clock(value["finished"]),
            value["error"],
        )
        for value in _values(bound, states)
    ]
    manual = ", ".join(each.name for each in bound if not each.auto_upload)
    note = f"Uploaded by %sync up only: {manual}" if manual else ""
    table = render.table(COLUMNS, rows, note if rows else NONE_YET)
    return type(table)(table.data, display_id=display_id) if display_id else table


def _clock(seconds: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else ""
