"""The failure of a tool, as a short text for the caller."""

from __future__ import annotations

import signal


class ToolError(Exception):
    """Raised by a tool; `str()` is what the caller is told."""


def explain(error: OSError, path: str) -> ToolError:
    """The same in words that name the session's path."""
    if isinstance(error, FileNotFoundError):
        return ToolError(f"No such file: {path}")
    return ToolError(f"{error.strerror or error}: {path}")


def describe(status: int) -> str:
    """A return code in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"
