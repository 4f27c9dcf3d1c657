"""The records that the Python worker and the service exchange, text without JSON around it."""

from __future__ import annotations

import struct

Record = tuple[bytes, int, bytes]
"""A kind, the run's number and the payload."""

READY = b"R"
"""From the worker: IPython is loaded."""
STDOUT = b"o"
STDERR = b"e"
RESULT = b"r"
ERROR = b"x"
DONE = b"d"
CODE = b"c"
"""To the worker: run this."""
ENVIRONMENT = b"v"
"""To the worker: a JSON object of variables to set."""

_HEADER = struct.Struct("!cII")


def header(kind: bytes, run: int, length: int) -> bytes:
    """What stands before a payload."""
    return _HEADER.pack(kind, run, length)


def pack(kind: bytes, run: int, payload: bytes | memoryview = b"") -> bytes:
    """One record as it travels."""
    return b"".join((header(kind, run, len(payload)), payload))


class Unpacker:
    """Puts records together again, wherever the bytes were cut."""

    def __init__(self) -> None:
        self._rest = bytearray()

    @property
    def has_part(self) -> bool:
        """Whether a record has come in part."""
        return bool(self._rest)

    def feed(self, data: bytes | memoryview) -> list[Record]:
        """The records that `data` completes."""
        self._rest += data
        records = []
        at = 0
        while len(self._rest) - at >= _HEADER.size:
            kind, run, length = _HEADER.unpack_from(self._rest, at)
            end = at + _HEADER.size + length
            if end > len(self._rest):
                break
            records.append((kind, run, bytes(self._rest[at + _HEADER.size : end])))
            at = end
        del self._rest[:at]
        return records
