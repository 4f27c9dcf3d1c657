"""One cell on its way: its text for the session, and what comes back of it."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agentbay_kernel.bridge import messages, values
from agentbay_kernel.bridge.demux import LOGGED, Demux
from agentbay_kernel.events import CellError, Stream
from agentbay_kernel.remote.frames import MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agentbay_kernel.bridge.messages import InputRequest, Reply
    from agentbay_kernel.events import Emit, Event

log = logging.getLogger("agentbay_kernel.bridge")

ACK_CHARACTERS = 8 << 20


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as the kernel sends it; `request` is the id of the message that asked for it.

    `missed` are the cells since the last one that did not reach the session, by their numbers;
    `typed` is the whole cell when `code` is a piece of it; `start` is what front ends have sent to
    be there in the interpreter before any cell.
    """

    code: str
    request: str = ""
    count: int = 1
    store: bool = True
    silent: bool = False
    allow_stdin: bool = False
    expressions: Mapping[str, str] = field(default_factory=dict)
    cell_id: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    missed: tuple[tuple[int, str], ...] = ()
    typed: str = ""
    start: tuple[str, ...] = ()

    def text(self, nonce: str, start: Sequence[str] = ()) -> str:
        """The cell below the header that the hooks in the session take off.

        `start` is what this interpreter has not got yet.
        """
        header = {
            "id": self.request,
            "n": self.count,
            "store": self.store,
            "silent": self.silent,
            "stdin": self.allow_stdin,
            "ue": dict(self.expressions),
            "cell": self.cell_id,
            "meta": dict(self.metadata),
            "missed": self.missed,
            "typed": self.typed,
            "start": list(start),
        }
        return f"{MARK}{nonce}{json.dumps(header)}\n{self.code}"


class Run:
    """Sorts what a run says: its own events, those of other requests, its reply."""

    def __init__(
        self,
        nonce: str,
        cell: Cell,
        emit: Emit,
        *,
        publish: Callable[[str, Event], None],
        on_input: Callable[[InputRequest], None],
        on_hello: Callable[[Mapping[str, Any]], None],
        on_arrived: Callable[[int], None] = lambda position: None,
        is_new: Callable[[Mapping[str, Any]], bool] = lambda message: True,
    ) -> None:
        self.cell = cell
        self.demux = Demux(nonce, self._text, self._message)
        self.begun = False
        self.reply: Reply | None = None
        self.error: CellError | None = None
        self._emit = emit
        self._publish = publish
        self._on_input = on_input
        self._on_hello = on_hello
        self._on_arrived = on_arrived
        self._is_new = is_new
        self._acknowledged = 0

    @property
    def position(self) -> int:
        """Where the rest of this run begins in the session's journal of it."""
        return self.demux.position if self.begun else 0

    def on_event(self, event: Event) -> None:
        """Take an event of the provider, in which frames are text of stdout."""
        if isinstance(event, Stream) and event.name == "stdout":
            self.demux.feed(event.text)
            self.acknowledge()
        elif isinstance(event, Stream):
            self._emit(Stream("stderr", values.clean(event.text)))
        elif isinstance(event, CellError):
            self.error = event  # if there are hooks, they have told it already
        else:
            self._emit(event)

    def acknowledge(self) -> None:
        """Say how far the stream has come, once in a while: so far the session need not keep it."""
        position = self.demux.position
        if position - self._acknowledged >= ACK_CHARACTERS:
            self._acknowledged = position
            self._on_arrived(position)

    def _text(self, name: str, text: str) -> None:
        self._emit(Stream("stderr" if name == "stderr" else "stdout", text))

    def _message(self, message: Mapping[str, Any]) -> None:
        try:
            if self._is_new(message):
                self._sort(message)
        except messages.Malformed as error:
            self.demux.broken += 1
            if self.demux.broken <= LOGGED:
                log.warning("the session sent a message that is none: %s", error)

    def _sort(self, message: Mapping[str, Any]) -> None:
        kind, parent, content = message.get("t"), message.get("p"), message.get("c")
        own = parent in ("", self.cell.request)
        content = content if isinstance(content, dict) else {}
        if kind == "begin":
            self.begun = self.begun or parent == self.cell.request
        elif kind == "hello":
            if not self.begun:
                self._on_hello(content)
        elif kind == "reply":
            if own and self.reply is None:
                self.reply = messages.to_reply(content)
        elif kind == "input_request":
            self._on_input(messages.to_input(content))
        elif own:
            self._emit(messages.to_event(message))
        else:
            self._publish(parent if isinstance(parent, str) else "", messages.to_event(message))
