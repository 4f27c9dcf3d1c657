"""`%sync`: the persistent contexts of the account."""

from __future__ import annotations

import difflib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import ContextGone, UsageError
from agentbay_kernel.magics import render
from agentbay_kernel.magics.registry import Context, argument, command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentbay_kernel.contexts import ContextInfo, Contexts, FilePage

MOST_NAMES = 100
SHOWN_FILES = 10


async def contexts_of(context: Context) -> Contexts:
    """The contexts of the account that the kernel's provider is for."""
    return (await context.manager.provider()).contexts


async def named(contexts: Contexts, name: str) -> ContextInfo:
    """The context of a name; raises ContextGone, naming the nearest."""
    check_name(name)
    try:
        return await contexts.get(name)
    except ContextGone as error:
        names = [each.name for each in (await contexts.list(limit=MOST_NAMES)).contexts]
        if near := difflib.get_close_matches(name, names, n=1):
            error.next_step = f"Did you mean {near[0]}"
        raise


def check_name(name: str) -> None:
    """Refuse what is no name for a context; raises UsageError."""
    if not name.strip():
        raise UsageError("The name of a context is empty")


async def context_names(context: Context, _word: str) -> Iterable[str]:
    """Completes the names of contexts; starts nothing for it."""
    if not context.manager.at_hand:
        return ()
    contexts = await contexts_of(context)
    return [each.name for each in (await contexts.list(limit=MOST_NAMES)).contexts]


@command(
    "sync",
    "contexts",
    argument("--limit", type=int, default=10, help="rows of a page, 1 to 100"),
    argument("--page", type=int, default=1, help="which page, from 1"),
    argument("--all", action="store_true", help="every page"),
)
async def list_contexts(context: Context, args: Any) -> Any:
    """List the account's contexts, a page at a time.

    A context is a folder with a name that outlives sessions: what is in it when one session ends
    is there in the next that mounts it.
    """
    if not 1 <= args.limit <= 100 or args.page < 1:
        raise UsageError("--limit goes from 1 to 100, --page from 1")
    contexts = await contexts_of(context)
    found: list[ContextInfo] = []
    token, number = "", 1
    while True:
        page = await contexts.list(limit=args.limit, token=token)
        if args.all or number == args.page:
            found += page.contexts
        token = page.next_token
        if not token or (number >= args.page and not args.all):
            break
        number += 1
    if number < args.page:
        raise UsageError(f"There is no page {args.page}", next_step=f"The last is {number}")
    note = f"{len(found)} of {page.total}" if page.total is not None else f"{len(found)} shown"
    note += f"; next: --page {number + 1}" if token else ""
    if not found:
        note = "No contexts. Make one: %sync create NAME, or %sync mount NAME /mnt/NAME"
    rows = [(each.name, each.state, each.created, each.used, each.context_id) for each in found]
    context.emit(render.table(("name", "state", "created", "last used", "id"), rows, note))
    return [asdict(each) for each in found]


@command("sync", "create", argument("name", help="the new context's name"))
async def create(context: Context, args: Any) -> Any:
    """Make an empty context."""
    check_name(args.name)
    contexts = await contexts_of(context)
    try:
        await contexts.get(args.name)
    except ContextGone:
        made = await contexts.create(args.name)
    else:
        raise UsageError(
            f"There is a context {args.name} already",
            next_step=f"%sync mount {args.name} /mnt/{args.name} uses it",
        )
    context.emit(render.line(f"Context {made.name} is there ({made.context_id})."))
    return asdict(made)


@command(
    "sync",
    "rename",
    argument("name", help="a context"),
    argument("new", help="its new name"),
    complete={"name": context_names},
)
async def rename(context: Context, args: Any) -> Any:
    """Give a context another name; names are unique in the account."""
    check_name(args.new)
    contexts = await contexts_of(context)
    found = await named(contexts, args.name)
    await contexts.rename(found.context_id, args.new)
    now = await named(contexts, args.new)
    context.emit(render.line(f"Context {args.name} is now called {now.name}."))
    return asdict(now)


@command(
    "sync",
    "delete",
    argument("name", help="a context"),
    argument("--yes", action="store_true", help="do it"),
    complete={"name": context_names},
)
async def delete(context: Context, args: Any) -> Any:
    """Remove a context and all its files for good.

    Without --yes it only says what would be lost. One that a session uses is kept.
    """
    contexts = await contexts_of(context)
    found = await named(contexts, args.name)
    if not args.yes:
        raise await _refusal(contexts, found, "delete", "is deleted with")
    await contexts.delete(found.context_id)
    context.emit(render.line(f"Context {found.name} is deleted."))
    return asdict(found)


@command(
    "sync",
    "clear",
    argument("name", help="a context"),
    argument("--yes", action="store_true", help="do it"),
    complete={"name": context_names},
)
async def clear(context: Context, args: Any) -> Any:
    """Remove all files of a context, which stays, and wait until that is done.

    Without --yes it only says what would be lost. One that a session uses is left as it is.
    """
    contexts = await contexts_of(context)
    found = await named(contexts, args.name)
    if not args.yes:
        raise await _refusal(contexts, found, "clear", "loses")
    await contexts.clear(found.context_id)
    now = await named(contexts, args.name)
    context.emit(render.line(f"Context {now.name} is empty."))
    return asdict(now)


async def _refusal(contexts: Contexts, found: ContextInfo, verb: str, fate: str) -> UsageError:
    page = await contexts.files(found.context_id)
    word = f"'{found.name}'" if " " in found.name else found.name
    return UsageError(
        f"Context {found.name} {fate} {_contents(page)}",
        next_step=f"%sync {verb} {word} --yes does it",
    )


def _contents(page: FilePage) -> str:
    names = [each.name + "/" * each.is_dir for each in page.files]
    if not names:
        return "no files: it is empty"
    more = ", …" if len(names) > SHOWN_FILES or page.next_token else ""
    return ", ".join(names[:SHOWN_FILES]) + more
