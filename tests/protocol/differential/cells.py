"""The suite's notebooks: text files in which a line `# %% NAME` begins a cell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from nbformat.v4 import new_code_cell, new_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

HERE = Path(__file__).parent
VERBATIM, OURS = HERE / "verbatim", HERE / "ours"
MARK = re.compile(r"^# %% (\S+)\n", re.MULTILINE)


def names() -> list[str]:
    """Every notebook of the suite as `folder/name`, in a fixed order."""
    return [f"{path.parent.name}/{path.stem}" for path in sorted(HERE.glob("*/*.cells"))]


def read(name: str) -> dict[str, str]:
    """A notebook's cells by their names, each as its author wrote it."""
    pieces = MARK.split((HERE / f"{name}.cells").read_text())[1:]
    sources = [text.removesuffix("\n") for text in pieces[1::2]]
    return dict(zip(pieces[::2], sources, strict=True))


def write(name: str, cells: dict[str, str]) -> None:
    """Store a notebook so that `read` gives the same cells back."""
    text = "".join(f"# %% {label}\n{source}\n" for label, source in cells.items())
    (HERE / f"{name}.cells").write_text(text)
    if read(name) != cells:
        raise ValueError(f"{name}: a cell holds a line that looks like a mark")


def notebook(cells: dict[str, str]) -> NotebookNode:
    """The cells as a notebook that was never run."""
    return new_notebook(cells=[new_code_cell(source, id=label) for label, source in cells.items()])
