"""A sandbox in each of its two isolations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.service.workers import sandboxes


@pytest.fixture(params=sandboxes.MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """The isolation to ask for."""
    wanted: str = request.param
    return wanted


@pytest_asyncio.fixture
async def box(mode: str, tmp_path: Path) -> AsyncIterator[sandboxes.Box]:
    """A started sandbox."""
    async with sandboxes.started(tmp_path / "session", mode) as one:
        yield one
