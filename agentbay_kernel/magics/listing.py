"""`%agentbay list` and `delete`: the sessions of the account."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import KernelError, ProviderError, SessionGone, UsageError
from agentbay_kernel.magics import known, render
from agentbay_kernel.magics.labels import label_option, parse_labels
from agentbay_kernel.magics.registry import Context, argument, command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentbay_kernel.places import Place
    from agentbay_kernel.session import Provider, SessionSummary

PAGE = 100
AT_ONCE = 8


@command(
    "agentbay",
    "list",
    label_option("only with all of these"),
    argument("--status", default=None, type=str.upper, choices=known.STATES, help="in this state"),
    argument("--limit", type=int, default=10, help="rows of a page, 1 to 100"),
    argument("--page", type=int, default=1, help="which page, from 1"),
    argument("--all", action="store_true", help="every page"),
    complete={"--label": known.label_pairs},
)
async def list_sessions(context: Context, args: Any) -> Any:
    """List the account's sessions, filtered by labels, a page at a time."""
    if not 1 <= args.limit <= PAGE or args.page < 1:
        raise UsageError(f"--limit goes from 1 to {PAGE}, --page from 1")
    if args.all and args.page != 1:
        raise UsageError("--all has no --page")
    labels = parse_labels(args.label)
    provider = await context.manager.provider()
    found: list[SessionSummary] = []
    token, number = "", 1
    while True:
        page = await provider.list(labels, status=args.status, limit=args.limit, token=token)
        if args.all or number == args.page:
            found += page.sessions
        token, number = page.next_token, number + 1
        if not token or (not args.all and number > args.page):
            break
    if number <= args.page:
        raise UsageError(f"There is no page {args.page}", next_step=f"The last is {number - 1}")
    rows = [_row(context, each) for each in found]
    note = f"{len(rows)} of {page.total}" if page.total is not None else f"{len(rows)} shown"
    note += f"; next: --page {args.page + 1}" if token else ""
    context.emit(_table(context, rows, note))
    return rows


def _row(context: Context, found: SessionSummary) -> dict[str, str]:
    place = _place(context, found.session_id)
    return {
        "session": found.session_id,
        "status": found.status,
        "image": found.image,
        "name": place.name if place is not None else "",
    }


def _place(context: Context, session_id: str) -> Place | None:
    return context.all_places.holding(session_id)


def _table(context: Context, rows: Sequence[Mapping[str, str]], note: str) -> Any:
    own = context.manager.session.session_id if context.manager.session else ""
    shown = [
        ("→ " * (row["session"] == own) + row["session"], *list(row.values())[1:]) for row in rows
    ]
    named = any(row["name"] for row in rows)
    headers = ("session", "status", "image", "name")[: 4 if named else 3]
    return render.table(headers, [row[: len(headers)] for row in shown], note)


@dataclass(frozen=True, slots=True)
class Doomed:
    """A session that shall be deleted, and the place that holds it."""

    session_id: str
    place: Place | None = None
    why: str = ""

    def __str__(self) -> str:
        name = f"{self.place.name}, " if self.place is not None else ""
        return f"{self.session_id} ({name}{self.why})" if self.why else self.session_id


@command(
    "agentbay",
    "delete",
    argument("session", nargs="*", metavar="ID", help="ids or names; else the current session"),
    label_option("every session with all of these"),
    argument("--sync", action="store_true", help="upload also what is not uploaded by itself"),
    argument("--force", action="store_true", help="also where changes in contexts would be lost"),
    argument("--dry-run", action="store_true", help="only say what would be deleted"),
    argument("--yes", action="store_true", help="delete other sessions than this notebook's"),
    complete={"session": known.ids_and_names, "--label": known.label_pairs},
)
async def delete(context: Context, args: Any) -> Any:
    """End sessions; their names and files are lost, contexts are uploaded first and kept.

    A session of this notebook whose upload fails, or whose context had not been downloaded, goes on
    unless --force; with --sync --force what is there now replaces the stored copy.
    Without an id it ends the current session of the notebook, whose next cell starts a new one.
    Sessions that are not this notebook's are ended only with --yes. When one of several cannot be
    deleted, the others are, and each failure is told.
    """
    if args.session and args.label:
        raise UsageError("Name the sessions by their ids or by --label, not by both")
    doomed = await _doomed(context, args)
    if args.dry_run:
        context.emit(render.line(f"Would delete {_listed(doomed)}. Nothing was."))
        return [each.session_id for each in doomed]
    others = [each for each in doomed if each.place is None]
    if (others or args.label) and not args.yes:
        what = "sessions" if len(doomed) > 1 else "the session"
        raise UsageError(
            f"This would delete {what} {_listed(doomed)}",
            survived="Nothing was deleted",
            next_step="Add --yes to do it",
        )
    return await _delete_all(context, doomed, args)


