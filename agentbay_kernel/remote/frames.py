"""Messages as printable text inside a stream of other text.

A frame is the mark (`` `#~ `` and the session's nonce), one letter for its kind, its length and the
position in the run's stream where it begins, both in hex, a semicolon, the payload in printable
ASCII and a newline:

    `#~0123456789abKLEN,POSITION;PAYLOAD

Kinds: `j` a JSON message; `p` a piece of one and `q` its last piece, each with the message's number
in eight hex digits in front; `e` text of stderr as JSON; `z` text of stdout, deflated without a
checksum, in base64.
"""

from __future__ import annotations

import base64
import datetime
import json
import math
import numbers
import zlib
from typing import Any, Iterator, List, Tuple

MARK = "`#~"
PIECE = 200_000
"""Characters of a frame; the WebSocket of the vendor's SDK ends at messages above 1 MiB."""
LARGE = 1 << 16
FOLDER = "agentbay-"
"""How the name of the folder with the socket begins; the nonce follows."""
HELLO = "hello"
"""A file in it: what the hooks say of themselves."""
_SAMPLE = 1 << 12
_DEFLATED = 1 << 20
_BLOCK = 1 << 17
_ESCAPED = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
_CONTROLS = "".join(map(chr, (*range(9), 11, 12, *range(14, 32))))


def head(mark: str, kind: str, length: int, position: int) -> str:
    """What stands before a payload."""
    return f"{mark}{kind}{length:x},{position:x};"


def pack(message: Any, number: int) -> List[Tuple[str, str]]:
    """The frames of a message: kind and payload of each."""
    text = _dumps_display(message) if _has_large_text(message["c"]) else dumps(message)
    if len(text) <= PIECE:
        return [("j", text)]
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    kinds = ["p"] * (len(pieces) - 1) + ["q"]
    return [(kind, f"{number & 0xFFFFFFFF:08x}{piece}") for kind, piece in zip(kinds, pieces)]


def parts(text: str) -> Iterator[Tuple[str, str]]:
    """Large text in parts: `z` and its payload where that is much shorter, else "" and the text."""
    middle = text[len(text) // 2 :][:_SAMPLE].encode("utf-8", "surrogatepass")
    dense = len(zlib.compress(middle, 1)) > len(middle) // 2
    for start in range(0, len(text), _DEFLATED):
        block = text[start : start + _DEFLATED]
        packed = "" if dense else _deflate(block)
        if packed and len(packed) <= PIECE:
            yield "z", packed
        else:
            for at in range(0, len(block), PIECE):
                yield "", block[at : at + PIECE]


def _deflate(text: str) -> str:
    # Without zlib's checksum, which takes a third of the time.
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(text.encode("utf-8", "surrogatepass")) + packer.flush()
    return base64.b64encode(packed).decode()


def dumps(message: Any) -> str:
    """JSON in ASCII, of whatever a display or a comm may carry."""
    try:
        return json.dumps(message, default=plain, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(message), default=plain, allow_nan=False)


def _has_large_text(content: Any) -> bool:
    data = content.get("data") if type(content) is dict else None
    if type(data) is not dict or not all(type(each) is str for each in data):
        return False
    return any(type(each) is str and len(each) > LARGE for each in data.values())


def _dumps_display(message: Any) -> str:
    """As `dumps`, of a message whose content has a MIME bundle; quicker for large texts."""
    content = message["c"]
    outer = dumps({name: each for name, each in message.items() if name != "c"})
    inner = dumps({name: each for name, each in content.items() if name != "data"})
    parts = [outer[:-1], ', "c": ', inner[:-1], ', "data": ' if len(inner) > 2 else '"data": ']
    for at, (kind, value) in enumerate(content["data"].items()):
        parts += [", " if at else "{", dumps(kind), ": ", _dumps_text(value)]
    return "".join(parts) + "}}}"


def _dumps_text(value: Any) -> str:
    if type(value) is not str or len(value) <= LARGE or not value.isascii():
        return dumps(value)
    # In blocks that stay in the processor's cache while they are searched.
    blocks = [value[at : at + _BLOCK] for at in range(0, len(value), _BLOCK)]
    if any(each in block for block in blocks for each in _CONTROLS):
        return dumps(value)
    return '"' + "".join([_escape(each) for each in blocks]) + '"'


def _escape(block: str) -> str:
    for character, escaped in _ESCAPED:
        if character in block:  # `replace` takes eight times as long to find nothing
            block = block.replace(character, escaped)
    return block


def plain(value: Any) -> Any:
    """A value that JSON does not know, as Jupyter's own messages carry it."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if hasattr(value, "__iter__"):
        return list(value)
    raise TypeError(f"{value!r} is not JSON serializable")


def _finite(value: Any) -> Any:
    """A copy in which `nan` and `inf` are texts, as Jupyter does it."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return value
