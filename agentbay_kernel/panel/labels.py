"""The section of the session's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import UsageError
from agentbay_kernel.magics.labels import visible
from agentbay_kernel.panel import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentbay_kernel.panel.model import Act, PanelModel

EMPTY: dict[str, Any] = {"labels": None, "error": None}


async def read(model: PanelModel) -> dict[str, Any]:
    """The labels without the kernel's own."""
    return {"labels": visible(await model.need().labels())}


async def set_label(model: PanelModel, args: Mapping[str, Any], _: Sequence[bytes]) -> Any:
    """Add or change a label; `old` is the key that it had."""
    key, value = words.text(args, "key").strip(), words.text(args, "value").strip()
    old = words.text(args, "old", "")
    if not key or not value:
        raise UsageError("A label needs a key and a value")
    if "=" in key:
        raise UsageError("A label's key has no = in it")
    dropped = [f"--remove={old}"] if old and old != key else []
    return await _change(model, *dropped, "--", f"{key}={value}")


async def remove_label(model: PanelModel, args: Mapping[str, Any], _: Sequence[bytes]) -> Any:
    """Take a label away."""
    return await _change(model, f"--remove={words.text(args, 'key')}")


async def _change(model: PanelModel, *arguments: str) -> Any:
    model.need()
    found = await model.ask("%agentbay", "labels", *arguments)
    model.update("labels", labels=found, error=None)
    return found


ACTIONS: dict[str, Act] = {"set_label": set_label, "remove_label": remove_label}
