"""The section of the session's meters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentbay_kernel.panel.model import PanelModel

EMPTY: dict[str, Any] = {"meters": None, "error": None}
KEPT = 40
"""Points of a small history."""


async def read(model: PanelModel) -> dict[str, Any]:
    """What the session uses of its machine, with what it used before."""
    found = await model.need().machine.metrics()
    before = model.meters.get("meters") or {}
    return {"meters": {name: _with_history(meter, before.get(name)) for name, meter in _of(found)}}


def _of(found: Mapping[str, float]) -> list[tuple[str, dict[str, Any]]]:
    meters: list[tuple[str, dict[str, Any]]] = []
    if "cpu_used_pct" in found:
        part = max(0.0, min(1.0, found["cpu_used_pct"] / 100))
        meters.append(("cpu", {"part": round(part, 4), "total": found.get("cpu_count", 0)}))
    for name, key in (("memory", "mem"), ("disk", "disk")):
        used, total = found.get(f"{key}_used"), found.get(f"{key}_total")
        if used is not None and total:
            meters.append((name, {"part": round(used / total, 4), "used": used, "total": total}))
    return meters


def _with_history(meter: dict[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    history = [*(before or {}).get("history", []), meter["part"]]
    return {**meter, "history": history[-KEPT:]}
