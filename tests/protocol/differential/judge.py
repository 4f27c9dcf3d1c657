"""The verdict over one notebook: nothing differs but what is listed, and that does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.protocol.differential import compare

if TYPE_CHECKING:
    from tests.protocol.differential.recording import Json

Place = tuple[str, str, str]


def complaints(notebook: str, expected: Json, actual: Json, listed: set[Place]) -> list[str]:
    """What to say against the candidate, for reading; nothing if all is well."""
    found = list(compare.differences(notebook, expected, actual))
    said = [str(one) for one in found if one.place not in listed]
    gone = listed - {one.place for one in found}
    return said + [f"── {place}: listed in differences.toml, but is the same" for place in gone]
