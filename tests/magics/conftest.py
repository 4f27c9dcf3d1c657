"""The kernel of the magics' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kernels import RunningKernel


@pytest.fixture
def kernel(shared: Callable[[str], RunningKernel]) -> RunningKernel:
    """One kernel with a session for all tests of a module."""
    kernel = shared("pipe")
    kernel.execute("pass")
    return kernel
