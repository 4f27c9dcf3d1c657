"""Where messages leave: in the running cell's stream, between cells over the control channel."""

from __future__ import annotations

import base64
import itertools
import json
import os
import threading
from collections import deque
from contextvars import ContextVar
from typing import Any, Callable, Deque, Dict, List, Optional, Tuple, Union

from . import frames
from .journal import LIMIT, Journal
from .parents import UNSEEN, Parent, Parents, id_of

Write = Callable[[str], Any]


class Outbox:
    """Writes frames into `out`, the stream that the provider's `run_code` carries."""

    def __init__(self, nonce: str, out: Any, err: Any, parents: Parents) -> None:
        self.mark = frames.MARK + nonce
        self.out, self.err = out, err
        self.parents = parents
        self.journal = Journal()
        self.run: Optional[Parent] = None
        self.plain = False
        self.awaited: Optional[Tuple[str, Callable[[], None]]] = None
        self.aside: Callable[[Dict[str, Any]], None] = lambda message: None
        self._write: Write = out.write
        self._owner: Any = getattr(out, "_parent_header", None)
        self._home: Any = None
        self._write_err: Write = err.write
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._next: Deque[Union[str, Tuple[str, str]]] = deque()
        self._writing = False
        self._child = False
        os.register_at_fork(after_in_child=self._become_child)

    def begin(self, parent: Parent) -> None:
        """A run starts: what comes from now on goes into its stream."""
        with self._lock:
            self.journal.begin(id_of(parent))
            self.run = parent
            if isinstance(self._owner, ContextVar):
                self._home = self.out.parent_header
        self.emit("begin", {}, parent=parent)

    def end(self) -> None:
        """The run has ended; what comes later goes over the control channel."""
        self.run = None
        self.journal.complete = True

    def emit(
        self,
        kind: str,
        content: Any,
        *,
        buffers: Any = None,
        metadata: Any = None,
        parent: Optional[Parent] = None,
    ) -> None:
        """Send a message after all text that was written before it."""
        owner = self.parents.get() if parent is None else parent
        message: Dict[str, Any] = {"t": kind, "c": content, "p": id_of(owner)}
        if metadata:
            message["m"] = metadata
        if buffers:
            message["b"] = [base64.b64encode(each).decode() for each in buffers]
        self.send(message)

    def send(self, message: Dict[str, Any]) -> None:
        """Send a message that is complete; a forked child's are dropped, as ipykernel does."""
        if self._child or message["p"] == UNSEEN:
            return
        if self.run is None:
            # A copy: it may leave later, and what it shows may have changed by then.
            self.aside(json.loads(frames.dumps(message)))
            return
        packed = frames.pack(message, next(self._numbers))
        for kind, payload in packed:
            self._put((kind, payload))
            if len(packed) > 1:
                self.out.flush()  # unflushed pieces would be put together again on the way

    def write_out(self, text: Any) -> Any:
        """Write text of stdout: what `text` does, sooner where nothing is special."""
        run = self.run
        if run is None or self.awaited is not None or self.plain or self._child:
            return self.text("stdout", text)
        if not isinstance(text, str) or len(text) > frames.LARGE or self.parents.get() is not run:
            return self.text("stdout", text)
        self._put(text)
        return len(text)

    def text(self, name: str, text: Any) -> Any:
        """Write text of stdout or stderr; gives what the stream's own `write` gives."""
        if self._child or self.plain or not isinstance(text, str):
            return (self._write if name == "stdout" else self._write_err)(text)
        if self.awaited is not None:
            self._put_to_mark(name, text, *self.awaited)
        else:
            self._put_text(name, text)
        return len(text)

    def _put_text(self, name: str, text: str) -> None:
        parent = self.parents.get()
        if self.run is None or parent is not self.run:
            self.send({"t": "stream", "c": {"name": name, "text": text}, "p": id_of(parent)})
        elif name == "stderr":
            self._put_err(text)
        elif len(text) > frames.LARGE:
            self._put_large(text)
        else:
            self._put(text)

    def _put_to_mark(self, name: str, text: str, mark: str, seen: Callable[[], None]) -> None:
        """Put text, but not the mark in it, which says that all before it has come."""
        before, found, after = text.partition(mark)
        if before:
            self._put_text(name, before)
        if found:
            seen()
        if after:
            self._put_text(name, after)

    def _put(self, item: Union[str, Tuple[str, str]]) -> None:
        """Write text, or a frame of that kind and payload, and keep it in the journal.

        What a signal or the garbage collector makes this thread write meanwhile comes after it.
        """
        with self._lock:
            if self._writing or self._next:  # an interrupt may have left some
                self._next.append(item)
            if self._writing:
                return
            self._writing = True
            try:
                if not self._next:
                    self._put_now(item)
                while self._next:
                    self._put_now(self._next.popleft())
            finally:
                self._writing = False

    def _put_now(self, item: Union[str, Tuple[str, str]]) -> None:
        text = item if isinstance(item, str) else self._framed(*item)
        if self._home is None:
            self._write(text)
        else:
            self._write_home(text)
        self.journal.append(text)

    def _write_home(self, text: str) -> None:
        """Write as the run: an ipykernel's stream sorts text by the request that writes it."""
        token = self._owner.set(self._home)
        try:
            self._write(text)
        finally:
            self._owner.reset(token)

    def _framed(self, kind: str, payload: str) -> str:
        return f"{frames.head(self.mark, kind, len(payload), self.journal.end)}{payload}\n"

    def _put_err(self, text: str) -> None:
        for at in range(0, len(text), frames.LARGE):
            self._put(("e", frames.dumps(text[at : at + frames.LARGE])))

    def _put_large(self, text: str) -> None:
        for kind, part in frames.parts(text):
            self._put((kind, part) if kind else part)
            self.out.flush()

    def _become_child(self) -> None:
        # A forked child shares the streams, not the run.
        self._child = True
        self._lock = threading.RLock()


