"""`%%map`: a cell run once for each item, in many sessions at once."""

from __future__ import annotations

import ast
import asyncio
import re
import shlex
from typing import TYPE_CHECKING, Any

from IPython.core.inputtransformer2 import TransformerManager

from agentbay_kernel.errors import UsageError
from agentbay_kernel.events import CellError
from agentbay_kernel.magics.labels import parse_labels
from agentbay_kernel.magics.progress import Progress
from agentbay_kernel.magics.registry import Context, argument, command
from agentbay_kernel.pool import exchange
from agentbay_kernel.pool.batch import Batch
from agentbay_kernel.pool.pool import Pool

if TYPE_CHECKING:
    from agentbay_kernel.session import SessionSpec

CLOSING_SECONDS = 15.0
MOST_SESSIONS = 100
_OPTION = re.compile(r"\s(?=--?[A-Za-z])")
_TARGET = re.compile(r"\s*(?P<name>\w+)\s+in\b(?P<items>.*)", re.DOTALL)


def _split(line: str) -> list[str]:
    """NAME, `in` and the expression as typed, which may hold quotes; then the options' words."""
    places = [found.start() for found in _OPTION.finditer(line)]
    for end in [*places, len(line)]:
        found = _TARGET.fullmatch(line[:end])
        if found and _is_expression(found["items"].strip()):
            options = shlex.split(line[end:])
            return [found["name"], "in", found["items"].strip(), *options]
    return shlex.split(line)


def _is_expression(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except (SyntaxError, ValueError):
        return False
    return True


@command(
    "%%map",
    "",
    argument("name", metavar="NAME", help="the name that holds the item in each run"),
    argument("word", metavar="in", choices=("in",), help="the word in"),
    argument("items", metavar="EXPR", help="the items, an expression of the notebook's session"),
    argument("--sessions", type=int, default=4, metavar="N", help="sessions at once, 4 without it"),
    argument("--retries", type=int, default=0, metavar="K", help="runs after one that raised"),
    argument("--label", action="append", default=[], metavar="KEY=VALUE", help="a session's label"),
    argument("-o", "--out", metavar="RESULTS", help="the list of all values in the session"),
    split=_split,
)
async def map_cell(context: Context, args: Any) -> CellError | None:
    """Run the cell once for each item of EXPR, in many sessions at once.

    EXPR is evaluated in the notebook's session; each item goes to one of the new sessions as typed
    data, as with %push. There the cell runs with the item under NAME. The names of the notebook are
    not known there: import in the cell what it needs. A session runs one item after the other and
    keeps its names meanwhile.

    The value of the cell's last expression is the item's result. -o RESULTS makes them a list in
    the items' order; where an item failed stands a RuntimeError with its text, and where it was not
    run, after a Stop, a CancelledError. What the cell prints is shown behind its item's number.

    An item whose session is lost is run again in a new one, so it may be run more than once. One
    that raises is run again --retries times. All the sessions are deleted at the end, also after a
    Stop or when the kernel is killed.
    """
    _check(args)
    labels = parse_labels(args.label)
    session = await context.manager.ensure()
    items = await exchange.items(context.run, session.files, args.items)
    if isinstance(items, CellError):
        return items
    manager = context.manager

    def spec(own: Any) -> SessionSpec:
        return manager.spec(labels={**labels, **own})

    size = max(1, min(args.sessions, len(items)))
    progress = Progress(context.emit, len(items), untrusted=manager.options.untrusted_output)
    provider = await manager.provider()
    pool = Pool(provider, manager.options, spec, size, changed=progress.changed)
    request = {"cell": args.body, "name": args.name}
    batch = Batch(pool, request, items, args.retries, progress.output)
    manager.busy = True  # it must outlive the work
    try:
        with progress.watching(pool, batch):
            await batch.run()
    finally:
        closing = asyncio.ensure_future(pool.close())
        await asyncio.wait([closing], timeout=CLOSING_SECONDS)
        manager.busy = False
        progress.end(pool, batch, deleted=closing.done() and not closing.exception())
        if args.out:
            files = (await manager.ensure()).files
            await exchange.assign(context.run, files, args.out, batch.outcomes)
    return _failure(context, batch, args.out)


def _check(args: Any) -> None:
    for name in (args.name, args.out or args.name):
        if not name.isidentifier() or not _is_expression(name):
            raise UsageError(f"{name!r} is no name of a variable")
    if not _is_expression(args.items):
        raise UsageError(
            f"{args.items!r} is no expression",
            next_step="Write it as %%map x in range(10), the options behind it",
        )
    if not 1 <= args.sessions <= MOST_SESSIONS or args.retries < 0:
        raise UsageError(f"--sessions goes from 1 to {MOST_SESSIONS}, --retries from 0")
    if not args.body.strip():
        raise UsageError("There is no cell below %%map that could be run for each item")
    try:
        text: str = TransformerManager().transform_cell(args.body)
        compile(text, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"The cell below %%map is no Python: {error}") from error


def _failure(context: Context, batch: Batch, out: str | None) -> CellError | None:
    failed = [
        (number, each)
        for number, each in enumerate(batch.outcomes, 1)
        if isinstance(each, Exception)
    ]
    if not failed:
        return None
    number, first = failed[0]
    text = f"{len(failed)} of {len(batch.outcomes)} items failed, first item {number}"
    text += f" ({exchange.words(first)}). " + (f"The others' values are in {out}." if out else "")
    lines = getattr(first, "traceback", ())
    error = CellError("MapError", text.strip(), (*lines, f"\x1b[31mMapError\x1b[39m: {text}"))
    context.emit(error)
    return error
