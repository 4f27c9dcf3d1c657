"""The miniature cloud, and each provider pointed at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agentbay_kernel.providers._provider import SdkProvider
from agentbay_kernel.providers._session import SdkSession
from agentbay_kernel.providers.agb import AgbProvider
from agentbay_kernel.providers.agentbay import AgentBayProvider
from agentbay_kernel.session import SessionSpec
from tests.providers.cloud import KEY, Cloud

KINDS: dict[str, type[AgentBayProvider | AgbProvider]] = {
    "agentbay": AgentBayProvider,
    "agb": AgbProvider,
}


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    async with Cloud(tmp_path) as cloud:
        yield cloud


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each provider's name in turn, for every test that goes through one."""
    return str(request.param)


@pytest.fixture
def make(kind: str) -> Callable[..., SdkProvider]:
    """Makes a provider of the kind from a key and options."""
    return KINDS[kind]


@pytest.fixture
async def provider(cloud: Cloud, make: Callable[..., SdkProvider]) -> AsyncIterator[SdkProvider]:
    provider = make(KEY, endpoint=cloud.url)
    yield provider
    await provider.close()


@pytest.fixture
def spec() -> SessionSpec:
    return SessionSpec("code_latest", {"agentbay-kernel.id": "k-1"})


@pytest.fixture
async def session(provider: SdkProvider, spec: SessionSpec) -> SdkSession:
    return await provider.create(spec)
