"""A header in JSON and parts of bytes as one block of bytes."""

from __future__ import annotations

import json
from typing import Any, List, Sequence, Tuple

from .failures import BadData

_LENGTH = 8


def pack(header: Any, parts: Sequence[Any]) -> bytes:
    """The header and the parts, each announced with its size."""
    sizes = [len(part) for part in parts]
    text = json.dumps({"header": header, "sizes": sizes}).encode()
    return b"".join([len(text).to_bytes(_LENGTH, "big"), text, *parts])


def unpack(data: bytes) -> Tuple[Any, List[memoryview]]:
    """The header and the parts; raises BadData unless they fill the block exactly."""
    view = memoryview(data)
    end = _LENGTH + int.from_bytes(view[:_LENGTH], "big")
    try:
        found = json.loads(bytes(view[_LENGTH:end]))
        header, sizes = found["header"], found["sizes"]
        if len(view) < end or any(type(size) is not int or size < 0 for size in sizes):
            raise ValueError("sizes")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadData("The data has no header that can be read") from error
    parts = []
    for size in sizes:
        parts.append(view[end : end + size])
        end += size
    if end != len(view):
        raise BadData("The data is shorter or longer than its header says")
    return header, parts
