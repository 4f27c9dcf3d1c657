"""The control channel's end in the session: a Unix socket, lines of JSON in, frames out.

Requests: `{"op": NAME, "r": NUMBER, …}`. Answers are frames, `{"t": "answer", "r": NUMBER, "c": …}`
or `{"t": "refusal", "r": NUMBER, "c": TEXT}`. What touches the user's objects runs on the main
thread's loop, as in ipykernel; with `"aside": true` in a thread of its own, as in a subshell.

A client that joins is told what happens between two runs; one that does not join asks one thing.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import socket
import struct
import threading
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional

from . import frames, interrupt, parents
from .answers import Answers
from .comms import Comms
from .living import Living
from .outbox import Late, Outbox
from .stdin import Stdin

Request = Dict[str, Any]
GATHER_SECONDS = 0.01
TAIL = 256 << 10

LONGEST_PATH = 100
"""Bytes of a path by which a socket is bound and joined."""

SEND_SECONDS = 10
"""How long a client may take nothing; the main thread may be waiting for it."""

TURN_SECONDS = 5
"""How long a message waits for one that was sent before it and may be lost."""

RELAY = """\
import base64, os, socket, sys, threading
link = socket.socket(socket.AF_UNIX)
path = sys.argv[1]
try:
    if len(os.fsencode(path)) > 100:
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        path = "/proc/self/fd/%d/control" % folder
    link.connect(path)
except OSError as error:
    sys.exit("agentbay-relay: " + type(error).__name__)
def up():
    while True:
        data = os.read(0, 1 << 16)
        if not data: os._exit(0)
        link.sendall(data)
if len(sys.argv) == 2:
    link.sendall(b'{"op": "join"}\\n')
    threading.Thread(target=up, daemon=True).start()
elif sys.argv[2] == "file":
    with open(sys.argv[3], "rb") as file:
        link.sendall(file.read())
    os.unlink(sys.argv[3])
else:
    link.sendall(base64.b64decode(sys.argv[3]))
while True:
    data = link.recv(1 << 16)
    if not data: break
    while data: data = data[os.write(1, data):]
