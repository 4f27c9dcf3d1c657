"""Takes the frames of `remote/frames.py` out of a stream of text, wherever it was cut."""

from __future__ import annotations

import base64
import logging
import re
import zlib
from collections.abc import Callable
from typing import Any

from agentbay_kernel.bridge import values
from agentbay_kernel.remote.frames import MARK

log = logging.getLogger("agentbay_kernel.bridge")

LONGEST = 1 << 20
"""Characters of one payload; what says that it is longer is no frame of ours."""
LARGEST = 512 << 20
"""Characters of one message in pieces, all messages on their way together."""
INFLATED = 8 << 20
DENSEST = 1032
"""Bytes that one byte of deflated data can make, by the format's own limit."""
USUAL = 1 << 20
"""Bytes that a frame of ours inflates to."""
RAW = -zlib.MAX_WBITS
PIECE_COST = 256
"""What a piece counts for besides its characters, so that empty ones are not for nothing."""
LOGGED = 10
LONGEST_HEAD = 24
_HEAD = r"(.)([0-9a-f]{1,6}),([0-9a-f]{1,15});"
_BEGUN = re.compile(r"(?:.[0-9a-f]{0,6}(?:,[0-9a-f]{0,15})?)?", re.DOTALL)

OnText = Callable[[str, str], None]
OnMessage = Callable[[dict[str, Any]], None]


class Demux:
    """Feeds text to `on_text(name, text)` and messages to `on_message`, in their order.

    `position` is how far into the run's stream it has read, to ask the journal for the rest. Text
    that only looks like a frame stays text; a broken frame is dropped and counted in `broken`.
    """

    def __init__(self, nonce: str, on_text: OnText, on_message: OnMessage) -> None:
        self._mark = MARK + nonce
        self._head = re.compile(re.escape(self._mark) + _HEAD, re.DOTALL)
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
        """The stream is over: a mark without its frame is text, frames behind it are still read."""
        text = "".join(self._held)
        self._held, self._missing = [], 0
        at = self._frames(text, final=True) or 0
        if at < len(text):
            self._say("stdout", text[at:])
        if self._pieces:
            self._break("pieces without an end")
            self._pieces, self._size = {}, 0

    def skip_to(self, position: int) -> None:
        """What is fed next begins at `position`, and what was to follow here is lost."""
        self._held, self._missing = [], 0
        self.end()
        self._shift = position - self._received

    def _frames(self, text: str, *, final: bool = False) -> int | None:
        """Handle every frame of `text`; where the rest begins, None when it is held back."""
        at = 0
        while (start := text.find(self._mark, at)) >= 0:
            if start > at:
                self._say("stdout", text[at:start])
            head = self._head.match(text, start)
            end = self._end_of(text, start, head)
            if end > len(text) and not final:
                self._hold(text[start:], end - len(text))
                return None
            if head is None or not 0 < end <= len(text):
                self._say("stdout", self._mark)
                at = start + len(self._mark)
                continue
            at, stop = end, head.end() + int(head[2], 16)
            received = self._received - (len(text) - end)
            self._shift = int(head[3], 16) + (stop + 1 - start) - received
            self._frame(head[1], text[head.end() : stop])
        return at

    def _end_of(self, text: str, start: int, head: re.Match[str] | None) -> int:
        """Where the frame at `start` ends, behind the text when it is cut; -1 for none."""
        if head is None:
            begun = text[start + len(self._mark) : start + len(self._mark) + LONGEST_HEAD]
            cut = len(begun) < LONGEST_HEAD and _BEGUN.fullmatch(begun)
            return len(text) + 1 if cut else -1
        length = int(head[2], 16)
        if length > LONGEST:
            return -1
        last = head.end() + length
        newline = text[last : last + 2]
        if newline == "\r\n":  # it was translated on its way
            return last + 2
        if newline == "\r" and last + 1 == len(text):
            return last + 2
        return last + 1 if not newline or newline[0] == "\n" else -1

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
            self._say("stdout", text)

    def _say(self, name: str, text: str) -> None:
        self._on_text(name, values.clean(text))

    def _frame(self, kind: str, payload: str) -> None:
        try:
            if kind == "z":
                self._say("stdout", _inflate(payload))
            elif kind == "e":
                self._say("stderr", _text(values.parse(payload)))
            elif (text := payload if kind == "j" else self._piece(kind, payload)) is not None:
                self._message(_object(values.parse(text)))
        except (ValueError, zlib.error) as error:
            self._break(type(error).__name__)

    def _break(self, why: str) -> None:
        self.broken += 1
        if self.broken <= LOGGED:
            log.warning("the session sent what could not be used: %s", why)

    def _piece(self, kind: str, payload: str) -> str | None:
        """Keep a piece of a message; the whole when it is the last."""
        if kind not in ("p", "q") or len(payload) < 8:
            raise ValueError(kind)
        number, part = payload[:8], payload[8:]
        self._size += len(part) + PIECE_COST
        if self._size > LARGEST:
            self._pieces, self._size = {}, 0
            raise ValueError("too large")
        parts = self._pieces.setdefault(number, [])
        parts.append(part)
        if kind == "p":
            return None
        del self._pieces[number]
        self._size -= sum(map(len, parts)) + PIECE_COST * len(parts)
        return "".join(parts)

    def _message(self, message: dict[str, Any]) -> None:
        try:
            self._on_message(message)
        except Exception as error:
            # It must not cost what follows it in the stream.
            log.debug("a message of the session", exc_info=True)
            self._break(repr(error)[:200])


def _inflate(payload: str) -> str:
    packed = base64.b64decode(payload, validate=True)
    if len(packed) * DENSEST <= INFLATED:
        # Into one buffer, which takes a quarter of the time; nothing else would bound that.
        return zlib.decompress(packed, RAW, USUAL).decode("utf-8", "surrogatepass")
    inflater = zlib.decompressobj(RAW)
    data = inflater.decompress(packed, INFLATED)
    if inflater.unconsumed_tail or not inflater.eof:
        raise ValueError("too large, or cut")
    return data.decode("utf-8", "surrogatepass")


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value
