"""Two recordings of one notebook, side by side."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from tests.protocol.differential.normal import Normal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.protocol.differential.recording import Json, Recording

LONGEST_LINE = 400

KINDS = {
    "stream": {"stream": ("name", "text")},
    "display": {"display_data": ("data",)},
    "result": {"execute_result": ("data", "execution_count")},
    "error": {"error": ("ename", "evalue", "traceback")},
}


@dataclass(frozen=True)
class Difference:
    """Where the candidate is not as the reference is."""

    notebook: str
    cell: str
    kind: str
    expected: Any
    actual: Any
    source: str = ""

    @property
    def place(self) -> tuple[str, str, str]:
        return self.notebook, self.cell, self.kind

    def __str__(self) -> str:
        lines = difflib.unified_diff(
            _lines(self.expected), _lines(self.actual), "python3", "agentbay", lineterm="", n=2
        )
        head = f"── {self.notebook}, cell {self.cell}: {self.kind}"
        return "\n".join([head, *_quoted(self.source), *lines])


def plain(recording: Recording) -> Json:
    """The recording as normalised data: what is compared."""
    normal = Normal(recording.folder)
    cells = {label: normal(asdict(cell)) for label, cell in recording.cells.items()}
    return {"cells": cells, "widgets": normal(recording.widgets)}


def differences(notebook: str, expected: Json, actual: Json) -> Iterator[Difference]:
    """Every place where `actual` is not `expected`; both come from `plain`."""
    for label, cell in expected["cells"].items():
        for kind, here, there in _of_cell(cell, actual["cells"][label]):
            yield Difference(notebook, label, kind, here, there, cell["source"])
    if expected["widgets"] != actual["widgets"]:
        yield Difference(notebook, "-", "widgets", expected["widgets"], actual["widgets"])


def _of_cell(expected: Json, actual: Json) -> Iterator[tuple[str, Any, Any]]:
    found = False
    for here, there in zip_longest(expected["outputs"], actual["outputs"]):
        for kind in _of_output(here, there):
            found = True
            yield kind, expected["outputs"], actual["outputs"]
            break
        if found:
            break
    # The messages repeat what the outputs have shown already.
    aspects = ("count", "reply", "comms") if found else ("count", "reply", "messages", "comms")
    for aspect in aspects:
        if expected[aspect] != actual[aspect]:
            yield aspect, expected[aspect], actual[aspect]


def _of_output(here: Json | None, there: Json | None) -> Iterator[str]:
    """The kinds of difference between two outputs in one place, the gravest first."""
    if here == there:
        return
    if here is None or there is None or here["output_type"] != there["output_type"]:
        yield "outputs"
        return
    for kind, fields in KINDS.items():
        for field in fields.get(here["output_type"], ()):
            if here[field] != there[field]:
                yield kind
                return
    yield "metadata"


def _lines(value: Any) -> list[str]:
    """The value for reading: JSON, but a text on as many lines as it has."""
    lines = []
    for line in json.dumps(value, indent=1, ensure_ascii=False).splitlines():
        for part in line.replace("\\r", "\\r\n").replace("\\n", "\\n\n").splitlines():
            short = part if len(part) <= LONGEST_LINE else f"{part[:LONGEST_LINE]}… {len(part)}"
            lines.append(short)
    return lines


def _quoted(source: str) -> list[str]:
    return [f"   │ {line}" for line in source.splitlines()[:12]]
