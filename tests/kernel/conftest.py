"""Kernels whose service is behind a proxy that can break the network."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from agentbay_kernel.service import runtime
from tests import kernels
from tests.conftest import ENGINES, MATRIX_PLACES, _move_into
from tests.proxy import CountingProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GRACE_SECONDS = 1.5
GONE = "the interpreter has died while idle"


@dataclass
class Far:
    """A kernel, and the proxy between it and its service."""

    kernel: kernels.RunningKernel
    proxy: CountingProxy
    home: Path

    def execute(self, code: str, **flags: Any) -> kernels.Exchange:
        return self.kernel.execute(code, **flags)

    def begin(self, code: str, **flags: Any) -> kernels.Message:
        """Send a cell and go on."""
        return self.kernel.send("execute_request", kernels.execute_content(code, **flags))

    def seen(
        self,
        request: kernels.Message,
        wanted: Callable[[kernels.Message], Any],
        timeout: float = 30,
    ) -> kernels.Message:
        """Wait for an output of a request that still runs; all are kept for its end."""
        return self.kernel.until(request, wanted, timeout)

    @property
    def log(self) -> str:
        return (self.home / "log" / "kernel.log").read_text()

    def session_id(self) -> str:
        """The session that the kernel says it uses."""
        text = self.execute("%agentbay").of("display_data")[0]["data"]["text/plain"]
        return re.findall(r"session +(s-\w+)", text)[0]

    def wait_for_death(self) -> None:
        """Wait until the kernel has found out that its idle interpreter has died."""
        before = self.log.count(GONE)
        kernels.wait_for(lambda: self.log.count(GONE) > before, "the interpreter's death")

    def comm_ids(self) -> set[str]:
        """The open comms as a front end is told."""
        return set(self.kernel.ask("comm_info_request", {}).content["comms"])


@contextlib.contextmanager
def far_away(home: Path, place: str, **variables: str) -> Iterator[Far]:
    """A kernel of that place behind a proxy, with a service and a home of its own."""
    with pytest.MonkeyPatch.context() as patch:
        _move_into(home, patch)
        engine = place if place in ENGINES else "pipe"
        patch.setenv("AGENTBAY_KERNEL_ENGINE", engine)
        patch.setenv("AGENTBAY_KERNEL_INTERRUPT_GRACE_SECONDS", str(GRACE_SECONDS))
        patch.setenv("AGENTBAY_KERNEL_MAX_MINUTES", "60")
        for name, value in variables.items():
            patch.setenv(name, value)
        limit = int(variables.get("AGENTBAY_KERNEL_MEMORY_LIMIT_MB", "4096"))
        address = runtime.ensure(linger_seconds=60, engine=engine, memory_limit_mb=limit)
        proxy = CountingProxy(address.api_url)
        cloud = "agb" if place == "agb" else "agentbay"
        kernels.use_cloud(patch, cloud, address.key, proxy.url)
        kernel = kernels.start(home=home)
    try:
        yield Far(kernel, proxy, home)
    finally:
        with pytest.MonkeyPatch.context() as patch:
            _move_into(home, patch)
            proxy.come_back()
            kernel.close()
            proxy.close()
            kernels.stop_service()


@pytest.fixture(scope="module")
def fars(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Far]]:
    """The one kernel behind a proxy that a module's tests share for each place."""
    with contextlib.ExitStack() as stack:
        running: dict[str, Far] = {}

        def get(place: str) -> Far:
            if place not in running:
                home = tmp_path_factory.mktemp("h")
                running[place] = stack.enter_context(far_away(home, place))
            return running[place]

        yield get


@pytest.fixture(params=MATRIX_PLACES)
def far(request: pytest.FixtureRequest, fars: Callable[[str], Far]) -> Iterator[Far]:
    """Our kernel on each engine and provider, a session started, the network whole."""
    far = fars(request.param)
    far.execute("pass")
    far.execute("pass")
    yield far
    far.proxy.come_back()
    far.proxy.cuts.clear()


@pytest.fixture
def subshell(every: kernels.RunningKernel) -> Iterator[dict[str, str]]:
    """What a request's header names for a subshell of `every`, which ends with the test."""
    made = every.ask("create_subshell_request", {}, channel="control").content
    header = {"subshell_id": made["subshell_id"]}
    yield header
    every.ask("delete_subshell_request", header, channel="control")


@pytest.fixture
def new_far(place: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Far]]:
    """Starts kernels behind proxies that only this test uses."""
    with contextlib.ExitStack() as stack:

        def start(**variables: str) -> Far:
            home = tmp_path_factory.mktemp("h")
            return stack.enter_context(far_away(home, place, **variables))

        yield start
