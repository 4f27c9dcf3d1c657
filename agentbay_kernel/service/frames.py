"""JSON messages with their length before them, between the service and a sandbox's supervisor."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Message = dict[str, Any]

_LENGTH = struct.Struct("!I")


def pack(message: Message) -> bytes:
    """One message as it travels."""
    body = json.dumps(message).encode()
    return _LENGTH.pack(len(body)) + body


class Unpacker:
    """Puts messages together again, wherever the bytes were cut."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes."""
        self._rest += data
        messages = []
        at = 0
        while len(self._rest) - at >= _LENGTH.size:
            end = at + _LENGTH.size + _LENGTH.unpack_from(self._rest, at)[0]
            if end > len(self._rest):
                break
            messages.append(json.loads(self._rest[at + _LENGTH.size : end]))
            at = end
        del self._rest[:at]
        return messages


class Link(asyncio.Protocol):
    """One end of the connection; `writable` is clear while the other end is behind."""

    def __init__(self, on_message: Callable[[Message], None], on_lost: Callable[[], None]) -> None:
        self._on_message = on_message
        self._on_lost = on_lost
        self._unpacker = Unpacker()
        self._transport: asyncio.Transport | None = None
        self.writable = asyncio.Event()
        self.writable.set()

    def send(self, message: Message) -> None:
        """Queue one message; nothing happens once the connection is gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(pack(message))

    def close(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand on each whole message."""
        for message in self._unpacker.feed(data):
            self._on_message(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the owner, and let nobody wait for ever."""
        self.writable.set()
        self._on_lost()

    def pause_writing(self) -> None:
        """The other end reads too slowly."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """The other end has caught up."""
        self.writable.set()
