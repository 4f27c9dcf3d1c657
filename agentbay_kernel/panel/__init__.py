"""The panel: one model of what a user may see and do beside the notebook, and one view of it."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Panel(ModuleType):
    """`agentbay_kernel.panel` is this package, and the function that users call."""

    def __call__(self) -> Any:
        """The panel's widget, live wherever it is displayed, as by `%agentbay panel`."""
        from agentbay_kernel.live import panel

        return panel()


sys.modules[__name__].__class__ = _Panel
