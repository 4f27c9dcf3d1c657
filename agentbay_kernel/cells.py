"""Split a cell into the pieces that run in the session and the magics that run here.

One of our line magics is recognised at column 0 of a top-level statement, one of our cell magics
on the cell's first line. Everything else, IPython's own magics included, belongs to the session.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from IPython.core.inputtransformer2 import TransformerManager

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_MAGICS = ("agentbay", "fs", "sync", "push", "pull")
CELL_MAGICS = ("local", "fs", "on", "map", "node", "r", "java", "background")
LOCAL = "local"
"""The cell magic whose body runs in the kernel's own process."""

_LINE = re.compile(
    r"^(?P<lead>[ \t]*(?:[\w.,\[\] ]+=[ \t]*)?)%(?P<name>{})\b(?P<rest>.*)$".format(
        "|".join(LINE_MAGICS)
    )
)
_CELL = re.compile(
    r"^%%(?P<name>{})\b(?P<line>[^\n]*)(?:\n(?P<body>.*))?\Z".format("|".join(CELL_MAGICS)),
    re.DOTALL,
)
_MARK = "__agentbay_magic_{}__"
_CALLS = {
    "fs ls": "files.list(PATH)",
    "fs put": "files.write(PATH, DATA)",
    "fs get": "files.read(PATH)",
    "sync status": "contexts()",
    "sync up": "sync('upload')",
    "sync down": "sync('download')",
    "push": "files.write(PATH, DATA)",
    "pull": "files.read(PATH)",
    "agentbay labels": "labels()",
    "agentbay info": "info()",
    "agentbay link": "link(port=PORT)",
    "agentbay delete": "delete()",
}


@dataclass(frozen=True, slots=True)
class Remote:
    """Code for the session, with empty comments in front so that line numbers are the cell's."""

    code: str


@dataclass(frozen=True, slots=True)
class LineMagic:
    """One of our line magics; `line` is the rest of its line."""

    name: str
    line: str


@dataclass(frozen=True, slots=True)
class CellMagic:
    """One of our cell magics; `line` is the rest of its first line, `body` the lines below."""

    name: str
    line: str
    body: str


Segment = Remote | LineMagic | CellMagic


class CellRefused(Exception):
    """Raised when a cell uses one of our magics where it cannot work; nothing has run."""


def parse(text: str) -> list[Segment]:
    """The cell's segments in order; raises CellRefused, or SyntaxError for a mixed cell."""
    cell = _CELL.match(text.lstrip("\n"))
    if cell:
        return [CellMagic(cell["name"], cell["line"].strip(), cell["body"] or "")]
    if text.lstrip().startswith("%%") or not _mentions_magic(text):
        return [Remote(text)]
    return _split(text)


def parse_as(magic: str, text: str) -> list[Segment]:
    """As `parse`, where a cell without our magics is the body of a cell magic.

    Our line magics stand in cells of their own there: only the language itself could tell one that
    stands in a string from one that shall run.
    """
    text = text.lstrip("\n")
    if not text.strip():
        return []
    if _CELL.match(text):
        return parse(text)
    lines = [line for line in text.split("\n") if line.strip()]
    ours = [match for line in lines if (match := _LINE.match(line)) and not match["lead"]]
    if len(ours) == len(lines):
        return [LineMagic(match["name"], match["rest"].strip()) for match in ours]
    if text.startswith("%"):
        raise CellRefused("A magic must stand in a cell of its own here. Nothing of it has run.")
    return [CellMagic(magic, "", text)]


def _mentions_magic(text: str) -> bool:
    return any(f"%{name}" in text for name in LINE_MAGICS)


@dataclass(frozen=True, slots=True)
class _Found:
    """One of our line magics in the text: lines `start` to `end`, continuation lines included."""

    start: int
    end: int
    lead: str
    name: str
    rest: str


def _split(text: str) -> list[Segment]:
    lines = text.split("\n")
    found = list(_find(lines))
    if not found:
        return [Remote(text)]
    names = {_MARK.format(magic.start): magic for magic in found}
    tree = _tree(lines, found)
    ours = [
        names[statement.value.id]
        for statement in tree.body
        if isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Name)
        and statement.value.id in names
        and not names[statement.value.id].lead
    ]
    # A line that is part of a string literal makes no name and stays the user's text.
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names and names[node.id] not in ours:
            raise CellRefused(_misplaced_text(names[node.id]))
    return list(_segments(lines, ours)) if ours else [Remote(text)]


def _find(lines: list[str]) -> Iterator[_Found]:
    i = 0
    while i < len(lines):
        match = _LINE.match(lines[i])
        if match:
            end, rest = i + 1, match["rest"]
            while rest.endswith("\\") and end < len(lines):
                rest, end = rest[:-1] + lines[end], end + 1
            yield _Found(i, end, match["lead"], match["name"], rest.strip())
            i = end
        else:
            i += 1


def _tree(lines: list[str], found: list[_Found]) -> ast.Module:
    marked = list(lines)
    for magic in found:
        marked[magic.start] = magic.lead + _MARK.format(magic.start)
        marked[magic.start + 1 : magic.end] = [""] * (magic.end - magic.start - 1)
    python: str = TransformerManager().transform_cell("\n".join(marked))
    return ast.parse(python, "<cell>", "exec")


def _misplaced_text(magic: _Found) -> str:
    words = f"{magic.name} {magic.rest}".split()[:2]
    call = _CALLS.get(" ".join(words)) or _CALLS.get(magic.name, "info()")
    return (
        f"%{magic.name} on line {magic.start + 1} is inside a statement. It runs on this computer "
        "and must stand at the start of a line of its own, outside of any block. Nothing of the "
        f"cell has run. In a %%local cell, agentbay_kernel.current().{call} does the same."
    )


def _segments(lines: list[str], ours: list[_Found]) -> Iterator[Segment]:
    start = 0
    for magic in ours:
        yield from _remote(lines, start, magic.start, last=False)
        yield LineMagic(magic.name, magic.rest)
        start = magic.end
    yield from _remote(lines, start, len(lines), last=True)


def _remote(lines: list[str], start: int, end: int, *, last: bool) -> Iterator[Remote]:
    piece = "\n".join(lines[start:end])
    if not piece.strip():
        return
    # Only a cell's last expression has an Out.
    tail = "" if last else "\npass"
    # IPython strips blank lines at the start, which would shift the line numbers.
    yield Remote("#\n" * start + piece + tail)
