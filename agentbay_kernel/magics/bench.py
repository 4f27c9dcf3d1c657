"""`%agentbay bench`: how fast this kernel is, and a bare one beside it."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import ToolError, UsageError
from agentbay_kernel.events import Stream
from agentbay_kernel.magics import bare, render
from agentbay_kernel.magics.registry import Context, argument, command

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agentbay_kernel.events import Event

HEADERS = ("what", "median", "from", "to", "unit", "bare ipykernel", "ratio")


@command(
    "agentbay",
    "bench",
    argument("--rounds", type=int, default=10, help="how often each is measured, 3 to 100"),
)
async def bench(context: Context, args: Any) -> Any:
    """Measure this kernel, and a bare ipykernel of this computer beside it.

    A round trip, output, completion, a request to the provider: the median, the fastest and the
    slowest round as seen in this kernel's process, without the way to the front end. The bare
    kernel's medians are those of a front end on this computer; a ratio is ours to its. Other load
    on either computer is part of the figures.
    """
    if not 3 <= args.rounds <= 100:
        raise UsageError("--rounds goes from 3 to 100")
    session = await context.manager.ensure()
    await _cell(context, "pass")
    look_up = context.look_up
    measures: dict[str, Callable[[], Awaitable[float]]] = {
        bare.CELL: lambda: _timed(lambda: _cell(context, "pass")),
        bare.FIRST: lambda: _first(context),
        "a request to the provider": lambda: _timed(session.status),
    }
    if look_up is not None:
        await look_up("pri", 3)  # the first loads what completes
        measures[bare.COMPLETION] = lambda: _timed(lambda: look_up("pri", 3))
    values: list[dict[str, Any]] = []
    for what, measure in measures.items():
        seconds = [await measure() for _ in range(args.rounds)]
        values.append(_row(what, [1000 * each for each in seconds], "ms"))
    rates = [await _rate(context) for _ in range(bare.RATES)]
    values.append(_row(bare.TEXT, rates, "MB a second"))
    context.manager.used()
    note = f"{args.rounds} rounds, {bare.TEXT} {bare.RATES}."
    try:
        plain = await _beside(args.rounds)
    except bare.Failed as error:
        plain, note = {}, f"{note} No bare ipykernel could be measured: {error}."
    for row in values:
        row["bare"] = plain.get(row["what"])
        row["ratio"] = row["median"] / row["bare"] if row["bare"] else None
    rows = [
        tuple(f"{each:,.2f}" if isinstance(each, float) else each for each in row.values())
        for row in values
    ]
    context.emit(render.table(HEADERS, rows, note))
    return values


async def _beside(rounds: int) -> dict[str, float]:
    """The bare kernel's medians, taken on a thread that ends it also after a Stop."""
    stopped = threading.Event()
    try:
        return await asyncio.to_thread(bare.measure, rounds, stopped)
    finally:
        stopped.set()


def _row(what: str, figures: Sequence[float], unit: str) -> dict[str, Any]:
    middle = statistics.median(figures)
    return {"what": what, "median": middle, "from": min(figures), "to": max(figures), "unit": unit}


async def _timed(step: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await step()
    return time.perf_counter() - began


async def _cell(context: Context, code: str, heard: Callable[[Event], None] | None = None) -> None:
    error = await context.run(code, heard or (lambda event: None))
    if error is not None:
        raise ToolError(f"A measured cell failed: {error.ename}: {error.evalue}")


async def _first(context: Context) -> float:
    times: list[float] = []
    began = time.perf_counter()
    await _cell(context, "print(1)", lambda event: times.append(time.perf_counter()))
    return (times[0] if times else time.perf_counter()) - began


async def _rate(context: Context) -> float:
    """Megabytes a second of many lines, all of which must arrive."""
    count = 0

    def heard(event: Event) -> None:
        nonlocal count
        count += len(event.text) if isinstance(event, Stream) else 0

    seconds = await _timed(lambda: _cell(context, bare.PRINT, heard))
    if count != bare.PRINTED:
        raise ToolError(f"Of {bare.PRINTED:,} characters {count:,} arrived")
    return count / seconds / 1e6
