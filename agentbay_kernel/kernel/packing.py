"""Stream messages as JSON; for large text quicker than an encoder that looks at each character."""

from __future__ import annotations

from typing import Any

LARGE = 1 << 15
"""Characters from which on it is worth it."""

_ESCAPED = (
    (b"\\", b"\\\\"),  # first: the others bring their own
    (b'"', b'\\"'),
    (b"\n", b"\\n"),
    (b"\r", b"\\r"),
    (b"\t", b"\\t"),
    (b"\x1b", b"\\u001b"),
)
_OTHERS = bytes(set(range(0x20)) - set(b"\n\r\t\x1b"))


def stream_content(name: str, text: str) -> dict[str, Any] | bytes:
    """The content of a stream message, packed already when it is large.

    `Session.send` takes either. Text with rare control characters is left to its packer.
    """
    if len(text) >= LARGE:
        packed = text.encode()
        if not any(each in packed for each in _OTHERS):
            for byte, escaped in _ESCAPED:
                packed = packed.replace(byte, escaped)
            return b"".join((b'{"name":"', name.encode(), b'","text":"', packed, b'"}'))
    return {"name": name, "text": text}
