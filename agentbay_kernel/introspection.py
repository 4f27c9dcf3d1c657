"""Completion of our own magics and their words, put together with what the session knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LINE = re.compile(r"\??(?P<sign>%{1,2})(?P<name>\w+)\s*(?P<rest>.*)")
_MAGIC = re.compile(r"(?:^|\n)(?P<sign>%{1,2})(?P<words>[\w-]*(?: [^\n]*)?)\Z")

NOTHING: dict[str, Any] = {"status": "ok", "found": False, "data": {}, "metadata": {}}
"""The content of an `inspect_reply` about what is not known."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Completions for the text between two offsets of a cell, in code points.

    `alone`: nobody else has a completion there, since the line is one of our magics.
    """

    texts: Sequence[str]
    start: int
    end: int
    alone: bool


def magic_line(code: str, cursor: int) -> tuple[str, str, str] | None:
    """Sign, name and the rest of the line when the cursor stands in a magic's line, else None."""
    start = code.rfind("\n", 0, cursor) + 1
    found = _LINE.match(code[start:].partition("\n")[0])
    if found is None or (found["sign"] == "%%" and code[:start].strip()):
        return None
    return found["sign"], found["name"], found["rest"]


def no_matches(cursor: int) -> Matches:
    """No completion at the cursor."""
    return Matches((), cursor, cursor, True)


def in_magic(code: str, cursor: int) -> bool:
    """Whether the cursor stands in what begins as a magic, ours or another."""
    return _MAGIC.search(code[:cursor]) is not None


def complete_magic(
    code: str,
    cursor: int,
    commands: Mapping[str, Sequence[str]],
    cell_magics: Sequence[str] = (),
) -> Matches | None:
    """Matches when the cursor stands in one of our magics, else None.

    `commands` maps a line magic's name to its subcommands.
    """
    found = _MAGIC.search(code[:cursor])
    if found is None:
        return None
    words = found["words"].split(" ")
    word = words[-1]
    if len(words) == 1:
        first = not code[: found.start("sign")].strip()
        line = [] if found["sign"] == "%%" else [f"%{name}" for name in commands]
        cell = [f"%%{name}" for name in cell_magics] if first else []
        texts = [each for each in (*line, *cell) if each.lstrip("%").startswith(word)]
        start = cursor - len(word) - len(found["sign"])
        return Matches(texts, start, cursor, False) if texts else None
    if found["sign"] == "%%":
        own = words[0] in cell_magics and not code[: found.start("sign")].strip()
        return Matches([], cursor - len(word), cursor, True) if own else None
    if words[0] not in commands:
        return None
    texts = [name for name in commands[words[0]] if len(words) == 2 and name.startswith(word)]
    return Matches(texts, cursor - len(word), cursor, True)


def reply(found: Matches) -> dict[str, Any]:
    """The content of a `complete_reply`."""
    return {
        "status": "ok",
        "matches": list(found.texts),
        "cursor_start": found.start,
        "cursor_end": found.end,
        "metadata": {},
    }


def page(text: str) -> dict[str, Any]:
    """The content of an `inspect_reply` that shows `text`."""
    return {"status": "ok", "found": True, "data": {"text/plain": text}, "metadata": {}}


def merged(found: Matches, other: dict[str, Any]) -> dict[str, Any]:
    """Our magics in front of what another completer has for the same text."""
    matches = other.get("matches") or []
    if not matches or other.get("cursor_end") != found.end:
        return reply(found)
    between = other["cursor_start"] - found.start
    if not 0 <= between <= 2:
        return other
    texts = [text[between:] for text in found.texts if text[between:] not in matches]
    metadata = dict(other.get("metadata") or {})
    known = metadata.get("_jupyter_types_experimental")
    if isinstance(known, list):
        place = {"start": other["cursor_start"], "end": found.end}
        own = [{**place, "text": text, "type": "magic", "signature": ""} for text in texts]
        metadata["_jupyter_types_experimental"] = [*own, *known]
    return {**other, "matches": [*texts, *matches], "metadata": metadata}
