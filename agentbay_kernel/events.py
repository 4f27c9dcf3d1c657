"""What a running cell emits, as frozen values in the order in which it happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Stream:
    """A piece of text that the cell wrote."""

    name: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True)
class DisplayData:
    """A display: `data` maps MIME types to payloads; `display_id` makes it updatable."""

    data: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    display_id: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateDisplayData:
    """New content for every display that was shown under `display_id`."""

    data: Mapping[str, Any]
    display_id: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExecuteResult:
    """The value of the cell's last expression, which a notebook shows beside `Out[n]`."""

    data: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClearOutput:
    """Remove the cell's output, at once or (`wait`) when the next output arrives."""

    wait: bool = False


@dataclass(frozen=True, slots=True)
class CellError:
    """The exception that ended the cell, rendered as IPython renders it."""

    ename: str
    evalue: str
    traceback: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CommMessage:
    """A message of a comm that lives in the session; `target` is that of a `comm_open`."""

    kind: Literal["comm_open", "comm_msg", "comm_close"]
    comm_id: str
    data: Mapping[str, Any]
    target: str = ""
    target_module: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    buffers: tuple[bytes, ...] = ()


Event = (
    Stream | DisplayData | UpdateDisplayData | ExecuteResult | ClearOutput | CellError | CommMessage
)
Emit = Callable[[Event], None]
