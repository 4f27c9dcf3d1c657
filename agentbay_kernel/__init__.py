"""A Jupyter kernel whose cells run in an isolated AgentBay or AGB session."""

from __future__ import annotations

from typing import Any

__all__ = ["__version__", "current"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "current":
        from agentbay_kernel.live import current

        return current
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
