"""Messages as JSON; for large text quicker than an encoder that looks at each character."""

from __future__ import annotations

import json
from typing import Any

from agentbay_kernel.escaping import LARGE, escape


def stream_content(name: str, text: str) -> dict[str, Any] | bytes:
    """The content of a stream message, packed already when it is large.

    `Session.send` takes either. Text with rare control characters is left to its packer.
    """
    if (escaped := _escaped(text)) is not None:
        return b"".join((b'{"name":"', name.encode(), b'","text":"', escaped, b'"}'))
    return {"name": name, "text": text}


def display_content(content: dict[str, Any]) -> dict[str, Any] | bytes:
    """The content of a message with a MIME bundle, packed already when a value of it is large.

    What is not a large text must be plain JSON already.
    """
    large = {kind: _escaped(value) for kind, value in content["data"].items()}
    if not any(large.values()):
        return content
    before = json.dumps({name: value for name, value in content.items() if name != "data"})
    parts = [before[:-1].encode(), b',"data":']
    for at, (kind, escaped) in enumerate(large.items()):
        parts += (b"," if at else b"{", json.dumps(kind).encode(), b":")
        if escaped is None:
            parts.append(json.dumps(content["data"][kind]).encode())
        else:
            parts += (b'"', escaped, b'"')
    return b"".join((*parts, b"}}"))


def _escaped(value: Any) -> bytes | None:
    """Large text as it stands in JSON; None for all else and for rare control characters."""
    if not isinstance(value, str) or len(value) < LARGE:
        return None
    return escape(value.encode())
