"""What a run has written, kept for a kernel whose connection broke."""

from __future__ import annotations

from collections import deque
from typing import Deque, Tuple

LIMIT = 64 << 20


class Journal:
    """A ring of the last `limit` characters of one run; positions count from the run's start."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._texts: Deque[str] = deque()
        self.start = 0
        self.end = 0
        self.run = ""
        self.complete = False

    def begin(self, run: str) -> None:
        """A new run: nothing of the former is kept."""
        self._texts.clear()
        self.start = self.end = 0
        self.run, self.complete = run, False

    def append(self, text: str) -> None:
        """Keep text, and drop the oldest above the limit."""
        self._texts.append(text)
        self.end += len(text)
        while self.end - self.start > self._limit:
            self.start += len(self._texts.popleft())

    def forget(self, position: int) -> None:
        """What is before `position` has arrived."""
        while self._texts and self.start + len(self._texts[0]) <= position:
            self.start += len(self._texts.popleft())

    def read(self, position: int, size: int) -> Tuple[int, str]:
        """Up to about `size` characters from `position`, or from the oldest that is kept."""
        at, found, length = self.start, [], 0
        first = max(position, self.start)
        for text in list(self._texts):
            if at + len(text) > first and length < size:
                piece = text[max(0, first - at) :]
                found.append(piece)
                length += len(piece)
            at += len(text)
        return first, "".join(found)[:size]
