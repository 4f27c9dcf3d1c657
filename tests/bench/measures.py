"""Single measurements on a running or starting kernel, each bounded by a time limit."""

from __future__ import annotations

import contextlib
import queue
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

import psutil
from jupyter_client.manager import KernelManager

from tests.kernels import Exchange, RunningKernel, execute_content

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_SECONDS = 120.0
START_SECONDS = 60.0
STOP_SECONDS = 15.0
PAUSE_SECONDS = 2.0


@contextlib.contextmanager
def started(name: str) -> Iterator[tuple[RunningKernel, float]]:
    """A kernel, and the seconds from its start to its first reply."""
    manager = KernelManager(kernel_name=name)
    began = time.perf_counter()
    manager.start_kernel(stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    kernel = RunningKernel(manager, client)
    try:
        client.kernel_info()
        client.get_shell_msg(timeout=START_SECONDS)
        seconds = time.perf_counter() - began
        _listen(kernel)
        yield kernel, seconds
    finally:
        kernel.close()


def _listen(kernel: RunningKernel) -> None:
    """Wait until iopub is heard: what comes before its subscription took effect is lost."""
    for _ in range(100):
        with contextlib.suppress(queue.Empty):
            kernel.client.get_iopub_msg(timeout=0.1)
            return
        kernel.client.kernel_info()
    raise RuntimeError("nothing is heard on iopub")


def ready(name: str) -> float:
    """Seconds from the start to the first reply."""
    with started(name) as (_, seconds):
        return seconds


def first_cell(name: str, *, pause: float = 0.0) -> float:
    """Seconds from the start to the first cell's end, without a pause in between."""
    with started(name) as (kernel, seconds):
        time.sleep(pause)
        return seconds + run(kernel, "1").seconds


def first_sign(name: str) -> float:
    """Seconds from sending the first cell to anything that a user sees of it."""
    with started(name) as (kernel, _):
        return seconds_to(kernel, "1", ("stream", "display_data", "execute_result"))


def seconds_to(kernel: RunningKernel, code: str, kinds: tuple[str, ...]) -> float:
    """Seconds from sending a cell to its first iopub message of one of the kinds."""
    began = time.perf_counter()
    request = kernel.send("execute_request", execute_content(code))
    seconds = _until(kernel, request["header"]["msg_id"], kinds, LIMIT_SECONDS) - began
    kernel.finish(request, timeout=LIMIT_SECONDS)
    return seconds


def run(kernel: RunningKernel, code: str) -> Exchange:
    """A cell that ends well."""
    began = time.perf_counter()
    request = kernel.send("execute_request", execute_content(code))
    done = kernel.finish(request, timeout=LIMIT_SECONDS)
    if done.status != "ok":
        raise RuntimeError(f"{done.content.get('ename')}: {done.content.get('evalue')}")
    return Exchange(done.request, done.reply, done.outputs, time.perf_counter() - began)


def round_trip(kernel: RunningKernel, count: int = 100) -> float:
    """The median seconds of `execute("1")`."""
    return statistics.median(run(kernel, "1").seconds for _ in range(count))


def text(kernel: RunningKernel, code: str, size: int) -> float:
    """Seconds of a cell that writes `size` characters, none of which may be missing."""
    done = run(kernel, code)
    if len(done.text()) != size:
        raise RuntimeError(f"{len(done.text())} characters of {size} arrived")
    return done.seconds


def picture(kernel: RunningKernel, code: str, size: int) -> float:
    """Seconds of a cell that shows a PNG of `size` bytes."""
    done = run(kernel, code)
    shown = done.of("display_data")
    if not shown or len(shown[0]["data"]["image/png"].strip()) != (size + 2) // 3 * 4:
        raise RuntimeError("the picture did not arrive whole")
    return done.seconds


def completion(kernel: RunningKernel, count: int = 40) -> float:
    """The median seconds of a completion."""
    content = {"code": "impor", "cursor_pos": 5}
    return statistics.median(kernel.ask("complete_request", content).seconds for _ in range(count))


def stop(kernel: RunningKernel, code: str) -> float:
    """Seconds from a Stop to the KeyboardInterrupt; the cell says when it is well under way."""
    request = kernel.send("execute_request", execute_content(f"print('go', flush=True)\n{code}"))
    mid = request["header"]["msg_id"]
    _until(kernel, mid, ("stream",), LIMIT_SECONDS)
    time.sleep(0.3)
    began = time.perf_counter()
    kernel.manager.interrupt_kernel()
    seconds = _until(kernel, mid, ("error",), STOP_SECONDS) - began
    kernel.finish(request, timeout=STOP_SECONDS)
    return seconds


def stop_at_start(name: str) -> float:
    """Seconds from a Stop while the session starts to the KeyboardInterrupt."""
    with started(name) as (kernel, _):
        request = kernel.send("execute_request", execute_content("1"))
        mid = request["header"]["msg_id"]
        _until(kernel, mid, ("execute_input",), LIMIT_SECONDS)
        began = time.perf_counter()
        kernel.manager.interrupt_kernel()
        return _until(kernel, mid, ("error",), STOP_SECONDS) - began


def memory(name: str, *, cell: bool) -> float:
    """Megabytes of the kernel process, before or after its first cell."""
    with started(name) as (kernel, _):
        if cell:
            run(kernel, "1")
        return psutil.Process(kernel.pid).memory_info().rss / 1e6


def _until(kernel: RunningKernel, mid: str, kinds: tuple[str, ...], limit: float) -> float:
    """The moment of the first message of one of the kinds; all are kept for `finish`."""
    deadline = time.perf_counter() + limit
    while True:
        message = kernel.client.get_iopub_msg(timeout=max(0.0, deadline - time.perf_counter()))
        parent = (message["parent_header"] or {}).get("msg_id", "")
        kernel.pending.setdefault(parent, []).append(message)
        if parent == mid and message["msg_type"] in kinds:
            return time.perf_counter()
        if parent == mid and message["content"].get("execution_state") == "idle":
            raise RuntimeError(f"the cell ended without {' or '.join(kinds)}")
