"""The guides' Python snippets as they are kept here, and what each prints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "snippets"
_PART = re.compile(r"^## (?P<title>[^\n]*)$|^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A snippet; `printed` is None for one that shows a signature or the like."""

    name: str
    title: str
    code: str
    printed: str | None = None

    @property
    def vendor(self) -> str:
        """Whose guide it is of."""
        return self.name.partition("-")[0]


def blocks() -> list[Block]:
    """All snippets, in the guides' order."""
    return [block for path in sorted(FOLDER.glob("*.txt")) for block in _read(path)]


def _read(path: Path) -> list[Block]:
    found: list[Block] = []
    title = ""
    for part in _PART.finditer(path.read_text()):
        if part["title"] is not None:
            title = part["title"]
        elif part["kind"] == "python":
            found.append(Block(f"{path.stem}-{len(found) + 1}", title, part["text"]))
        else:
            last = found[-1]
            found[-1] = Block(last.name, last.title, last.code, part["text"])
    return found
