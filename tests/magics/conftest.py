"""The kernel of the magics' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kernels import RunningKernel


@pytest.fixture
def kernel(shared: Callable[[str], RunningKernel], place: str) -> RunningKernel:
    """One kernel with a session for all tests of a module, for each provider."""
    kernel = shared(place)
    kernel.execute("pass")
    return kernel
