"""The miniature cloud, and the provider pointed at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agentbay_kernel.providers._session import AgentBaySession
from agentbay_kernel.providers.agentbay import AgentBayProvider
from agentbay_kernel.session import SessionSpec
from tests.providers.cloud import KEY, Cloud


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    async with Cloud(tmp_path) as cloud:
        yield cloud


@pytest.fixture
async def provider(cloud: Cloud) -> AsyncIterator[AgentBayProvider]:
    provider = AgentBayProvider(KEY, endpoint=cloud.url)
    yield provider
    await provider.close()


@pytest.fixture
def spec() -> SessionSpec:
    return SessionSpec("code_latest", {"agentbay-kernel.id": "k-1"})


@pytest.fixture
async def session(provider: AgentBayProvider, spec: SessionSpec) -> AgentBaySession:
    return await provider.create(spec)
