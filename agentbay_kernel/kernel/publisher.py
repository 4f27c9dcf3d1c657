"""Turn events into Jupyter messages under the cell that caused them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agentbay_kernel.events import (
    CellError,
    ClearOutput,
    CommMessage,
    DisplayData,
    Event,
    ExecuteResult,
    Stream,
    UpdateDisplayData,
)
from agentbay_kernel.kernel.packing import display_content, stream_content


@dataclass(frozen=True, slots=True)
class Message:
    """A message for iopub; its content may be packed already."""

    kind: str
    content: dict[str, Any] | bytes
    metadata: dict[str, Any] = field(default_factory=dict)
    buffers: list[bytes] = field(default_factory=list)


Send = Callable[[Message], None]

# A message a write would cost a front end far more than the text does.
FLUSH_SECONDS = 0.02
FLUSH_CHARACTERS = 1 << 19
# Where the streams take turns more often meanwhile, each is put together, as in ipykernel.
MOST_TURNS = 8


class Publisher:
    """Publishes one request's events in order; text that follows quickly is put together."""

    def __init__(self, send: Send, execution_count: int) -> None:
        self._send = send
        self._count = execution_count
        self._turns: list[tuple[str, list[str]]] = []
        self._size = 0
        self._last = 0.0
        self._timer: asyncio.Handle | None = None
        self.used = False

    def __call__(self, event: Event) -> None:
        """Publish an event."""
        self.used = True
        if isinstance(event, Stream):
            self._text(event)
        else:
            self.flush()
            self._send(_message(event, self._count))

    def flush(self) -> None:
        """Send the text that is held back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        turns, self._turns, self._size = self._turns, [], 0
        for name, texts in turns if len(turns) <= MOST_TURNS else _by_stream(turns):
            self._send(Message("stream", stream_content(name, "".join(texts))))

    def _text(self, event: Stream) -> None:
        if self._turns and self._turns[-1][0] == event.name:
            self._turns[-1][1].append(event.text)
        else:
            self._turns.append((event.name, [event.text]))
        self._size += len(event.text)
        loop = asyncio.get_running_loop()
        if self._size >= FLUSH_CHARACTERS:
            self._last = loop.time()
            self.flush()
        elif self._timer is None:
            now = loop.time()
            if now - self._last >= FLUSH_SECONDS:
                # With what came together with it: `print` writes its text and its end apart.
                self._last = now
                self._timer = loop.call_soon(self.flush)
            else:
                self._timer = loop.call_later(FLUSH_SECONDS, self.flush)


def _by_stream(turns: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for name, texts in turns:
        found.setdefault(name, []).extend(texts)
    return list(found.items())


def _message(event: Event, count: int) -> Message:
    match event:
        case DisplayData(data, metadata, display_id):
            return Message("display_data", _bundle(data, metadata, display_id))
        case UpdateDisplayData(data, display_id, metadata):
            return Message("update_display_data", _bundle(data, metadata, display_id))
        case ExecuteResult(data, metadata):
            content = {"data": dict(data), "metadata": dict(metadata), "execution_count": count}
            return Message("execute_result", display_content(content))
        case ClearOutput(wait):
            return Message("clear_output", {"wait": wait})
        case CellError(ename, evalue, traceback):
            content = {"ename": ename, "evalue": evalue, "traceback": list(traceback)}
            return Message("error", content)
        case CommMessage():
            return _comm(event)
        case Stream(name, text):
            return Message("stream", stream_content(name, text))


def _bundle(data: Any, metadata: Any, display_id: str | None) -> dict[str, Any] | bytes:
    transient = {"display_id": display_id} if display_id else {}
    return display_content({"data": dict(data), "metadata": dict(metadata), "transient": transient})


def _comm(event: CommMessage) -> Message:
    content: dict[str, Any] = {"comm_id": event.comm_id, "data": dict(event.data)}
    if event.kind == "comm_open":
        content |= {"target_name": event.target, "target_module": event.target_module}
    return Message(event.kind, content, dict(event.metadata), list(event.buffers))
