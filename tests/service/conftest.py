"""Services that end with the test."""

from __future__ import annotations

import gc
import warnings

import pytest

from tests.service.running import Running


@pytest.fixture
def data(surroundings):
    """The data folder of the service."""
    return surroundings / "data"


@pytest.fixture
def start(data, monkeypatch):
    """Starts services."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = []

    def begin(**options):
        running.append(Running(data, **options))
        return running[-1]

    with warnings.catch_warnings():
        # The SDK leaves its connections to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        yield begin
        for service in running:
            service.close()
        gc.collect()


@pytest.fixture
def service(start):
    """A service with sandboxes in memory."""
    return start()


@pytest.fixture
def real(start):
    """A service with the sandboxes of this computer."""
    from agentbay_kernel.service.boxes import local_sandbox

    return start(make=local_sandbox)
