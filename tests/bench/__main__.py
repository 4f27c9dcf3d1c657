"""Measure against bare ipykernel: `python -m tests.bench [--runs N] [--full] [--only WORD]`."""

from __future__ import annotations

import argparse
import compileall
import contextlib
import os
import queue
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import agentbay_kernel
from tests.bench import trips
from tests.bench.rows import ROWS, Row
from tests.kernels import start, stop_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kernels import RunningKernel

BARE, OURS = "python3", "agentbay"
HEAD = f"{'what':44} {'bare':>17} {'ours':>17} {'result':>10} {'bar':>10}"


@dataclass
class Result:
    """The measurements of one row by kernel, or what went wrong."""

    row: Row
    values: dict[str, list[float]] = field(default_factory=lambda: {BARE: [], OURS: []})
    failed: str = ""
    bare_failed: bool = False

    def line(self) -> str:
        """The row as it stands in the table."""
        if self.failed:
            return f"{self.row.name:44} {'failed: ' + self.failed}"
        if self.bare_failed:
            return f"{self.row.name:44} {'cannot':>17} {self._spread(OURS):>17} {'':>21}  ok"
        bare, ours = (self._middle(name) for name in (BARE, OURS))
        value = {"ratio": ours / (bare or 1), "difference": ours - bare, "absolute": ours}
        result = value[self.row.how]
        verdict = "ok" if result <= self.row.bar else "MISSED"
        shown = [self._spread(name) for name in (BARE, OURS)]
        figures = [self._figure(number) for number in (result, self.row.bar)]
        words = f"{shown[0]:>17} {shown[1]:>17} {figures[0]:>10} {figures[1]:>10}  {verdict}"
        return f"{self.row.name:44} {words}"

    def _middle(self, name: str) -> float:
        return statistics.median(self.values[name]) if self.values[name] else 0.0

    def _scale(self) -> float:
        return 1e3 if self.row.unit == "ms" else 1.0

    def _spread(self, name: str) -> str:
        values = [value * self._scale() for value in self.values[name]]
        if not values:
            return "-"
        middle = statistics.median(values)
        return f"{middle:.4g} ±{(max(values) - min(values)) / 2:.2g} {self.row.unit}"

    def _figure(self, number: float) -> str:
        if self.row.how == "ratio":
            return f"{number:.2f}"
        return f"{number * self._scale():.4g} {self.row.unit}"


def main() -> int:
    """Print the table; the exit code tells whether every row could be measured."""
    options = _options()
    if options.full:
        os.environ["AGENTBAY_KERNEL_TEST_SIZES"] = "full"
    rows = [row for row in ROWS if options.only in row.name]
    runs = options.runs or (9 if options.full else 5)
    failed = 0
    _compile()
    with _surroundings():
        print(f"median of {runs} alternating runs, ± half the spread\n{HEAD}", flush=True)
        for group in (_fresh, _warm):
            for result in group(rows, runs):
                print(result.line(), flush=True)
                failed += bool(result.failed)
        if options.only in "network round trips":
            print("\n" + trips.table(), flush=True)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=0, help="runs of each row and kernel")
    parser.add_argument("--full", action="store_true", help="more runs")
    parser.add_argument("--only", default="", metavar="WORD", help="rows with this in their name")
    return parser.parse_args()


def _compile() -> None:
    """What pip does at a user's install, and not for an editable one."""
    compileall.compile_dir(Path(agentbay_kernel.__file__).parent, quiet=2)


@contextlib.contextmanager
def _surroundings() -> Iterator[None]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["HOME"] = home
        os.environ["AGENTBAY_KERNEL_PROVIDER"] = "local"
        for name in ("DATA", "RUNTIME", "LOG"):
            os.environ[f"AGENTBAY_KERNEL_{name}_DIR"] = str(Path(home) / name.lower())
        try:
            yield
        finally:
            stop_service()


def _fresh(rows: list[Row], runs: int) -> Iterator[Result]:
    for row in (row for row in rows if row.fresh):
        result = Result(row)
        for _ in range(runs):
            for name in _kernels(row):
                if row.before is not None:
                    row.before()
                _take(result, name, name)
        yield result


def _warm(rows: list[Row], runs: int) -> Iterator[Result]:
    """Rows on running kernels; a failure costs the row its kernels and not the next row."""
    wanted = [row for row in rows if not row.fresh]
    kernels: dict[str, RunningKernel] = {}
    try:
        for row in wanted:
            result = Result(row)
            for _ in range(runs):
                for name in _kernels(row):
                    _take_warm(result, name, kernels)
            yield result
    finally:
        for kernel in kernels.values():
            kernel.close()


def _take_warm(result: Result, name: str, kernels: dict[str, RunningKernel]) -> None:
    if result.failed or (name == BARE and result.bare_failed):
        return
    try:
        if name not in kernels:
            kernels[name] = start(name, stderr=subprocess.DEVNULL)
            kernels[name].execute("1")
    except Exception as error:
        result.failed = _reason(name, error)
        return
    _take(result, name, kernels[name])
    if name == BARE and result.failed and result.row.bare_may_fail:
        result.failed, result.bare_failed = "", True
        kernels.pop(name).close()
    elif result.failed:
        kernels.pop(name).close()


def _take(result: Result, name: str, subject: object) -> None:
    if result.failed:
        return
    try:
        result.values[name].append(result.row.measure(subject))
    except Exception as error:
        result.failed = _reason(name, error)


def _reason(name: str, error: Exception) -> str:
    text = "no answer in time" if isinstance(error, queue.Empty) else str(error)
    return f"{name}: {text.splitlines()[0] if text else type(error).__name__}"


def _kernels(row: Row) -> tuple[str, ...]:
    return (BARE, OURS) if row.bare else (OURS,)


if __name__ == "__main__":
    sys.exit(main())
