"""A kernel whose cloud is the local service behind a counting proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import kernels
from tests.proxy import CountingProxy

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingProxy]:
    """A cloud to the kernel: it is reached by endpoint and key, counts and can be slow."""
    record = kernels.start_service()
    proxy = CountingProxy(record.url)
    monkeypatch.setenv("AGENTBAY_KERNEL_PROVIDER", "agentbay")
    monkeypatch.setenv("AGENTBAY_API_KEY", record.key)
    monkeypatch.setenv("AGENTBAY_ENDPOINT", proxy.url)
    yield proxy
    proxy.close()
