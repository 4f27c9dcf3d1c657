"""`%agentbay doctor` and `bench`: does everything work, and how fast."""

from __future__ import annotations

import statistics
import time
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import ToolError, UsageError
from agentbay_kernel.events import DisplayData, Stream, UpdateDisplayData
from agentbay_kernel.magics import render
from agentbay_kernel.magics.registry import Context, argument, command

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agentbay_kernel.doctor.finding import Finding
    from agentbay_kernel.events import Event

HEADERS = ("check", "result", "time", "what was seen")
LINES = 20_000
LINE = "x" * 99


@command("agentbay", "doctor")
async def doctor(context: Context, _args: Any) -> Any:
    """Check everything that a kernel needs, from the key to a context, in a session of its own.

    It makes a session and a persistent context, uses them and removes them, also when it is
    stopped; the kernel's own session is left alone. `agentbay-kernel doctor` is the same in a
    terminal.
    """
    from agentbay_kernel.doctor import check

    name, rows = uuid.uuid4().hex, []

    def tell(finding: Finding) -> None:
        rows.append(finding.row)
        shown = render.table(HEADERS, rows)
        if len(rows) == 1:
            context.emit(DisplayData(shown.data, display_id=name))
        else:
            context.emit(UpdateDisplayData(shown.data, name))

    found = await check.run(context.manager.options, tell)
    context.emit(render.line(check.failures(found)))
    return [asdict(each) for each in found]


@command(
    "agentbay",
    "bench",
    argument("--rounds", type=int, default=10, help="how often each is measured, 3 to 100"),
)
async def bench(context: Context, args: Any) -> Any:
    """Measure this kernel: a round trip, streaming, completion and one request to the provider.

    Shown are the median and the fastest and slowest round, as seen in the kernel's own process,
    without the way to the front end. Other load on either computer is part of the figures.
    """
    if not 3 <= args.rounds <= 100:
        raise UsageError("--rounds goes from 3 to 100")
    session = await context.manager.ensure()
    await _cell(context, "pass")
    look_up = context.look_up
    measures: dict[str, Callable[[], Awaitable[float]]] = {
        "a cell (pass)": lambda: _timed(lambda: _cell(context, "pass")),
        "first output of a cell": lambda: _first(context),
        "a request to the provider": lambda: _timed(session.status),
    }
    if look_up is not None:
        await look_up("pri", 3)  # the first loads what completes
        measures["completion"] = lambda: _timed(lambda: look_up("pri", 3))
    values: list[dict[str, Any]] = []
    for what, measure in measures.items():
        seconds = [await measure() for _ in range(args.rounds)]
        values.append(_row(what, [1000 * each for each in seconds], "ms"))
    rates = [await _rate(context) for _ in range(3)]
    values.append(_row("streamed text", rates, "MB a second"))
    context.manager.used()
    rows = [
        tuple(f"{each:,.2f}" if isinstance(each, float) else each for each in row.values())
        for row in values
    ]
    headers = ("what", "median", "from", "to", "unit")
    context.emit(render.table(headers, rows, f"{args.rounds} rounds, streamed text 3."))
    return values


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

    code = f"print(*['{LINE}'] * {LINES}, sep='\\n')"
    seconds = await _timed(lambda: _cell(context, code, heard))
    if count != LINES * (len(LINE) + 1):
        raise ToolError(f"Of {LINES * (len(LINE) + 1):,} characters {count:,} arrived")
    return count / seconds / 1e6
