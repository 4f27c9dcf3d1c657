"""A run's stream without a session: what the hooks write, cut anywhere, read by the kernel."""

from __future__ import annotations

import io
import itertools

from agentbay_kernel.bridge.demux import Demux
from agentbay_kernel.remote.frames import MARK
from agentbay_kernel.remote.outbox import Outbox
from agentbay_kernel.remote.parents import Parents, make

NONCE = "0123456789ab"


class Hooks:
    """The writing side, whose stream is a text in memory."""

    def __init__(self, request="m1"):
        self.out, self.err = io.StringIO(newline=""), io.StringIO(newline="")
        self.parents = Parents()
        self.box = Outbox(NONCE, self.out, self.err, self.parents)
        parent = make(request, "execute_request")
        self.parents.set(parent)
        self.box.begin(parent)

    @property
    def stream(self):
        return self.out.getvalue()


class Reader:
    """The reading side; `seen` has ("stdout" or "stderr", text) and ("message", its dictionary)."""

    def __init__(self):
        self.seen = []
        self.demux = Demux(NONCE, self._text, self._message)

    def _text(self, name, text):
        if self.seen and self.seen[-1][0] == name:
            text = self.seen.pop()[1] + text
        self.seen.append((name, text))

    def _message(self, message):
        if message["t"] != "begin":
            self.seen.append(("message", message))

    @property
    def messages(self):
        return [each for kind, each in self.seen if kind == "message"]

    def text(self, name="stdout"):
        return "".join(each for kind, each in self.seen if kind == name)


def read(stream, sizes=(1 << 16,)):
    """Feed a whole stream in pieces of these sizes, again and again."""
    reader = Reader()
    for chunk in cut(stream, sizes):
        reader.demux.feed(chunk)
    reader.demux.end()
    return reader


def cut(stream, sizes):
    at = 0
    for length in itertools.cycle(sizes):
        if at >= len(stream):
            return
        yield stream[at : at + length]
        at += length


def frame(kind, payload, *, length=None, position="0", nonce=NONCE, end="\n"):
    """A frame as anybody in the session can write it."""
    size = f"{len(payload):x}" if length is None else length
    return f"{MARK}{nonce}{kind}{size},{position};{payload}{end}"
