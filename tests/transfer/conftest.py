import pytest

from agentbay_kernel.transfer import large, small
from tests.transfer.folder import FolderSession


@pytest.fixture
def session(tmp_path):
    (tmp_path / "remote" / "w").mkdir(parents=True)
    return FolderSession(tmp_path / "remote")


@pytest.fixture
def local(tmp_path):
    (tmp_path / "local").mkdir()
    return tmp_path / "local"


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(large, "SMALLEST", 1 << 20)
    monkeypatch.setattr(large, "AT_ONCE", 1)
    monkeypatch.setattr(small, "SMALL", 1 << 10)