class Late:
    """Messages between two runs, until the kernel has them; text that follows text is joined.

    Each gets a number when it is taken, and is kept to be sent again until that is forgotten.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        # Reentrant: the garbage collector may close a comm wherever this allocates.
        self._lock = threading.RLock()
        self._messages: List[Tuple[Dict[str, Any], List[str]]] = []
        self._taken: Deque[Tuple[int, Dict[str, Any]]] = deque()
        self._again: List[Dict[str, Any]] = []
        self._number = 0
        self._size = 0
        self._lost = 0

    def add(self, message: Dict[str, Any]) -> None:
        """Keep a message, or count it when there is too much."""
        texts = [message["c"]["text"]] if message["t"] == "stream" else []
        size = _size_of(message)
        with self._lock:
            if self._size + size > self._limit:
                self._lost += size
                return
            self._size += size
            last = self._messages[-1] if self._messages else None
            if last is not None and _same_stream(last[0], message):
                last[1].extend(texts)
            else:
                self._messages.append((message, texts))

    def take(self) -> List[Dict[str, Any]]:
        """All that nobody has taken, with a word about what was not kept."""
        with self._lock:
            kept, lost = self._messages, self._lost
            again, self._messages, self._again, self._lost = self._again, [], [], 0
            taken = [_joined(message, texts) for message, texts in kept]
            if lost:
                text = f"[{lost} characters that came between two cells were not kept]\n"
                taken.append({"t": "stream", "c": {"name": "stderr", "text": text}, "p": ""})
            taken = [dict(each, s=self._number + at) for at, each in enumerate(taken, 1)]
            self._number += len(taken)
            self._taken.extend((_size_of(each), each) for each in taken)
        return again + taken

    def repeat(self) -> None:
        """The kernel may not have got what was taken: the next one takes it again."""
        with self._lock:
            self._again = [message for _, message in self._taken]

    def forget(self, number: int) -> None:
        """The kernel has all messages up to a number."""
        with self._lock:
            while self._taken and self._taken[0][1]["s"] <= number:
                size, message = self._taken.popleft()
                self._size = max(0, self._size - size)
                self._again = [each for each in self._again if each is not message]


def _size_of(message: Dict[str, Any]) -> int:
    return len(message["c"]["text"]) if message["t"] == "stream" else len(str(message))


def _joined(message: Dict[str, Any], texts: List[str]) -> Dict[str, Any]:
    return dict(message, c=dict(message["c"], text="".join(texts))) if texts else message


def _same_stream(one: Dict[str, Any], other: Dict[str, Any]) -> bool:
    if not one["t"] == other["t"] == "stream" or one["p"] != other["p"]:
        return False
    return bool(one["c"]["name"] == other["c"]["name"])
