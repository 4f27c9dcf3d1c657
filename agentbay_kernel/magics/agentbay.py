"""`%agentbay`: the kernel's session and the others of the account."""

from __future__ import annotations

import time
from typing import Any

from agentbay_kernel import providers
from agentbay_kernel.errors import UsageError
from agentbay_kernel.magics import render
from agentbay_kernel.magics.labels import parse_labels
from agentbay_kernel.magics.registry import Context, argument, command
from agentbay_kernel.session import Mount, Session, SessionInfo


@command("agentbay")
async def status(context: Context, _args: Any) -> Any:
    """Show what the kernel's cells run in: provider, session, times and capabilities."""
    manager = context.manager
    choice = providers.choose(manager.options)
    values: dict[str, object] = {
        "provider": f"{choice.name} ({choice.reason})",
        "state": manager.state.value,
    }
    if manager.session is not None:
        values |= _session_facts(manager.session) | dict(context.facts)
    if manager.lifetime is not None:
        left = (manager.lifetime.end - time.monotonic()) / 60
        values["time left"] = f"{max(0, left):.0f} min unless used"
    if manager.cleared is not None:
        values["after the restart"] = manager.cleared.how
    note = "" if manager.session else "The first cell that needs a session starts one."
    context.emit(render.facts(values, note))
    return values


def _session_facts(session: Session) -> dict[str, object]:
    can = session.capabilities
    able = {"streaming": can.stream, "terminal": can.pty, "shell": can.shell}
    return {
        "session": session.session_id,
        "image": session.image,
        "isolation": session.isolation,
        "can": ", ".join(name for name, yes in able.items() if yes),
        "cannot": "; ".join(f"{name}: {why}" for name, why in can.reasons.items() if why),
    }


@command("agentbay", "info")
async def info(context: Context, _args: Any) -> Any:
    """Show the provider's facts about the session.

    The resource link is a credential and shows as its host; tickets and codes are masked.
    """
    session = await context.manager.ensure()
    found = await session.info()
    context.manager.used()
    values = _info_facts(found)
    context.emit(render.facts(values))
    return values


def _info_facts(found: SessionInfo) -> dict[str, object]:
    values: dict[str, object] = {
        "session": found.session_id,
        "status": found.status,
        "image": found.image,
        "resource link": render.masked(found.resource_url) if found.resource_url else "",
    }
    secret = ("ticket", "auth", "token", "connection")
    for name, value in found.desktop.items():
        hide = any(word in name.lower() for word in secret)
        values[name] = "•••" if hide and value else value
    values["request id"] = found.request_id
    return values


@command(
    "agentbay",
    "list",
    argument("--label", action="append", default=[], metavar="KEY=VALUE", help="only with these"),
    argument("--status", default=None, help="only in this state, as RUNNING or PAUSED"),
    argument("--limit", type=int, default=10, help="rows of a page, 1 to 100"),
    argument("--page", type=int, default=1, help="which page, from 1"),
    argument("--all", action="store_true", help="every page"),
)
async def list_sessions(context: Context, args: Any) -> Any:
    """List the account's sessions, filtered by labels, a page at a time."""
    if not 1 <= args.limit <= 100 or args.page < 1:
        raise UsageError("--limit goes from 1 to 100, --page from 1")
    labels = parse_labels(args.label)
    provider = await context.manager.provider()
    rows, token, number, total = [], "", 1, None
    while True:
        page = await provider.list(labels, status=args.status, limit=args.limit, token=token)
        total = page.total
        if args.all or number == args.page:
            rows += [(each.session_id, each.status, each.image) for each in page.sessions]
        token, number = page.next_token, number + 1
        if not token or (not args.all and number > args.page):
            break
    if not args.all and number <= args.page:
        raise UsageError(f"There is no page {args.page}", next_step=f"The last is {number - 1}")
    context.emit(_listing(context, rows, total, more=bool(token), page=args.page))
    return [dict(zip(("session", "status", "image"), row, strict=True)) for row in rows]


