"""What a run has written, kept for a kernel whose connection broke."""

from __future__ import annotations

from collections import deque
from typing import Deque, List, Tuple

LIMIT = 64 << 20
BLOCK = 1 << 16


class _Block:
    """Texts that follow one another, joined once there are many characters."""

    __slots__ = ("size", "start", "texts")

    def __init__(self, start: int) -> None:
        self.start = start
        self.size = 0
        self.texts: List[str] = []


class Journal:
    """A ring of the last `limit` characters of one run, give or take a block.

    Positions count from the run's start.

    One thread at a time appends, any may read. Nothing locks: the garbage collector may run code
    that writes wherever one waits.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._arrived = 0
        self._blocks: Deque[_Block] = deque([_Block(0)])
        self.end = 0
        self.run = ""
        self.complete = False

    @property
    def start(self) -> int:
        """The position of the oldest character that is kept."""
        return self._blocks[0].start

    def begin(self, run: str) -> None:
        """A new run: nothing of the former is kept."""
        self._blocks = deque([_Block(0)])
        self.end = self._arrived = 0
        self.run, self.complete = run, False

    def append(self, text: str) -> None:
        """Keep text, and drop the oldest above the limit."""
        block = self._blocks[-1]
        block.texts.append(text)
        block.size += len(text)
        self.end += len(text)
        if block.size >= BLOCK:
            self._seal(block)

    def forget(self, position: int) -> None:
        """What is before `position` has arrived; it goes when more is written."""
        self._arrived = position

    def read(self, position: int, size: int) -> Tuple[int, str]:
        """Up to `size` characters from `position`, or from the oldest that is kept."""
        blocks = list(self._blocks)
        first = max(position, blocks[0].start)
        found: List[str] = []
        length = 0
        for block, following in zip(blocks, [*blocks[1:], None]):
            if length >= size:
                break
            if following is None or following.start > first:
                piece = "".join(list(block.texts))[max(0, first - block.start) :]
                found.append(piece)
                length += len(piece)
        return first, "".join(found)[:size]

    def _seal(self, block: _Block) -> None:
        block.texts = ["".join(block.texts)]
        blocks = self._blocks
        blocks.append(_Block(self.end))
        while self.end - blocks[0].start > self._limit or self._is_first_over(blocks):
            blocks.popleft()

    def _is_first_over(self, blocks: Deque[_Block]) -> bool:
        return len(blocks) > 1 and blocks[1].start <= self._arrived
