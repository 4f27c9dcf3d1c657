"""The port to the tools of an image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class ToolInfo:
    """One tool of an image; `schema` is the JSON schema of its arguments, empty if not known."""

    name: str
    server: str = ""
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolContent:
    """One piece of a tool's answer: a text, or with a `mime` the bytes of an image or file."""

    text: str = ""
    mime: str = ""
    data: bytes = b""


class Tools(Protocol):
    """The tools of one session's image."""

    async def list(self) -> Sequence[ToolInfo]:
        """All tools; asked once."""

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Sequence[ToolContent]:
        """Call one and give all of its answer; raises ToolError."""
