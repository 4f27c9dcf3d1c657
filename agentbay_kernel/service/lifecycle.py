"""When a session ends by itself: the policy that it was created with, and what is left of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentbay_kernel.service.errors import BadParameter

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_IDLE = 5 * 60.0
DEFAULT_TOTAL = 30 * 60.0


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Seconds without a request, and in all, after which a session ends; None for never."""

    idle: float | None = DEFAULT_IDLE
    total: float | None = DEFAULT_TOTAL


@dataclass(frozen=True, slots=True)
class End:
    """The moment of a session's end on the monotonic clock, and its reason."""

    at: float
    reason: str


def parse(fields: Mapping[str, str]) -> Lifecycle:
    """The policy that a request to create a session asks for.

    The SDK sends `Timeout` in minutes together with `MaxRuntime`, alone in seconds (the older
    parameter); nothing else tells the two units apart.
    """
    if fields.get("ManualRelease", "").lower() == "true":
        return Lifecycle(None, None)
    total, idle = fields.get("MaxRuntime"), fields.get("Timeout")
    if total is None:
        return Lifecycle(_positive("Timeout", idle, 1) or DEFAULT_IDLE, DEFAULT_TOTAL)
    return Lifecycle(
        _positive("Timeout", idle, 60) or DEFAULT_IDLE,
        _positive("MaxRuntime", total, 60) or DEFAULT_TOTAL,
    )


def end(policy: Lifecycle, *, created: float, active: float, resting: bool) -> End | None:
    """When a session ends; while it runs a cell or is paused (not `resting`) it is not idle."""
    ends = []
    if policy.total is not None:
        ends.append(End(created + policy.total, f"its {policy.total / 60:g} minutes are over"))
    if policy.idle is not None and resting:
        ends.append(End(active + policy.idle, f"idle for {policy.idle / 60:g} minutes"))
    return min(ends, key=lambda item: item.at, default=None)


def _positive(name: str, text: str | None, unit: float) -> float | None:
    if text is None:
        return None
    try:
        value = int(text)
    except ValueError:
        raise BadParameter(name, "is no whole number") from None
    if value <= 0:
        raise BadParameter(name, "is not above 0")
    return value * unit
