"""A home that outlives a test, for kernels and a service that several tests share."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests import kernels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENGINES = ("pipe", "ipykernel")
PLACES = (*ENGINES, "agb")
FOLDERS = {
    "HOME": "",
    "AGENTBAY_KERNEL_DATA_DIR": "data",
    "AGENTBAY_KERNEL_RUNTIME_DIR": "run",
    "AGENTBAY_KERNEL_LOG_DIR": "log",
    "IPYTHONDIR": "ipython",
    "JUPYTER_RUNTIME_DIR": "jupyter",
}


@contextlib.contextmanager
def inside(home: Path, engine: str) -> Iterator[None]:
    """The environment of that home, with one of the local service's engines, or AGB before it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in FOLDERS.items():
            (home / folder).mkdir(mode=0o700, exist_ok=True)
            patch.setenv(name, str(home / folder))
        # ipykernel does not capture the descriptors 1 and 2 where it sees pytest.
        patch.delenv("PYTEST_CURRENT_TEST", raising=False)
        patch.setenv("AGENTBAY_KERNEL_PROVIDER", "local")
        patch.setenv("AGENTBAY_KERNEL_ENGINE", engine if engine in ENGINES else "pipe")
        if engine == "agb":
            kernels.use_agb(patch)
        yield


def leave(home: Path) -> None:
    """End the home's service."""
    with inside(home, "pipe"):
        kernels.stop_service()
