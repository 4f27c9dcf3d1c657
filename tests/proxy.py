"""A counting TCP proxy before the local service, which can also delay single actions.

It rewrites the service's port in the answers to its own, so that link and WebSocket traffic
pass it too. Both ports have five digits: no length in a message changes.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_ACTION = re.compile(rb"[?&]Action=(\w+)")


@dataclass
class CountingProxy:
    """Counts actions, and round trips (a burst to the service after one from it).

    `moments` and `bodies` hold the time and the bytes of each action's first request.
    """

    target: str
    delays: dict[str, float] = field(default_factory=dict)
    latency: float = 0.0
    actions: Counter[str] = field(default_factory=Counter)
    moments: dict[str, float] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    round_trips: int = 0

    def __post_init__(self) -> None:
        self._port = urlsplit(self.target).port or 0
        self._listener = _listen_on_five_digits()
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Close the listener and every connection."""
        with self._lock:
            for item in self._sockets:
                # A shutdown wakes the thread that reads from the socket; a close does not.
                with contextlib.suppress(OSError):
                    item.shutdown(socket.SHUT_RDWR)
                item.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                return
            for item in (near, far):
                item.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets += [near, far]
            turn = {"of": "service"}
            threading.Thread(target=self._up, args=(near, far, turn), daemon=True).start()
            threading.Thread(target=self._down, args=(far, near, turn), daemon=True).start()

    def _up(self, near: socket.socket, far: socket.socket, turn: dict[str, str]) -> None:
        def each(data: bytes) -> bytes:
            self._count(data, turn)
            return data.replace(f":{self.port}".encode(), f":{self._port}".encode())

        _pump(near, far, each)

    def _down(self, far: socket.socket, near: socket.socket, turn: dict[str, str]) -> None:
        def each(data: bytes) -> bytes:
            turn["of"] = "service"
            return data.replace(f":{self._port}".encode(), f":{self.port}".encode())

        _pump(far, near, each)

    def _count(self, data: bytes, turn: dict[str, str]) -> None:
        found = [name.decode() for name in _ACTION.findall(data)]
        with self._lock:
            self.round_trips += turn["of"] == "service"
            turn["of"] = "client"
            self.actions.update(found)
            for name in found:
                self.moments.setdefault(name, time.monotonic())
                self.bodies.setdefault(name, data)
        time.sleep(self.latency + sum(self.delays.get(name, 0.0) for name in found))


def _pump(source: socket.socket, sink: socket.socket, each: object) -> None:
    assert callable(each)
    try:
        while data := source.recv(1 << 16):
            sink.sendall(each(data))
    except OSError:
        pass
    for item in (source, sink):
        with contextlib.suppress(OSError):
            item.shutdown(socket.SHUT_RDWR)
        item.close()


def _listen_on_five_digits() -> socket.socket:
    while True:
        listener = socket.create_server(("127.0.0.1", 0))
        if listener.getsockname()[1] >= 10_000:
            return listener
        listener.close()
