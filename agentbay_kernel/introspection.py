"""Completion of our own magics and their words; the names of the session are not asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MAGIC = re.compile(r"(?:^|\n)%(?P<words>[^\n]*)\Z")


@dataclass(frozen=True, slots=True)
class Matches:
    """Completions for the text between two offsets of a cell, in code points."""

    texts: Sequence[str]
    start: int
    end: int


def complete_magic(code: str, cursor: int, commands: Mapping[str, Sequence[str]]) -> Matches | None:
    """Matches when the cursor stands in one of our line magics, else None.

    `commands` maps a magic's name to its subcommands.
    """
    found = _MAGIC.search(code[:cursor])
    if found is None:
        return None
    words = found["words"].split(" ")
    word = words[-1]
    if len(words) == 1:
        texts = [name for name in commands if name.startswith(word)]
    elif len(words) == 2 and words[0] in commands:
        texts = [name for name in commands[words[0]] if name.startswith(word)]
    else:
        texts = []
    return Matches(texts, cursor - len(word), cursor) if texts else None