def _listing(context: Context, rows: list[Any], total: int | None, *, more: bool, page: int) -> Any:
    own = context.manager.session.session_id if context.manager.session else ""
    marked = [(("→ " if row[0] == own else "") + row[0], *row[1:]) for row in rows]
    note = f"{len(rows)} of {total}" if total is not None else f"{len(rows)} shown"
    note += f"; next: --page {page + 1}" if more else ""
    return render.table(("session", "status", "image"), marked, note)


@command(
    "agentbay",
    "link",
    argument("--port", type=int, default=None, help="a port of the session, 30100 to 30199"),
    argument(
        "--protocol", default=None, choices=("https", "wss"), help="https (as without it) or wss"
    ),
    argument("--print", action="store_true", help="print the whole link into the output"),
)
async def link(context: Context, args: Any) -> Any:
    """Give a link to a port of the session, or to the session itself.

    The link is a credential: the output shows only its host, and the whole link is in the variable
    `agentbay_link` of %%local cells. --print shows it all the same, and saves it in the notebook.
    """
    session = await context.manager.ensure()
    # The providers' own default for a port is a WebSocket link.
    protocol = args.protocol or ("https" if args.port else None)
    url = await session.link(port=args.port, protocol=protocol)
    context.manager.used()
    context.keep("agentbay_link", url)
    shown = url if args.print else render.masked(url)
    note = "" if args.print else "The whole link is agentbay_link in a %%local cell."
    context.emit(render.facts({"link": shown}, note))
    return url


@command(
    "agentbay",
    "new",
    argument("--image", default="", help="the image, as code_latest"),
    argument("--label", action="append", default=[], metavar="KEY=VALUE", help="a label"),
    argument("--mount", action="append", default=[], metavar="NAME:PATH", help="a context"),
    argument("--idle", type=int, default=0, metavar="MIN", help="minutes of idle time"),
    argument("--max-life", type=int, default=0, metavar="MIN", help="minutes of life"),
)
async def new(context: Context, args: Any) -> Any:
    """Start a new session and use it; the kernel's former session is deleted."""
    if args.idle < 0 or args.max_life < 0:
        raise UsageError("--idle and --max-life are minutes, 1 or more")
    spec = context.manager.spec(
        image=args.image,
        labels=parse_labels(args.label),
        mounts=tuple(_mount(word) for word in args.mount),
        idle=args.idle,
        limit=args.max_life,
    )
    session = await context.manager.replace(spec)
    context.emit(render.line(f"Session {session.session_id} is ready."))
    return session.session_id


def _mount(word: str) -> Mount:
    name, colon, path = word.partition(":")
    if not (colon and name and path.startswith("/")):
        raise UsageError(f"{word!r} is no mount", next_step="Write it as NAME:/absolute/path")
    return Mount(name, path)


@command("agentbay", "attach", argument("session", help="the session's id"))
async def attach(context: Context, args: Any) -> Any:
    """Use a session of the account; the kernel's former one goes on by itself."""
    session = await context.manager.attach(args.session)
    context.emit(render.line(f"Cells now run in session {session.session_id}."))
    return session.session_id


@command(
    "agentbay",
    "delete",
    argument("session", nargs="?", default="", help="a session's id; else the kernel's own"),
    argument("--sync", action="store_true", help="upload its contexts first"),
    argument("--force", action="store_true", help="upload even what was not downloaded first"),
    argument("--yes", action="store_true", help="delete a session other than the kernel's"),
)
async def delete(context: Context, args: Any) -> Any:
    """End a session; its names and files are lost, contexts are kept.

    Without an id it ends the kernel's own session. Another one is ended only with --yes.
    """
    manager = context.manager
    own = manager.session.session_id if manager.session else ""
    if args.session in ("", own):
        if not own and not manager.claimed:
            raise UsageError("The kernel has no session")
        await manager.delete(sync=args.sync, force=args.force)
        context.emit(render.line(f"Session {own} is deleted. The next cell starts a new one."))
        return [own]
    if not args.yes:
        raise UsageError(
            f"{args.session} is not this kernel's session",
            next_step=f"%agentbay delete {args.session} --yes ends it",
        )
    await (await manager.provider()).delete(args.session, sync=args.sync)
    context.emit(render.line(f"Session {args.session} is deleted."))
    return [args.session]