"""


class Inbox:
    """Serves one client that has joined, the newest, and any number that ask one thing."""

    def __init__(
        self, folder: str, outbox: Outbox, answers: Answers, comms: Comms, stdin: Stdin
    ) -> None:
        self.path = os.path.join(folder, "control")
        self.relay = os.path.join(folder, "relay.py")
        self._outbox = outbox
        self._answers = answers
        self._comms = comms
        self._stdin = stdin
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._client: Optional[socket.socket] = None
        self._sending = threading.Lock()
        self._number = 0
        self._server = socket.socket(socket.AF_UNIX)
        self._beside: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()
        self.late = Late()
        # An Event would be left locked or unset where an interrupt strikes inside of its Python.
        self._wake: "queue.SimpleQueue[None]" = queue.SimpleQueue()
        self._handling: Dict[str, int] = {}
        self._handled: Deque[str] = deque(maxlen=1000)
        self._turned = threading.Condition()
        self._turns: Dict[str, int] = {}
        self.living = Living(_NAME)

    def open(self, loop: Optional[asyncio.AbstractEventLoop]) -> None:
        """Listen; `loop` is the one on which the user's awaiting cells run."""
        self._loop = loop
        self.living.begin(loop)
        with open(self.relay, "w") as file:
            file.write(RELAY)
        self._bind()
        self._server.listen(2)
        self._outbox.aside = self._aside
        self._stdin.connected = lambda: self._client is not None
        for work in (self._accept, self._hand_out, self._work_beside):
            threading.Thread(target=work, name=_NAME, daemon=True).start()

    def _bind(self) -> None:
        if len(os.fsencode(self.path)) <= LONGEST_PATH:
            self._server.bind(self.path)
            return
        # A socket's path ends at 107 bytes, that of a folder for temporary files may not.
        folder = os.open(os.path.dirname(self.path), os.O_RDONLY)
        try:
            self._server.bind("/proc/self/fd/%d/control" % folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Let the client go and listen no longer."""
        self._server.close()
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            limit = struct.pack("ll", SEND_SECONDS, 0)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
            threading.Thread(target=self._read, args=(client,), name=_NAME, daemon=True).start()

    def _read(self, client: socket.socket) -> None:
        try:
            with client.makefile("rb") as lines:
                for line in lines:
                    self._take(line, client)
        except OSError:
            pass
        if self._client is client:
            self._client = None

    def _take(self, line: bytes, client: socket.socket) -> None:
        try:
            request: Request = json.loads(line)
            handle = getattr(self, "_on_" + str(request["op"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            return
        handle(dict(request, client=client))

    def _on_join(self, request: Request) -> None:
        former, self._client = self._client, request["client"]
        if former is not None:
            _hang_up(former)
        self.late.repeat()
        self._send({"t": "ready", "c": {}}, request["client"])
        self._wake.put(None)

    def _on_ping(self, request: Request) -> None:
        self._answer(request, {"run": self._outbox.journal.run, "threads": self.living.any()})

    def _on_ack(self, request: Request) -> None:
        if request["run"] == self._outbox.journal.run:
            self._outbox.journal.forget(request["at"])
        self._answer(request, None)

    def _on_got(self, request: Request) -> None:
        self.late.forget(request["number"])
        self._answer(request, None)

    def _on_tail(self, request: Request) -> None:
        journal = self._outbox.journal
        if journal.run != request["run"]:
            self._answer(request, {"other": True, "idle": self._outbox.run is None})
            return
        complete = journal.complete
        start, text = journal.read(request["at"], TAIL)
        over = complete and start + len(text) >= journal.end
        self._answer(request, {"start": start, "text": text, "complete": over})

    def _on_input(self, request: Request) -> None:
        self._stdin.answer(request["id"], request["reply"])
        self._answer(request, None)

    def _on_signal(self, request: Request) -> None:
        run, thread = self._outbox.run, self._handling.get(request["run"])
        runs = run is not None and parents.id_of(run) == request["run"]
        self._answer(request, {"sent": runs or thread is not None})
        if runs:
            interrupt.everything()
        elif thread is not None:
            interrupt.one(thread)

    def _on_comm(self, request: Request) -> None:
        message = request["message"]
        name = message["header"]["msg_id"]
        if name in self._handled:
            self._answer(request, None)  # the connection broke, and it was sent once more
            return
        self._handled.append(name)
        self._await_turn(request.get("turn"))
        parent = parents.make(name, message["header"]["msg_type"])

        def handle() -> None:
            held = self._outbox.parents
            (held.set_here if request.get("aside") else held.set)(parent)
            self._handling[name] = threading.get_ident()
            try:
                with interrupt.allowed():
                    self._comms.handle(message)
            finally:
                del self._handling[name]

        self._work(request, handle)
        self._end_turn(request.get("turn"))

    def _await_turn(self, turn: Optional[List[Any]]) -> None:
        """Wait for the messages before this one, which come each by a connection of its own."""
        if turn is None:
            return
        sender, number = turn
        with self._turned:
            self._turned.wait_for(lambda: self._turns.get(sender, 0) >= number, TURN_SECONDS)

    def _end_turn(self, turn: Optional[List[Any]]) -> None:
        if turn is not None:
            with self._turned:
                self._turns[turn[0]] = max(self._turns.get(turn[0], 0), turn[1] + 1)
                self._turned.notify_all()

    def _on_ask(self, request: Request) -> None:
        question = getattr(self._answers, str(request["question"]))
        arguments = request.get("arguments", {})
        self._work(request, lambda: question(**arguments))

    def _work(self, request: Request, work: Callable[[], Any]) -> None:
        def run() -> None:
            try:
                self._answer(request, work())
            except KeyboardInterrupt:
                self._refuse(request, "KeyboardInterrupt")
            except Exception as error:
                self._refuse(request, f"{type(error).__name__}: {error}")

        if request.get("aside") or self._loop is None or not self._loop.is_running():
            self._beside.put(run)
        else:
            self._loop.call_soon_threadsafe(run)

    def _work_beside(self) -> None:
        """What runs beside a cell, in the order in which it came."""
        while True:
            try:
                self._beside.get()()
            except KeyboardInterrupt:
                pass  # it came when its work had just ended

    def _answer(self, request: Request, content: Any) -> None:
        self._finish(request, "answer", content)

    def _refuse(self, request: Request, text: str) -> None:
        self._finish(request, "refusal", text)

    def _finish(self, request: Request, kind: str, content: Any) -> None:
        client = request["client"]
        if "r" in request:
            self._flush(client)  # what it wrote comes before the answer
            self._send({"t": kind, "r": request["r"], "c": content}, client)
        if client is not self._client:
            _hang_up(client)

    def _aside(self, message: Dict[str, Any]) -> None:
        self.late.add(message)
        if not self._wake.qsize():
            self._wake.put(None)

    def _hand_out(self) -> None:
        pause = threading.Event()
        while True:
            self._wake.get()
            pause.wait(GATHER_SECONDS)
            while self._wake.qsize():
                self._wake.get()
            if self._client is not None:
                self._flush(self._client)

    def _flush(self, client: socket.socket) -> None:
        for message in self.late.take():
            self._send(message, client)

    def _send(self, message: Dict[str, Any], client: socket.socket) -> None:
        with self._sending:
            self._number += 1
            mark = self._outbox.mark
            text = "".join(
                f"{frames.head(mark, kind, len(payload), 0)}{payload}\n"
                for kind, payload in frames.pack(message, self._number)
            )
            try:
                client.sendall(text.encode("ascii"))
            except OSError:
                if self._client is client:
                    self._client = None
                _hang_up(client)


_NAME = "agentbay-control"


def _hang_up(client: socket.socket) -> None:
    """End a connection that another thread may be reading from."""
    try:
        client.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    client.close()
