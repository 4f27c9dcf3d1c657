"""What a panel costs: requests as the service sees them, and time of the kernel's process."""

import time

import psutil
import pytest

from tests.panel.page import Page
from tests.sizes import size

SECTIONS = ["header", "labels", "contexts", "meters", "files", "sessions"]
HEARTBEAT_SECONDS = 15
MOST_OF_A_CORE = 0.02
PING_SECONDS = 20
"""The SDK's WebSocket asks so often whether the other end is there, panel or none."""
OPENING = 8
"""Requests that fill what has just been opened; see panel/schedule.py."""


class Bill:
    """Requests and processor time of a kernel from here on."""

    def __init__(self, kernel, cloud):
        self._process, self._cloud = psutil.Process(kernel.pid), cloud
        self._began = time.monotonic()
        self._before = self._now()

    def _now(self):
        times, cloud = self._process.cpu_times(), self._cloud
        requests = sum(cloud.actions.values()) + cloud.tools
        return times.user + times.system, cloud.round_trips, requests

    def pay(self):
        """Until now: the part of a core, all round trips, and those that are requests by name."""
        spent, trips, requests = (
            now - then for now, then in zip(self._now(), self._before, strict=True)
        )
        return spent / (time.monotonic() - self._began), trips, requests


def look(page, seconds, sections):
    """Let a page show sections, or nothing, and tell so as its code does."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if sections:
            page.ask("visible", view="v", sections=sections)
        deadline = time.monotonic() + min(left, HEARTBEAT_SECONDS)
        page.wait(lambda until=deadline: time.monotonic() > until, "time", 60)


@pytest.fixture
def page(cloud, start_kernel):
    """A page with the panel of a kernel whose session has started."""
    kernel = start_kernel()
    kernel.execute("pass")
    return Page(kernel)


@pytest.mark.timeout(60 + 3 * size("panel_seconds"))
def test_seen_it_asks_little_and_folded_nothing(page, cloud):
    seconds = size("panel_seconds")
    opening = Bill(page.kernel, cloud)
    page.ask("visible", view="v", sections=SECTIONS)
    page.wait(lambda: page.state["account"]["rows"] is not None, "the sessions")
    page.wait(lambda: page.state["files"]["entries"] is not None, "the files")
    assert opening.pay()[1] <= OPENING
    seen = Bill(page.kernel, cloud)
    look(page, seconds, SECTIONS)
    part, asked, _ = seen.pay()
    page.ask("visible", view="v", sections=[])
    hidden = Bill(page.kernel, cloud)
    look(page, seconds, [])
    idle, trips, requests = hidden.pay()
    print(
        f"{seconds} s seen: {asked} requests, {part:.2%} of a core; hidden: {requests}, {idle:.2%}"
    )
    assert 1 <= asked <= seconds / 2
    assert part <= MOST_OF_A_CORE
    assert requests == 0
    assert trips <= seconds // PING_SECONDS + 1
    assert idle <= MOST_OF_A_CORE
