"""Services that end with the test."""

from __future__ import annotations

import pytest

from tests.service.running import Running, quiet_sdk


@pytest.fixture
def data(surroundings):
    """The data folder of the service."""
    return surroundings / "data"


@pytest.fixture
def start(data):
    """Starts services."""
    running = []

    def begin(**options):
        running.append(Running(data, **options))
        return running[-1]

    with quiet_sdk():
        yield begin
        for service in running:
            service.close()


@pytest.fixture
def service(start):
    """A service with sandboxes in memory."""
    return start()


@pytest.fixture
def real(start):
    """A service with the sandboxes of this computer."""
    from agentbay_kernel.service.boxes import local_sandbox

    return start(make=local_sandbox)
