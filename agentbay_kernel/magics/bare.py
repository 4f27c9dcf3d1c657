"""A bare ipykernel of this computer, measured by Jupyter's messages as a front end would."""

from __future__ import annotations

import queue
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from jupyter_client.blocking.client import BlockingKernelClient

CELL, FIRST, COMPLETION, TEXT = (
    "a cell (pass)",
    "first output of a cell",
    "completion",
    "streamed text",
)
RATES = 3
LINES, LINE = 20_000, "x" * 99
PRINT = f"print(*['{LINE}'] * {LINES}, sep='\\n')"
PRINTED = LINES * (len(LINE) + 1)
START_SECONDS = 30.0
ANSWER_SECONDS = 60.0
# What is measured is no part of the user's history.
ARGUMENTS = ("--HistoryManager.enabled=False",)


class Failed(Exception):
    """Raised when no bare kernel could be measured."""


def measure(rounds: int, stopped: threading.Event) -> dict[str, float]:
    """The medians of `rounds` by what was measured; ends early and empty when stopped."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    try:
        manager.start_kernel(
            extra_arguments=list(ARGUMENTS), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=START_SECONDS)
            return _medians(client, rounds, stopped)
        finally:
            client.stop_channels()
    except (RuntimeError, OSError, KeyError, queue.Empty) as error:
        raise Failed(f"{type(error).__name__} {error}".strip()) from error
    finally:
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def _medians(
    client: BlockingKernelClient, rounds: int, stopped: threading.Event
) -> dict[str, float]:
    _run(client, "pass")
    _complete(client)  # the first loads what completes
    steps: dict[str, tuple[int, Callable[[], float]]] = {
        CELL: (rounds, lambda: 1000 * _run(client, "pass")[1]),
        FIRST: (rounds, lambda: 1000 * _run(client, "print(1)")[0]),
        COMPLETION: (rounds, lambda: 1000 * _complete(client)),
        TEXT: (RATES, lambda: PRINTED / 1e6 / _run(client, PRINT)[1]),
    }
    medians = {}
    for what, (count, step) in steps.items():
        figures = []
        for _ in range(count):
            if stopped.is_set():
                return {}
            figures.append(step())
        medians[what] = statistics.median(figures)
    return medians


def _run(client: BlockingKernelClient, code: str) -> tuple[float, float]:
    """The seconds until a cell's first output, and until its end."""
    began = time.perf_counter()
    first = 0.0
    request = client.execute(code, store_history=False)
    while True:
        message = client.get_iopub_msg(timeout=ANSWER_SECONDS)
        if message["parent_header"].get("msg_id") != request:
            continue
        if message["msg_type"] == "stream":
            first = first or time.perf_counter() - began
        elif message["content"].get("execution_state") == "idle":
            break
    client.get_shell_msg(timeout=ANSWER_SECONDS)
    return first, time.perf_counter() - began


def _complete(client: BlockingKernelClient) -> float:
    began = time.perf_counter()
    client.complete("pri", 3, reply=True, timeout=ANSWER_SECONDS)
    return time.perf_counter() - began
