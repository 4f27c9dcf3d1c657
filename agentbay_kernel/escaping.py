"""Large text as it stands in JSON, quicker than an encoder that looks at each character."""

from __future__ import annotations

LARGE = 1 << 15
"""Characters from which on it is worth it."""

_BLOCK = 1 << 17
"""What is looked at so many times has to stay in the processor's cache meanwhile."""

_ESCAPED = (
    (b"\\", b"\\\\"),  # first: the others bring their own
    (b'"', b'\\"'),
    (b"\n", b"\\n"),
    (b"\r", b"\\r"),
    (b"\t", b"\\t"),
    (b"\x1b", b"\\u001b"),
)
_OTHERS = bytes(set(range(0x20)) - set(b"\n\r\t\x1b"))


def escape(data: bytes) -> bytes | None:
    """UTF-8 text with what JSON must escape escaped; None where rare control characters are."""
    if len(data) <= _BLOCK:
        return _escape(data)
    escaped = []
    for at in range(0, len(data), _BLOCK):
        block = _escape(data[at : at + _BLOCK])
        if block is None:
            return None
        escaped.append(block)
    return b"".join(escaped)


def _escape(block: bytes) -> bytes | None:
    if any(each in block for each in _OTHERS):
        return None
    for byte, escaped in _ESCAPED:
        block = block.replace(byte, escaped)
    return block
