"""The arguments of an action, which a front end sends and nobody has checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def text(args: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A text; raises UsageError where there is none and no default."""
    value = args.get(name, default)
    if not isinstance(value, str):
        raise UsageError(f"The request lacks {name!r}")
    return value


def number(args: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """A whole number that is not negative; raises UsageError."""
    value = args.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UsageError(f"{name} must be a number")
    return value


def flag(args: Mapping[str, Any], name: str) -> bool:
    """Whether something is wished for."""
    return args.get(name) is True
