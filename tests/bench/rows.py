"""What is measured, against bare ipykernel, and how good it has to be."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tests.bench import measures
from tests.kernels import RunningKernel, start_service, stop_service

Unit = Literal["ms", "MB", "trips"]
How = Literal["ratio", "difference", "absolute"]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `measure` gets a kernel's name when `fresh`, else a running kernel; it gives seconds, or
    megabytes. `before` prepares the service. `how` says what the bar limits: ours over bare, ours
    minus bare, or ours. Where bare cannot do it and `bare_may_fail`, ours must end in time.
    """

    name: str
    bar: float
    measure: Callable[[Any], float]
    how: How = "ratio"
    fresh: bool = False
    unit: Unit = "ms"
    before: Callable[[], object] | None = None
    bare: bool = True
    bare_may_fail: bool = False


LINES = "for i in range(100_000): print('line', i)"
MANY_LINES = "for i in range(500_000): print('x' * 99)"
WRITES = "import sys\nfor i in range(50): _ = sys.stdout.write('x' * 999_999 + '\\n')"
PICTURE = """
import base64, os
from IPython.display import display
if '_png' not in globals():
    _png = base64.b64encode(os.urandom(20_000_000)).decode()
display({'image/png': _png}, raw=True)
"""
RANDOM = """
import base64, os, sys
if '_text' not in globals():
    _text = base64.b64encode(os.urandom(3_000_000)).decode()
_ = sys.stdout.write(_text)
"""
CHUNK = "import time\nprint('first', flush=True)\ntime.sleep(0.2)"
STOPS = {
    "sleep": "import time; time.sleep(60)",
    "busy loop": "while True: pass",
    "C call": "import time, threading; threading.Event().wait(60)",
    "child": "import subprocess; subprocess.run(['sleep', '60'])",
    "awaiting": "import asyncio\nawait asyncio.sleep(60)",
}


def _lines_size() -> int:
    return sum(len(f"line {i}\n") for i in range(100_000))


def _stop(code: str) -> Callable[[RunningKernel], float]:
    return functools.partial(measures.stop, code=code)


ROWS = (
    Row("kernel ready", 1.05, measures.ready, fresh=True),
    Row(
        "start to first cell, sent 2 s after ready",
        1.3,
        functools.partial(measures.first_cell, pause=measures.PAUSE_SECONDS),
        fresh=True,
        before=start_service,
    ),
    Row(
        "start to first cell, sent at once", 1.9, measures.first_cell,
        fresh=True, before=start_service,
    ),
    Row(
        "start to first cell, service cold", 3.0, measures.first_cell,
        fresh=True, before=stop_service,
    ),
    Row(
        "first visible line, service cold", 0.2, measures.first_sign,
        how="absolute", fresh=True, before=stop_service, bare=False,
    ),
    Row('execute("1") round trip', 1.05, measures.round_trip),
    Row(
        "100k lines", 0.6,
        functools.partial(measures.text, code=LINES, size=_lines_size()),
    ),
    Row(
        "50 MB of lines", 0.7,
        functools.partial(measures.text, code=MANY_LINES, size=50_000_000),
    ),
    Row(
        "50 MB in 1 MB writes", 0.4,
        functools.partial(measures.text, code=WRITES, size=50_000_000),
    ),
    Row(
        "20 MB PNG", 2.5,
        functools.partial(measures.picture, code=PICTURE, size=20_000_000),
    ),
    Row(
        "4 MB random text in one write", 2.5,
        functools.partial(measures.text, code=RANDOM, size=4_000_000),
    ),
    Row(
        "first streamed chunk", 0.001,
        functools.partial(measures.seconds_to, code=CHUNK, kinds=("stream",)),
        how="difference",
    ),
    Row("completion", 1.1, measures.completion),
    *(
        Row(
            f"Stop to KeyboardInterrupt, {name}", 0.05, _stop(code),
            how="difference", bare_may_fail=True,
        )
        for name, code in STOPS.items()
    ),
    Row(
        "Stop to KeyboardInterrupt, starting", 1.0, measures.stop_at_start,
        how="absolute", fresh=True, before=stop_service, bare=False,
    ),
    Row(
        "memory before the first cell", 15, functools.partial(measures.memory, cell=False),
        how="difference", fresh=True, unit="MB",
    ),
    Row(
        "memory after the first cell", 75, functools.partial(measures.memory, cell=True),
        how="difference", fresh=True, unit="MB", before=start_service,
    ),
)  # fmt: skip
