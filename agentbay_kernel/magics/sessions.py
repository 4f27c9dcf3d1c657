"""`%agentbay new`, `use`, `attach` and `%%on`: a notebook's sessions, and where cells run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import KernelError, SessionGone, UsageError
from agentbay_kernel.magics import known, render
from agentbay_kernel.magics.labels import label_option, parse_labels
from agentbay_kernel.magics.registry import Context, argument, command
from agentbay_kernel.magics.sync_mounts import POLICY, mounts_of
from agentbay_kernel.places import MAIN, Place

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from agentbay_kernel.events import CellError
    from agentbay_kernel.session import Session

SLOW_SECONDS = 1.0


@command(
    "agentbay",
    "new",
    argument("--image", default="", help="the image, as code_latest"),
    label_option("labels"),
    argument(
        "--mount", action="extend", nargs="+", default=[], metavar="NAME:PATH", help="contexts"
    ),
    argument("--idle", type=int, default=None, metavar="MIN", help="minutes of idle time"),
    argument("--max-life", type=int, default=None, metavar="MIN", help="minutes of life"),
    argument("--name", default="", help="start it under a name, beside the others"),
    argument("--yes", action="store_true", help="delete the session that it takes the place of"),
    *POLICY,
    complete={"--image": known.images, "--label": known.label_pairs, "--name": known.names},
)
async def new(context: Context, args: Any) -> Any:
    """Start a new session in place of the current one, which is deleted, or with --name beside it.

    With --name the others stay as they are and cells go on where they ran; `%agentbay use NAME`
    moves them to the new session, `%%on NAME` runs one cell there. A session of this notebook in
    whose place the new one comes is deleted with its names and files, only with --yes; one that
    was attached goes on by itself. A context is created when there is none of its name; the options
    from --upload-mode on are as with `%sync mount`, for all contexts of this command.
    """
    if any(each is not None and each < 1 for each in (args.idle, args.max_life)):
        raise UsageError("--idle and --max-life are minutes, 1 or more")
    labels = parse_labels(args.label)
    mounts = mounts_of(args)
    _check_loss(context, args)
    place = _place(context, args.name)
    manager = place.manager if place is not None else context.manager
    spec = manager.spec(
        image=args.image,
        labels=labels,
        mounts=mounts,
        idle=args.idle or 0,
        limit=args.max_life or 0,
    )
    former = ""
    if manager.session is not None:
        end = "goes on by itself" if manager.lent else "is deleted"
        former = f"; {manager.session.session_id} {end}"
    try:
        session = await _told(context, manager.replace(spec))
    except KernelError:
        if place is not None:
            context.all_places.drop(place.name)
        raise
    context.emit(render.line(_ready(context, session, place, former)))
    return session.session_id


async def _told(context: Context, starting: Coroutine[Any, Any, Session]) -> Session:
    """Wait for a session, with a word when that takes long."""
    task = asyncio.ensure_future(starting)
    try:
        await asyncio.wait([task], timeout=SLOW_SECONDS)
        if not task.done():
            context.emit(render.line("Starting a session…"))
        return await task
    except asyncio.CancelledError:
        task.cancel()
        raise


def _place(context: Context, name: str) -> Place | None:
    """The place that a command names, made when there is none; None where it names none."""
    return context.all_places.add(name) if name else None


def _ready(context: Context, session: Session, place: Place | None, former: str) -> str:
    text = f"Session {session.session_id} is ready{former}."
    if place is None or place is context.all_places.current:
        return text
    word = _quoted(place.name)
    return f"{text} %agentbay use {word} runs cells there, %%on {word} runs one."


def _quoted(name: str) -> str:
    return f"'{name}'" if " " in name else name


def _check_loss(context: Context, args: Any) -> None:
    """Refuse what would delete a running session unasked."""
    if args.name and args.name not in context.all_places:
        return
    manager = context.all_places.get(args.name).manager if args.name else context.manager
    if manager.session is None or manager.lent or args.yes:
        return
    raise UsageError(
        f"This would delete session {manager.session.session_id} with its names and files",
        survived="Nothing was deleted",
        next_step="Add --yes to do it, or --name with a new name to start one beside it",
    )


@command(
    "agentbay",
    "use",
    argument("name", nargs="?", default="", help="a session's name; main is the kernel's first"),
    complete={"name": known.names},
)
async def use(context: Context, args: Any) -> Any:
    """Run cells in another session of this notebook from now on; without a name list them.

    The session that is left goes on with all its names, widgets and running threads.
    """
    places = context.all_places
    if args.name:
        place = places.use(args.name)
        session = place.manager.session
        known_id = f" {session.session_id}" if session is not None else ", which the next starts"
        context.emit(render.line(f"Cells now run in session {place.name}{known_id}."))
        return place.name
    rows = [_row(place) for place in places]
    current = places.current.name
    shown = [(("→ " if row["name"] == current else "") + row["name"], *list(row.values())[1:])
             for row in rows]  # fmt: skip
    note = "" if len(rows) > 1 else "%agentbay new --name gpu starts another beside it."
    context.emit(render.table(("name", "session", "state", "image"), shown, note))
    return rows


def _row(place: Place) -> dict[str, str]:
    session, manager = place.manager.session, place.manager
    state = "left by the kernel before" if manager.claimed and not session else manager.state.value
    return {
        "name": place.name,
        "session": session.session_id if session is not None else "",
        "state": state,
        "image": session.image if session is not None else "",
    }


@command(
    "%%on",
    "",
    argument("name", nargs="?", default="", help="a session's name; without it the current one"),
    complete={"name": known.names},
)
async def on(context: Context, args: Any) -> CellError | None:
    """Run the cell in another session of this notebook; the next cells run where they did.

    All of the cell goes there: our magics in it too.
    """
    name = args.name or context.all_places.current.name
    if not args.body.strip():
        raise UsageError(f"%%on {_quoted(name)} has no lines below it to run")
    return await context.run_at(name, args.body)


@command(
    "agentbay",
    "attach",
    argument("session", help="the session's id"),
    argument("--name", default="", help="use it under a name, beside the others"),
    complete={"session": known.ids, "--name": known.names},
)
async def attach(context: Context, args: Any) -> Any:
    """Use a session of the account; the one that was current goes on by itself.

    The session is not the kernel's own: it stays when the kernel ends.
    """
    held = context.all_places.holding(args.session)
    if held is not None:
        raise UsageError(
            f"{args.session} is this notebook's session {held.name} already",
            next_step=f"%agentbay use {_quoted(held.name)} runs cells there",
        )
    place = _place(context, args.name)
    manager = place.manager if place is not None else context.manager
    try:
        session = await manager.attach(args.session)
    except KernelError as error:
        if place is not None and place.manager.session is None:
            context.all_places.drop(place.name)
        raise no_such(args.session, error) from error
    context.emit(render.line(_attached(session, place)))
    return session.session_id


def _attached(session: Session, place: Place | None) -> str:
    if place is None or place.name == MAIN:
        return f"Cells now run in session {session.session_id}."
    word = _quoted(place.name)
    return f"Session {session.session_id} is {word}: %agentbay use {word} runs cells there."


def no_such(session_id: str, error: KernelError) -> KernelError:
    """The error for a session that somebody named: when it is gone, nothing of the kernel's is."""
    if not isinstance(error, SessionGone):
        return error
    return UsageError(
        f"There is no session {session_id}",
        survived="The kernel's own is kept",
        next_step="%agentbay list shows them",
    )