def _listed(doomed: Sequence[Doomed]) -> str:
    return ", ".join(map(str, doomed)) or "no session"


async def _doomed(context: Context, args: Any) -> list[Doomed]:
    if args.label:
        labels = parse_labels(args.label)
        return [_of_id(context, each) for each in await _matching(context, labels)]
    if not args.session:
        return [_own(context)]
    return list(dict.fromkeys([_named(context, word) for word in args.session]))


def _own(context: Context) -> Doomed:
    manager = context.manager
    if manager.session is None and not manager.claimed:
        raise UsageError("The kernel has no session")
    place = context.all_places.current
    session_id = manager.session.session_id if manager.session else "left by the kernel before"
    return Doomed(session_id, place, "this notebook's")


def _named(context: Context, word: str) -> Doomed:
    if word in context.all_places:
        place = context.all_places.get(word)
        session = place.manager.session
        if session is None and not place.manager.claimed:
            raise UsageError(f"{word} has no session")
        return Doomed(session.session_id if session else word, place, "this notebook's")
    return _of_id(context, word)


def _of_id(context: Context, session_id: str) -> Doomed:
    place = _place(context, session_id)
    return Doomed(session_id, place, "this notebook's" if place is not None else "")


async def _matching(context: Context, labels: Mapping[str, str]) -> list[str]:
    provider = await context.manager.provider()
    found: list[str] = []
    token = ""
    while True:
        page = await provider.list(labels, limit=PAGE, token=token)
        found += [each.session_id for each in page.sessions]
        token = page.next_token
        if not token:
            return found


async def _delete_all(context: Context, doomed: Sequence[Doomed], args: Any) -> list[str]:
    provider = await context.manager.provider()
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(each: Doomed) -> KernelError | None:
        async with turns:
            try:
                await _delete(context, provider, each, args)
            except KernelError as error:
                return error
            return None

    failures = await asyncio.gather(*map(one, doomed))
    gone = [each for each, failure in zip(doomed, failures, strict=True) if failure is None]
    if gone:
        context.emit(render.line(_told(context, gone)))
    bad = [(each, error) for each, error in zip(doomed, failures, strict=True) if error is not None]
    if len(bad) == 1 and len(doomed) == 1:
        raise bad[0][1]
    if bad:
        texts = "; ".join(f"{each.session_id}: {error}" for each, error in bad)
        raise ProviderError(
            f"{len(bad)} of {len(doomed)} sessions were not deleted: {texts}",
            survived="The others are deleted" if gone else "",
        )
    if not doomed:
        context.emit(render.line("No session has these labels."))
    return [each.session_id for each in gone]


def _told(context: Context, gone: Sequence[Doomed]) -> str:
    names = ", ".join(each.session_id for each in gone)
    verb = "is" if len(gone) == 1 else "are"
    text = f"Session{'s' * (len(gone) > 1)} {names} {verb} deleted."
    places = context.all_places
    if any(each.place is places.main for each in gone) and places.current is places.main:
        text += " The next cell starts a new one."
    elif any(each.place is not None and each.place.manager is context.manager for each in gone):
        text += f" Cells now run in {places.current.name}."
    return text


async def _delete(context: Context, provider: Provider, each: Doomed, args: Any) -> None:
    if each.place is not None:
        await each.place.manager.delete(sync=args.sync, force=args.force)
        context.all_places.drop(each.place.name)
        return
    try:
        await provider.delete(each.session_id, sync=args.sync)
    except SessionGone as error:
        raise UsageError(
            f"There is no session {each.session_id}", next_step="%agentbay list shows them"
        ) from error
