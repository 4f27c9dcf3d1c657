"""`%push` and `%pull`: values between this computer and the session."""

from __future__ import annotations

import asyncio
import contextlib
import json
import keyword
import secrets
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentbay_kernel import transfer
from agentbay_kernel.errors import KernelError, ToolError, UsageError
from agentbay_kernel.magics import render
from agentbay_kernel.magics.fs_copy import Bar
from agentbay_kernel.magics.registry import Context, argument, command
from agentbay_kernel.typed import BadData, NotTyped, files
from agentbay_kernel.typed.source import loader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from agentbay_kernel.events import Event
    from agentbay_kernel.session import Session

MOST_NOTICE_BYTES = 1 << 20
RISK = "a pickle runs code of the session on this computer when it is opened"


async def _own_names(context: Context, _word: str) -> Iterable[str]:
    return [name for name in context.names if not name.startswith("_")]


async def _session_names(context: Context, word: str) -> Iterable[str]:
    if context.look_up is None:
        return ()
    found = await context.look_up(word, len(word)) or {}
    return [name for name in found.get("matches", ()) if str(name).isidentifier()]


@command(
    "push",
    "",
    argument("names", nargs="+", metavar="NAME", help="a name of %%%%local cells"),
    complete={"names": _own_names},
)
async def push(context: Context, args: Any) -> Any:
    """Put values of this computer, from %%local cells, under their names into the session.

    Plain data, bytes, arrays of numpy, tables of pandas and Arrow (with pyarrow on both sides) and
    images go, with their types. The size is said first; either all names are set or none. In plain
    IPython, where all cells are local, the values are those of its namespace.
    """
    _check_names(args.names)
    if missing := [name for name in args.names if name not in context.names]:
        raise UsageError(
            f"There is no name {missing[0]} on this computer",
            next_step="%%local cells make names here, in plain IPython all cells",
        )
    session = await context.manager.ensure()
    with tempfile.TemporaryDirectory(prefix="agentbay-kernel-") as folder:
        notices = []
        for number, name in enumerate(args.names):
            path, value = Path(folder, str(number)), context.names[name]
            notices.append(await asyncio.to_thread(_written, name, value, path))
            _say(context, name, notices[-1])
        async with _remote_folder(session) as remote:
            sources = [Path(folder, str(number)) for number in range(len(notices))]
            await _moved(
                context,
                transfer.put(
                    session,
                    sources,
                    f"{remote}/",
                    force=True,
                    progress=(bar := Bar(context, "push")),
                ),
                bar,
            )
            call = f"{_FILES}.accept({remote!r}, {notices!r})"
            await _inside(context, f"{', '.join(args.names)}, = {call}", "Nothing was set")
    return _facts(args.names, notices)


@command(
    "pull",
    "",
    argument("names", nargs="+", metavar="NAME", help="a name of the session; NAME as OTHER"),
    argument(
        "--allow-pickle",
        action="store_true",
        help="take what has no safe form as a pickle: that lets code of the session run on this "
        "computer, with all that you may do",
    ),
    complete={"names": _session_names},
)
async def pull(context: Context, args: Any) -> Any:
    """Fetch values of the session into names of this computer, for %%local cells.

    `%pull df` keeps the name, `%pull df as mine` gives another. Plain data, bytes, arrays of numpy,
    tables of pandas and Arrow (with pyarrow on both sides) and images come, with their types. The
    size is said first, what comes must be what was announced, and nothing of it can run here, but
    with --allow-pickle. Either all names are set or none. In plain IPython all its cells have them.
    """
    names, targets = _targets(args.names)
    session = await context.manager.ensure()
    async with _remote_folder(session) as remote:
        await session.files.make_dir(remote)
        given = ", ".join(f"{name!r}: {name}" for name in names)
        call = f"{_FILES}.offer({{{given}}}, {remote!r}, allow_pickle={args.allow_pickle})"
        await _inside(context, call, "Nothing was fetched")
        notices = await _notices(session, remote, names)
        for name, notice in zip(names, notices, strict=True):
            _say(context, name, notice)
        with tempfile.TemporaryDirectory(prefix="agentbay-kernel-") as folder:
            await _fetch(context, session, remote, folder, notices)
            values = await asyncio.to_thread(_accepted, folder, notices, args.allow_pickle)
    for target, value in zip(targets, values, strict=True):
        context.keep(target, value)
    return _facts(targets, notices)


