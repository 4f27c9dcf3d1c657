"""The differences that are accepted, each with its reason, from `differences.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from tests.protocol.differential.cells import HERE

MOST = 5
ACCEPTABLE = {"metadata", "reply", "comms", "widgets"}
"""What a reader of the notebook does not see; text, results, errors and displays may not differ."""


@dataclass(frozen=True)
class Known:
    """One accepted difference, on each of its engines."""

    notebook: str
    cell: str
    kind: str
    reason: str
    engines: tuple[str, ...]

    @property
    def place(self) -> tuple[str, str, str]:
        return self.notebook, self.cell, self.kind


def load() -> list[Known]:
    """Every entry of the file."""
    rows = tomllib.loads((HERE / "differences.toml").read_text()).get("difference", [])
    return [Known(**{**row, "engines": tuple(row["engines"])}) for row in rows]


def places(entries: list[Known], notebook: str, engine: str) -> set[tuple[str, str, str]]:
    """Where a notebook may differ on an engine."""
    return {
        entry.place for entry in entries if entry.notebook == notebook and engine in entry.engines
    }
