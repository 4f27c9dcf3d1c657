"""What a kernel sent while nbclient ran a notebook on it."""

from __future__ import annotations

import base64
import contextlib
import time
from dataclasses import dataclass, field
from queue import Empty
from typing import TYPE_CHECKING, Any

from nbclient import NotebookClient

from tests.protocol.differential import cells

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]

FIRST = "-"
"""The name of a cell that is added where a bar would be drawn by the clock."""
LAST = "--"
"""The name of a cell that is added to each notebook, and asks where the kernel works."""
FOLDER = "import os; print(end=os.getcwd())"
STEADY = "import os; os.environ['TQDM_MININTERVAL'] = '0'"
"""What comes before progress bars, which otherwise draw what the clock lets them."""
PROGRESS = [
    {
        "type": "display_data",
        "data": {"text/plain": "Starting a session…"},
        "metadata": {},
        "transient": {},
        "buffers": [],
    },
    {"type": "clear_output", "wait": False, "buffers": []},
]
"""What our kernel shows, and takes away again, while the first cell waits for its session."""
POLL_SECONDS = 0.25
REPLY = ("status", "payload", "user_expressions", "ename", "evalue", "traceback")


@dataclass
class Cell:
    """One cell's saved outputs and the messages they were made from."""

    source: str
    outputs: list[Json] = field(default_factory=list)
    count: int | None = None
    reply: Json = field(default_factory=dict)
    messages: list[Json] = field(default_factory=list)
    """What a front end shows, in order: output, its updates and its removals."""
    comms: list[Json] = field(default_factory=list)
    """What was said on comms, in order; ipykernel orders these not with the output."""


@dataclass
class Recording:
    """A whole notebook as one kernel ran it."""

    cells: dict[str, Cell]
    widgets: Json
    folder: str
    """Where the kernel worked; a session's is not the client's."""


class _Client(NotebookClient):
    """nbclient, which also keeps each message of a cell as it came."""

    def listen(self, recorded: list[Cell]) -> None:
        self._recorded = recorded

    def process_message(self, msg: Json, cell: Json, cell_index: int) -> Any:
        self._keep(msg, self._recorded[cell_index])
        return super().process_message(msg, cell, cell_index)

    async def async_start_new_kernel_client(self) -> Any:
        client = await super().async_start_new_kernel_client()
        client.shell_channel.get_msg = _patiently(client.shell_channel.get_msg)
        return client

    def _keep(self, message: Json, cell: Cell) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "status":
            return
        kept = {
            "type": kind,
            **dict(sorted(content.items())),
            "buffers": _texts(message.get("buffers", [])),
        }
        (cell.comms if kind.startswith("comm_") else cell.messages).append(kept)


def _patiently(get: Callable[..., Any]) -> Callable[..., Any]:
    """Wait in short steps.

    nbclient writes to the shell socket, for Output widgets, while it waits on it; the socket then
    may not wake up for the reply until it is looked at anew.
    """

    async def patient(timeout: float) -> Any:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with contextlib.suppress(Empty):
                return await get(timeout=POLL_SECONDS)
        raise Empty

    return patient


async def record(kernel: str, sources: dict[str, str], folder: Path) -> Recording:
    """Run the cells one after another in a new kernel, errors included."""
    steady = any("tqdm" in source for source in sources.values())
    first = {FIRST: STEADY} if steady else {}
    whole = {**first, **sources, LAST: FOLDER}
    recorded = {label: Cell(source) for label, source in whole.items()}
    book = cells.notebook({label: cell.source for label, cell in recorded.items()})
    order = list(recorded.values())

    def replied(cell_index: int, execute_reply: Json, **_: Any) -> None:
        content = execute_reply["content"]
        order[cell_index].reply = {key: content[key] for key in REPLY if key in content}

    client = _Client(
        book,
        kernel_name=kernel,
        timeout=60,
        allow_errors=True,
        record_timing=False,
        store_widget_state=True,
        resources={"metadata": {"path": str(folder)}},
        on_cell_executed=replied,
    )
    client.listen(order)
    await client.async_execute()
    for cell, saved in zip(order, book.cells, strict=True):
        cell.messages = merged(cell.messages)
        cell.outputs = merged([dict(output) for output in saved.outputs])
        cell.count = saved.execution_count
    order[0].messages = without_progress(order[0].messages)
    place = recorded.pop(LAST).outputs[0]["text"]
    recorded.pop(FIRST, None)
    return Recording(recorded, dict(book.metadata.get("widgets", {})), place)


def merged(messages: list[Json]) -> list[Json]:
    """The messages with neighbouring chunks of one stream joined: where a chunk ends is timing."""
    found: list[Json] = []
    for message in messages:
        before = found[-1] if found else {}
        if "text" in message and before.get("name") == message["name"] and "text" in before:
            found[-1] = {**before, "text": before["text"] + message["text"]}
        else:
            found.append(message)
    return found


def without_progress(messages: list[Json]) -> list[Json]:
    """A first cell's messages, less the sign that its session starts, after the cell's input."""
    return messages[:1] + messages[3:] if messages[1:3] == PROGRESS else messages


def _texts(buffers: list[Any]) -> list[str]:
    return [base64.b64encode(bytes(buffer)).decode() for buffer in buffers]
