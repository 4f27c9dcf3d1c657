"""A Jupyter kernel whose cells run in an isolated AgentBay or AGB session."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["SessionPoolExecutor", "__version__", "current", "panel"]

__version__ = "0.1.0"


def load_ipython_extension(shell: Any) -> None:
    """Make the magics known to another IPython: `%load_ext agentbay_kernel`."""
    from agentbay_kernel import extension

    extension.load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics away, and end the sessions that they started."""
    from agentbay_kernel import extension

    extension.unload(shell)


def __getattr__(name: str) -> Any:
    if name == "current":
        from agentbay_kernel.live import current

        return current
    if name == "panel":
        return import_module("agentbay_kernel.panel")
    if name == "SessionPoolExecutor":
        from agentbay_kernel.pool.executor import SessionPoolExecutor

        return SessionPoolExecutor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
