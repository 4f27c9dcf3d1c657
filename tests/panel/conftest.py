"""A person before a panel."""

import pytest

from tests.panel.acting import Acting
from tests.test_sessions import NoGuardian


@pytest.fixture
async def user(tmp_path, monkeypatch):
    monkeypatch.setattr("agentbay_kernel.sessions.Guardian", NoGuardian)
    user = Acting(tmp_path)
    yield user
    await user.close()
