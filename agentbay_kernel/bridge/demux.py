"""Takes the frames of `remote/frames.py` out of a stream of text, wherever it was cut."""

from __future__ import annotations

import base64
import json
import logging
import zlib
from collections.abc import Callable
from typing import Any

from agentbay_kernel.remote.frames import MARK

log = logging.getLogger("agentbay_kernel.bridge")

LONGEST = 1 << 20
"""Characters of one payload; what says that it is longer is no frame of ours."""
LARGEST = 512 << 20
"""Characters of one message in pieces, all messages on their way together."""
INFLATED = 8 << 20
_HEAD = 24

OnText = Callable[[str, str], None]
OnMessage = Callable[[dict[str, Any]], None]


class Demux:
    """Feeds text to `on_text(name, text)` and messages to `on_message`, in their order.

    `position` is how far into the run's stream it has read, to ask the journal for the rest. Text
    that only looks like a frame stays text; a broken frame is dropped and counted in `broken`.
    """

    def __init__(self, nonce: str, on_text: OnText, on_message: OnMessage) -> None:
        self._mark = MARK + nonce
        self._on_text = on_text
        self._on_message = on_message
        self._held: list[str] = []
        self._missing = 0
        self._pieces: dict[str, list[str]] = {}
        self._size = 0
        self._received = 0
        self._shift = 0
        self.broken = 0

    @property
    def position(self) -> int:
        """The stream's position after all that was fed."""
        return self._received + self._shift

    def feed(self, chunk: str) -> None:
        """Take the next piece of the stream."""
        self._received += len(chunk)
        if self._held:
            self._held.append(chunk)
            self._missing -= len(chunk)
            if self._missing > 0:
                return
            chunk = "".join(self._held)
            self._held = []
        at = self._frames(chunk)
        if at is not None and at < len(chunk):
            self._rest(chunk[at:] if at else chunk)

    def end(self) -> None:
        """The stream is over: what was held back is text, pieces without an end are dropped."""
        text = "".join(self._held)
        self._held, self._missing = [], 0
        if self._pieces:
            self.broken += len(self._pieces)
            self._pieces, self._size = {}, 0
        if text:
            self._on_text("stdout", text)

    def _frames(self, text: str) -> int | None:
        """Handle every frame of `text`; where the rest begins, None when it is held back."""
        at = 0
        while (start := text.find(self._mark, at)) >= 0:
            if start > at:
                self._on_text("stdout", text[at:start])
            head = start + len(self._mark)
            stop = text.find(";", head, head + _HEAD)
            if stop < 0 and len(text) - head < _HEAD and _may_be_head(text[head:]):
                self._hold(text[start:], 1)
                return None
            length, position = _numbers(text[head + 1 : stop]) if stop > 0 else (-1, 0)
            if not 0 <= length <= LONGEST:
                self._on_text("stdout", self._mark)
                at = head
                continue
            end = stop + 1 + length
            if len(text) <= end:
                self._hold(text[start:], end + 1 - len(text))
                return None
            if text[end] == "\r" and len(text) == end + 1:
                self._hold(text[start:], 1)
                return None
            last = end + 1 if text[end : end + 2] == "\r\n" else end
            if text[last] != "\n":
                self._on_text("stdout", self._mark)
                at = head
                continue
            at = last + 1
            self._shift = position + at - start - (self._received - (len(text) - at))
            self._frame(text[head], text[stop + 1 : end])
        return at

    def _hold(self, text: str, missing: int) -> None:
        self._held, self._missing = [text], missing

    def _rest(self, text: str) -> None:
        """Text without a whole mark, of which the very end may be the beginning of one."""
        start = max(0, len(text) - len(self._mark) + 1)
        while (start := text.find(self._mark[0], start)) >= 0:
            if self._mark.startswith(text[start:]):
                self._hold(text[start:], 1)
                text = text[:start]
                break
            start += 1
        if text:
            self._on_text("stdout", text)

    def _frame(self, kind: str, payload: str) -> None:
        try:
            if kind == "z":
                self._on_text("stdout", _inflate(payload))
            elif kind == "e":
                self._on_text("stderr", _text(json.loads(payload)))
            elif kind == "j":
                self._message(payload)
            else:
                self._piece(kind, payload)
        except (ValueError, RecursionError, zlib.error) as error:
            self.broken += 1
            log.warning("a frame of the session could not be read: %s", type(error).__name__)

    def _piece(self, kind: str, payload: str) -> None:
        if kind not in ("p", "q") or len(payload) < 8:
            raise ValueError(kind)
        number, part = payload[:8], payload[8:]
        self._size += len(part)
        if self._size > LARGEST:
            self._pieces, self._size = {}, 0
            raise ValueError("too large")
        parts = self._pieces.setdefault(number, [])
        parts.append(part)
        if kind == "q":
            whole = "".join(self._pieces.pop(number))
            self._size -= len(whole)
            self._message(whole)

    def _message(self, text: str) -> None:
        message = json.loads(text)
        if not isinstance(message, dict):
            raise ValueError("not an object")
        self._on_message(message)


def _may_be_head(text: str) -> bool:
    return all(letter in "0123456789abcdef," for letter in text[1:])


def _numbers(text: str) -> tuple[int, int]:
    """Length and position in a head, -1 as length when it is none."""
    length, comma, position = text.partition(",")
    try:
        return (int(length, 16), int(position, 16)) if comma else (-1, 0)
    except ValueError:
        return -1, 0


def _inflate(payload: str) -> str:
    inflater = zlib.decompressobj()
    data = inflater.decompress(base64.b64decode(payload, validate=True), INFLATED)
    if inflater.unconsumed_tail or not inflater.eof:
        raise ValueError("too large, or cut")
    return data.decode("utf-8", "surrogatepass")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value
