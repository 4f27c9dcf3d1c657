"""`%agentbay leftovers`: the sessions that crashed kernels of this computer left behind."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import SessionGone, UsageError
from agentbay_kernel.identity import RESERVED
from agentbay_kernel.ledger import Ledger
from agentbay_kernel.magics import render
from agentbay_kernel.magics.registry import Context, argument, command

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agentbay_kernel.ledger import Row
    from agentbay_kernel.session import Provider, SessionSummary

PAGE = 100
BY_LABEL = "by its label only: perhaps another user's"


@dataclass(frozen=True, slots=True)
class Leftover:
    """A session without a kernel, and the ledger's row about it if there is one."""

    session: SessionSummary
    row: Row | None

    @property
    def known_by(self) -> str:
        """What tells that it is one."""
        if self.row is None:
            return BY_LABEL
        minutes = (time.time() - self.row.created) / 60
        notebook = f" of {self.row.notebook}" if self.row.notebook else ""
        kept = f"; kept: {self.row.left}" if self.row.left else ""
        return f"a kernel{notebook} that has ended; {minutes:.0f} min old{kept}"


async def _ids(context: Context, _word: str) -> Iterable[str]:
    return [each.session.session_id for each in await find(context)]


@command(
    "agentbay",
    "leftovers",
    argument("sessions", nargs="*", metavar="ID", help="only these"),
    argument("--delete", action="store_true", help="end them; needs --yes"),
    argument("--yes", action="store_true", help="end them without further question"),
    argument("--dry-run", action="store_true", help="say what --delete would end"),
    complete={"sessions": _ids},
)
async def leftovers(context: Context, args: Any) -> Any:
    """List the sessions that kernels of this computer left behind, or end them.

    `%agentbay attach ID` uses one again. Without IDs --delete ends those that this computer's
    ledger knows; one that only has this computer's label must be named.
    """
    found = await find(context)
    by_id = {each.session.session_id: each for each in found}
    if unknown := [name for name in args.sessions if name not in by_id]:
        raise UsageError(f"{unknown[0]} is no leftover", next_step="%agentbay leftovers lists them")
    if args.sessions:
        found = [by_id[name] for name in dict.fromkeys(args.sessions)]
    if not args.delete:
        if args.yes or args.dry_run:
            raise UsageError("--yes and --dry-run belong to --delete")
        note = "%agentbay attach ID uses one, %agentbay leftovers --delete ends them."
        context.emit(_table(found, note if found else "No kernel has left a session behind."))
        return [_plain(each) for each in found]
    chosen = found if args.sessions else [each for each in found if each.row is not None]
    if args.dry_run:
        context.emit(_table(chosen, f"--yes would end {_count(chosen)}."))
        return [_plain(each) for each in chosen]
    if chosen and not args.yes:
        names = ", ".join(each.session.session_id for each in chosen)
        raise UsageError(f"This would end {names}", next_step="Add --yes to end, or --dry-run")
    return await _delete(context, chosen)


async def find(context: Context) -> list[Leftover]:
    """The sessions of this computer that no living kernel owns."""
    manager = context.manager
    provider = await manager.provider()
    key = f"{RESERVED}host"
    sessions = await _all(provider, {key: manager.identity.labels()[key]})
    ledger = Ledger.of_user()
    mark = provider.fingerprint(ledger.salt())
    rows = {
        row.session_id: row
        for row in ledger.rows()
        if (row.provider, row.endpoint, row.fingerprint) == (provider.name, provider.endpoint, mark)
    }
    own = {each.manager.session.session_id for each in context.places or () if each.manager.session}
    own |= {manager.session.session_id} if manager.session is not None else set()
    return [
        Leftover(each, rows.get(each.session_id))
        for each in sessions
        if each.session_id not in own
        and not (each.session_id in rows and rows[each.session_id].owned())
    ]


async def _all(provider: Provider, labels: dict[str, str]) -> list[SessionSummary]:
    found: list[SessionSummary] = []
    token = ""
    while True:
        page = await provider.list(labels, limit=PAGE, token=token)
        found += page.sessions
        token = page.next_token
        if not token:
            return found


async def _delete(context: Context, chosen: Sequence[Leftover]) -> list[str]:
    provider = await context.manager.provider()
    ledger = Ledger.of_user()
    ended = []
    for each in chosen:
        name = each.session.session_id
        try:
            await provider.delete(name)
        except SessionGone:
            context.emit(render.line(f"Session {name} had ended already."))
        else:
            context.emit(render.line(f"Session {name} is deleted."))
        if each.row is not None:
            ledger.remove(each.row.key, name)
        ended.append(name)
    if not ended:
        context.emit(render.line("No kernel has left a session behind."))
    return ended


def _table(found: Sequence[Leftover], note: str) -> Any:
    rows = [
        (each.session.session_id, each.session.status, each.session.image, each.known_by)
        for each in found
    ]
    return render.table(("session", "status", "image", "left by"), rows, note)


def _plain(each: Leftover) -> dict[str, Any]:
    return {
        "session": each.session.session_id,
        "status": each.session.status,
        "image": each.session.image,
        "known": each.row is not None,
    }


def _count(found: Sequence[Leftover]) -> str:
    return f"{len(found)} session{'' if len(found) == 1 else 's'}"
