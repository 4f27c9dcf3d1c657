"""What is left of a session's output when it may not act in the page that shows it."""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Mapping
from typing import Any

from agentbay_kernel.events import (
    CommMessage,
    DisplayData,
    Event,
    ExecuteResult,
    UpdateDisplayData,
)

Bundle = Mapping[str, Any]

FRAMED = ("text/html", "image/svg+xml")
ESCAPED = ("text/markdown",)
PASSIVE = frozenset({
    "text/plain", "text/latex", "image/png", "image/jpeg", "image/gif", "image/webp",
    "application/json", "application/pdf",
})  # fmt: skip
"""What a front end shows without running anything of it."""

LOWEST, HIGHEST = 60, 600
ROW_HEIGHT = 26


def passive(event: Event) -> Event | None:
    """The event without active parts; None for what cannot be but active, as widgets.

    HTML and SVG go into a frame without the page's origin, Markdown keeps no HTML, and every MIME
    type that is not known to be passive is left out.
    """
    if isinstance(event, CommMessage):
        return None
    if isinstance(event, DisplayData | UpdateDisplayData | ExecuteResult):
        metadata = {key: event.metadata[key] for key in event.metadata if key in PASSIVE}
        return dataclasses.replace(event, data=bundle(event.data), metadata=metadata)
    return event


def bundle(data: Bundle) -> dict[str, Any]:
    """The passive parts of a MIME bundle."""
    kept = {key: value for key, value in data.items() if key in PASSIVE}
    for kind in ESCAPED:
        if isinstance(data.get(kind), str):
            kept[kind] = data[kind].replace("&", "&amp;").replace("<", "&lt;")
    for kind in FRAMED:
        if isinstance(data.get(kind), str) and "text/html" not in kept:
            kept["text/html"] = _frame(data[kind])
    return kept


def _frame(document: str) -> str:
    """A frame of its own origin; the page cannot tell its height, so its rows are counted."""
    rows = len(re.findall(r"<(?:tr|p|li|br|h\d|pre|div)\b", document, re.IGNORECASE))
    height = min(HIGHEST, max(LOWEST, 20 + ROW_HEIGHT * (rows + 1)))
    if "<svg" in document or "<script" in document:
        height = HIGHEST
    style = f"width:100%;height:{height}px;border:0;resize:vertical"
    source = html.escape(document, quote=True)
    return f'<iframe sandbox="allow-scripts" style="{style}" srcdoc="{source}"></iframe>'
