"""Stop at random moments: the cell ends, its session and state stay, the kernel lives."""

from __future__ import annotations

import random
import time

import pytest

from tests.kernels import execute_content
from tests.sizes import size

SEED = random.SystemRandom().randrange(1 << 32)

CELLS = {
    "sleep": "import time\ntime.sleep(60)",
    "busy loop": "while True:\n    pass",
    "subprocess": "import subprocess\nsubprocess.run(['sleep', '60'])",
    "awaiting": "import asyncio\nawait asyncio.sleep(60)",
}


STUBBORN = """
import time
while True:
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass
"""


def stop_after(kernel, code, seconds, double):
    """Run a cell, stop it after some time, and give its end."""
    request = kernel.send("execute_request", execute_content(code))
    # A Stop that overtakes its cell finds nothing to stop.
    kernel.until(request, lambda each: each["content"].get("execution_state") == "busy")
    time.sleep(seconds)  # the random moment itself, not a wait for something
    kernel.interrupt()
    if double:
        kernel.interrupt()
    return kernel.finish(request, timeout=30)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", CELLS)
def test_stop_ends_a_running_cell_and_keeps_its_state(kernel, kind):
    print("seed", SEED)
    moments = random.Random(f"{SEED} {kind}")
    kernel.execute("state = 41")
    for _ in range(size("interrupts")):
        seconds, double = moments.uniform(0.0, 0.5), moments.random() < 0.3
        ended = stop_after(kernel, CELLS[kind], seconds, double)
        assert ended.content["ename"] == "KeyboardInterrupt", (seconds, double, ended.content)
        assert ended.of("error")[0]["ename"] == "KeyboardInterrupt"
        assert kernel.execute("state + 1").value() == "42", (seconds, double)


@pytest.mark.timeout(600)
def test_stop_while_the_session_starts_ends_the_cell_and_the_next_one_runs(start_kernel):
    print("seed", SEED)
    moments = random.Random(f"{SEED} start")
    for _ in range(size("interrupts")):
        kernel = start_kernel()
        seconds, double = moments.uniform(0.0, 0.6), moments.random() < 0.3
        ended = stop_after(kernel, CELLS["sleep"], seconds, double)
        assert ended.content["ename"] == "KeyboardInterrupt", (seconds, double, ended.content)
        assert kernel.execute("6 * 7").value() == "42", (seconds, double)
        kernel.close()


def test_stop_while_idle_changes_nothing(kernel):
    kernel.execute("x = 1")
    assert kernel.interrupt().status == "ok"
    assert kernel.execute("x").value() == "1"


def test_stop_ends_local_code(kernel):
    ended = stop_after(kernel, "%%local\nimport time\ntime.sleep(60)", 0.5, False)
    assert ended.content["ename"] == "KeyboardInterrupt"
    assert kernel.execute("%%local\nprint('alive')").text() == "alive\n"


def test_a_late_second_stop_kills_a_cell_that_ignores_the_first(start_kernel, monkeypatch):
    monkeypatch.setenv("AGENTBAY_KERNEL_INTERRUPT_GRACE_SECONDS", "1.5")
    kernel = start_kernel()
    kernel.execute("open('kept.txt', 'w').write('here'); x = 1")
    request = kernel.send("execute_request", execute_content(STUBBORN))
    time.sleep(1.2)
    kernel.interrupt()
    time.sleep(2)
    kernel.interrupt()
    ended = kernel.finish(request, timeout=20)
    assert "Stop again" in ended.text("stderr")
    assert "names are gone" in ended.content["evalue"]
    assert kernel.execute("open('kept.txt').read()").value() == "'here'"
    assert kernel.execute("x").content["ename"] == "NameError"


def test_a_stop_aborts_nothing_but_its_own_cell(kernel):
    requests = [
        kernel.send("execute_request", execute_content(code, stop_on_error=False))
        for code in ("import time; time.sleep(60)", "'next'")
    ]
    time.sleep(1.5)
    kernel.interrupt()
    assert kernel.finish(requests[0]).content["ename"] == "KeyboardInterrupt"
    assert kernel.finish(requests[1]).value() == "'next'"
