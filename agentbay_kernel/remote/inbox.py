"""The control channel's end in the session: a Unix socket, lines of JSON in, frames out.

Requests: `{"op": NAME, "r": NUMBER, …}`. Answers are frames, `{"t": "answer", "r": NUMBER, "c": …}`
or `{"t": "refusal", "r": NUMBER, "c": TEXT}`. What touches the user's objects runs on the main
thread's loop, as in ipykernel; with `"aside": true` in a thread of its own, as in a subshell.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import signal
import socket
import threading
from typing import Any, Callable, Dict, Optional

from . import frames, parents
from .answers import Answers
from .comms import Comms
from .outbox import Late, Outbox
from .stdin import Stdin

Request = Dict[str, Any]
GATHER_SECONDS = 0.01
TAIL = 256 << 10

RELAY = """\
import os, socket, sys, threading
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
def up():
    while True:
        data = os.read(0, 1 << 16)
        if not data: os._exit(0)
        link.sendall(data)
threading.Thread(target=up, daemon=True).start()
while True:
    data = link.recv(1 << 16)
    if not data: break
    while data: data = data[os.write(1, data):]
"""


class Inbox:
    """Serves one client at a time; the newest takes the place of the one before."""

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
        self._wake = threading.Event()

    def open(self, loop: Optional[asyncio.AbstractEventLoop]) -> None:
        """Listen; `loop` is the one on which the user's awaiting cells run."""
        self._loop = loop
        with open(self.relay, "w") as file:
            file.write(RELAY)
        self._server.bind(self.path)
        self._server.listen(2)
        self._outbox.aside = self._aside
        self._stdin.connected = lambda: self._client is not None
        for work in (self._accept, self._hand_out, self._work_beside):
            threading.Thread(target=work, name="agentbay-control", daemon=True).start()

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
            former, self._client = self._client, client
            if former is not None:
                former.close()
            threading.Thread(
                target=self._read, args=(client,), name="agentbay-control", daemon=True
            ).start()
            self._send({"t": "ready", "c": {}})
            self._wake.set()

    def _read(self, client: socket.socket) -> None:
        try:
            with client.makefile("rb") as lines:
                for line in lines:
                    self._take(line)
        except OSError:
            pass
        if self._client is client:
            self._client = None

    def _take(self, line: bytes) -> None:
        try:
            request: Request = json.loads(line)
            handle = getattr(self, "_on_" + str(request["op"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            return
        handle(request)

    def _on_ping(self, request: Request) -> None:
        self._answer(request, {"run": self._outbox.journal.run})

    def _on_ack(self, request: Request) -> None:
        if request["run"] == self._outbox.journal.run:
            self._outbox.journal.forget(request["at"])

    def _on_tail(self, request: Request) -> None:
        journal = self._outbox.journal
        if journal.run != request["run"]:
            self._refuse(request, "that run is over and another has begun")
            return
        complete = journal.complete
        start, text = journal.read(request["at"], TAIL)
        over = complete and start + len(text) >= journal.end
        self._answer(request, {"start": start, "text": text, "complete": over})

    def _on_input(self, request: Request) -> None:
        self._stdin.answer(request["id"], request["reply"])

    def _on_signal(self, request: Request) -> None:
        run = self._outbox.run
        if run is None or parents.id_of(run) != request["run"]:
            self._answer(request, {"sent": False})
            return
        self._answer(request, {"sent": True})
        if os.getpgid(0) == os.getpid():
            os.killpg(os.getpid(), signal.SIGINT)
        else:
            os.kill(os.getpid(), signal.SIGINT)

    def _on_comm(self, request: Request) -> None:
        message = request["message"]
        parent = parents.make(message["header"]["msg_id"], message["header"]["msg_type"])

        def handle() -> None:
            held = self._outbox.parents
            (held.set_here if request.get("aside") else held.set)(parent)
            self._comms.handle(message)

        self._work(request, handle)

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
            self._beside.get()()

    def _answer(self, request: Request, content: Any) -> None:
        # What it wrote comes before the answer.
        self._flush()
        self._send({"t": "answer", "r": request.get("r"), "c": content})

    def _refuse(self, request: Request, text: str) -> None:
        self._flush()
        self._send({"t": "refusal", "r": request.get("r"), "c": text})

    def _aside(self, message: Dict[str, Any]) -> None:
        self.late.add(message)
        self._wake.set()

    def _hand_out(self) -> None:
        pause = threading.Event()
        while True:
            self._wake.wait()
            pause.wait(GATHER_SECONDS)
            self._wake.clear()
            self._flush()

    def _flush(self) -> None:
        if self._client is not None:
            for message in self.late.take():
                self._send(message)

    def _send(self, message: Dict[str, Any]) -> None:
        client = self._client
        if client is None:
            return
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
                self._client = None
