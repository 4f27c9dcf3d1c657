"""Network round trips of a kernel, counted by a proxy before the service."""

from __future__ import annotations

import os
import time

from tests.kernels import RunningKernel, start, start_service
from tests.proxy import CountingProxy

CELLS = 20
IDLE_SECONDS = 5.0


def table() -> str:
    """Round trips of a cell, a completion and idle time, and what 100 ms of latency cost."""
    record = start_service()
    proxy = CountingProxy(record.url)
    os.environ["AGENTBAY_KERNEL_PROVIDER"] = "agentbay"
    os.environ |= {"AGENTBAY_API_KEY": record.key, "AGENTBAY_ENDPOINT": proxy.url}
    try:
        kernel = start()
        try:
            return "\n".join(["network round trips", *_rows(kernel, proxy)])
        finally:
            kernel.close()
    except Exception as error:
        return f"network round trips: failed: {type(error).__name__}: {error}"
    finally:
        proxy.close()
        os.environ["AGENTBAY_KERNEL_PROVIDER"] = "local"
        del os.environ["AGENTBAY_API_KEY"], os.environ["AGENTBAY_ENDPOINT"]


def _rows(kernel: RunningKernel, proxy: CountingProxy) -> list[str]:
    kernel.execute("1")
    before = proxy.round_trips
    for _ in range(CELLS):
        kernel.execute("1")
    cell = (proxy.round_trips - before) / CELLS
    before = proxy.round_trips
    kernel.ask("complete_request", {"code": "impor", "cursor_pos": 5})
    completion = proxy.round_trips - before
    before = proxy.round_trips
    time.sleep(IDLE_SECONDS)
    idle = proxy.round_trips - before
    proxy.latency = 0.1
    slow = kernel.execute("1").seconds
    rows = {
        "a cell": (f"{cell:g}", "1"),
        "a completion": (f"{completion}", "1"),
        f"idle for {IDLE_SECONDS:g} s": (f"{idle}", "0"),
        "a cell with 100 ms added": (f"{slow * 1e3:.0f} ms", "110 ms"),
    }
    return [f"{name:44} {value:>17} {bar:>10}" for name, (value, bar) in rows.items()]
