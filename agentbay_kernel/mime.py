"""From a result of an SDK to a MIME bundle, as Jupyter's messages carry it."""

from __future__ import annotations

import base64
import json
from typing import Any

# The fields of a result in both SDKs; the order is that of the bundle.
FIELDS = {
    "text": "text/plain",
    "html": "text/html",
    "markdown": "text/markdown",
    "latex": "text/latex",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "json": "application/json",
}
VEGALITE = "application/vnd.vegalite.v{}+json"


def bundle(result: Any) -> dict[str, Any]:
    """The payloads of a result by MIME type; images in base64, JSON as values."""
    found = {mime: getattr(result, name, None) for name, mime in FIELDS.items()}
    data = {mime: _payload(mime, value) for mime, value in found.items() if value is not None}
    chart = _value(getattr(result, "chart", None))
    if isinstance(chart, dict):
        version = 4 if "/v4" in str(chart.get("$schema", "")) else 5
        data[VEGALITE.format(version)] = chart
    return data


def _payload(mime: str, value: Any) -> Any:
    if mime == "application/json":
        return _value(value)
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    return value if isinstance(value, str) else str(value)


def _value(value: Any) -> Any:
    """A JSON value that may have been encoded once more; a text that is no JSON stays."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