_FILES = "__import__('agentbay_typed.files', fromlist=['offer'])"


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise UsageError(f"{name}: that is no name of a variable")
    if len(set(names)) < len(names):
        raise UsageError("A name is given twice")


def _targets(words: Sequence[str]) -> tuple[list[str], list[str]]:
    names: list[str] = []
    targets: list[str] = []
    rest = list(words)
    while rest:
        name = rest.pop(0)
        other = name
        if rest[:1] == ["as"]:
            if len(rest) < 2:
                raise UsageError("`as` needs a name behind it")
            other = rest[1]
            rest = rest[2:]
        names.append(name)
        targets.append(other)
    _check_names(names)
    _check_names(targets)
    return names, targets


def _written(name: str, value: Any, path: Path) -> dict[str, Any]:
    try:
        return files.write(value, str(path))
    except NotTyped as error:
        raise UsageError(f"{name} was not sent: {error}") from error


def _accepted(folder: str, notices: list[dict[str, Any]], allow_pickle: bool) -> list[Any]:
    try:
        return files.accept(folder, notices, allow_pickle)
    except (BadData, NotTyped) as error:
        raise ToolError(f"Nothing was taken from the session: {error}") from error
    except Exception as error:
        if not allow_pickle:
            raise
        raise ToolError(f"A pickle could not be opened: {error}") from error


async def _notices(session: Session, remote: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """What the session announces, believed in nothing but its form."""
    path = f"{remote}/{files.NOTICES}"
    info = await session.files.info(path)
    if info is None or info.size is None or info.size > MOST_NOTICE_BYTES:
        raise ToolError("The session's announcement cannot be read")
    try:
        found = json.loads(await session.files.read(path))
        if type(found) is not list or len(found) != len(names):
            raise BadData("The announcement cannot be read")
    except (ValueError, RecursionError) as error:
        raise ToolError("The session's announcement cannot be read") from error
    notices = []
    for name, notice in zip(names, found, strict=True):
        try:
            notices.append(files.check(notice))
        except NotTyped as error:
            raise UsageError(
                f"{name} was not fetched: {error}",
                next_step=f"--allow-pickle would, but {RISK}" if "safe form" in str(error) else "",
            ) from error
        except BadData as error:
            raise ToolError(f"{name} was not fetched: {error}") from error
    return notices


async def _fetch(
    context: Context, session: Session, remote: str, folder: str, notices: list[dict[str, Any]]
) -> None:
    paths = [f"{remote}/{number}" for number in range(len(notices))]
    for path, notice in zip(paths, notices, strict=True):
        info = await session.files.info(path)
        if info is None or info.size != notice["size"]:
            raise ToolError("Nothing was taken from the session: it is not what was announced")
    bar = Bar(context, "pull")
    await _moved(context, transfer.get(session, paths, folder + "/", progress=bar), bar)


async def _moved(context: Context, moving: Any, bar: Bar) -> None:
    try:
        await moving
    finally:
        bar.end()
        context.manager.used()


@contextlib.asynccontextmanager
async def _remote_folder(session: Session) -> AsyncIterator[str]:
    """A name for a folder of the session that is gone afterwards, whatever happens."""
    remote = f"/tmp/.agentbay-kernel-{secrets.token_hex(8)}"
    try:
        yield remote
    finally:
        removing = asyncio.ensure_future(session.shell(f"rm -rf -- {shlex.quote(remote)}"))
        with contextlib.suppress(KernelError):
            await asyncio.shield(removing)


async def _inside(context: Context, code: str, otherwise: str) -> None:
    """Run code with our modules in the session's interpreter."""
    error = await context.run(f"{loader()}\n{code}", _unheard)
    if error is not None:
        raise ToolError(f"{otherwise}: {error.ename}: {error.evalue}")


def _say(context: Context, name: str, notice: dict[str, Any]) -> None:
    context.emit(render.line(f"{name}: {notice['about']} ({notice['size']:,} bytes)"))


def _facts(names: Sequence[str], notices: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    pairs = zip(names, notices, strict=True)
    return [{"name": name, **notice} for name, notice in pairs]


def _unheard(_event: Event) -> None:
    pass
