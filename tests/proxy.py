"""A TCP proxy before the local service: it counts, delays, refuses, and cuts connections.

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

from agentbay_kernel.providers._agb_gateway import action

_ACTION = re.compile(rb"[?&]Action=(\w+)")
_PATH = re.compile(rb"(?:GET|POST) (/(?:mcp|sdk|internet)(?:/\w+)?)[ ?]")
_KEPT = 64
"""Bytes that went before, in which what a cut looks for may begin."""


@dataclass(frozen=True)
class Cut:
    """Where a WebSocket breaks: so many bytes after what `pattern` finds, or after now.

    `away`: from then on nothing is reached, until `come_back`.
    """

    pattern: bytes = b""
    after: int = 0
    away: bool = False


@dataclass
class _Link:
    near: socket.socket
    far: socket.socket
    turn: str = "service"
    is_socket: bool = False
    seen: bytes = b""
    frames: _Frames = field(default_factory=lambda: _Frames())

    def close(self) -> None:
        for item in (self.near, self.far):
            # A shutdown wakes the thread that reads from the socket; a close does not.
            with contextlib.suppress(OSError):
                item.shutdown(socket.SHUT_RDWR)
            item.close()


@dataclass
class CountingProxy:
    """Counts actions, calls of tools, and round trips (a burst to the service after one from it).

    AGB's actions have AgentBay's names. `moments` and `bodies` hold the time and the bytes of each
    action's first request. `cuts` are made one after the other; `cut_times` says when. `refused`
    are WebSocket methods that the service shall not know.
    """

    target: str
    delays: dict[str, float] = field(default_factory=dict)
    latency: float = 0.0
    refused: set[str] = field(default_factory=set)
    cuts: list[Cut] = field(default_factory=list)
    cut_times: list[float] = field(default_factory=list)
    actions: Counter[str] = field(default_factory=Counter)
    moments: dict[str, float] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    round_trips: int = 0
    tools: int = 0

    def __post_init__(self) -> None:
        self._port = urlsplit(self.target).port or 0
        self._listener = _listen_on_five_digits()
        self._lock = threading.Lock()
        self._links: list[_Link] = []
        self._away = False
        self._flowing = threading.Event()
        self._flowing.set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Close the listener and every connection."""
        self._flowing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._close_links(lambda link: True)

    def cut(self) -> None:
        """Break every WebSocket now."""
        self.cut_times.append(time.monotonic())
        self._close_links(lambda link: link.is_socket)

    def go_away(self) -> None:
        """Break every connection, and every new one."""
        self._away = True
        self._close_links(lambda link: True)

    def come_back(self) -> None:
        """Let connections through again."""
        self._away = False
        self._flowing.set()

    def freeze(self) -> None:
        """Let nothing through, and break nothing, as a network that has silently died."""
        self._flowing.clear()

    def _close_links(self, which: object) -> None:
        assert callable(which)
        with self._lock:
            chosen = [link for link in self._links if which(link)]
            self._links = [link for link in self._links if not which(link)]
        for link in chosen:
            link.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                self._begin(near)
            except OSError:
                near.close()

    def _begin(self, near: socket.socket) -> None:
        if self._away:
            raise ConnectionRefusedError
        far = socket.create_connection(("127.0.0.1", self._port))
        for item in (near, far):
            item.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = _Link(near, far)
        with self._lock:
            self._links.append(link)
        threading.Thread(target=self._up, args=(link,), daemon=True).start()
        threading.Thread(target=self._down, args=(link,), daemon=True).start()

    def _up(self, link: _Link) -> None:
        def each(data: bytes) -> bytes:
            self._count(data, link)
            if link.is_socket and self.refused:
                return link.frames.rename(data, self.refused)
            link.is_socket = link.is_socket or b"Upgrade: websocket" in data
            return data.replace(f":{self.port}".encode(), f":{self._port}".encode())

        self._pump(link, link.near, link.far, each)

    def _down(self, link: _Link) -> None:
        def each(data: bytes) -> bytes:
            link.turn = "service"
            data = data.replace(f":{self._port}".encode(), f":{self.port}".encode())
            if not (link.is_socket and self.cuts):
                link.seen = b""
                return data
            return self._until_cut(link, data)

        self._pump(link, link.far, link.near, each)

    def _until_cut(self, link: _Link, data: bytes) -> bytes:
        """What still passes; the link ends with an OSError after it."""
        cut, whole = self.cuts[0], link.seen + data
        found = re.search(cut.pattern, whole, re.S) if cut.pattern else None
        if cut.pattern and found is None:
            link.seen = whole[-_KEPT:]
            return data
        left = cut.after - (len(whole) - found.start() if found else len(data))
        if left > 0:
            self.cuts[0], link.seen = Cut(b"", left, cut.away), b""
            return data
        del self.cuts[0]
        link.near.sendall(data[: max(0, len(data) + left)])
        self._away = self._away or cut.away
        self.cut()
        if cut.away:
            self.go_away()
        raise OSError("cut")

    def _pump(self, link: _Link, source: socket.socket, sink: socket.socket, each: object) -> None:
        assert callable(each)
        try:
            while data := source.recv(1 << 16):
                self._flowing.wait()
                sink.sendall(each(data))
        except OSError:
            pass
        link.close()

    def _count(self, data: bytes, link: _Link) -> None:
        found = [name.decode() for name in _ACTION.findall(data)]
        found += [action(path.decode()) for path in _PATH.findall(data)]
        with self._lock:
            self.round_trips += link.turn == "service"
            link.turn = "client"
            self.actions.update(found)
            if not link.is_socket:
                self.tools += b"/callTool" in data or "CallMcpTool" in found
            for name in found:
                self.moments.setdefault(name, time.monotonic())
                self.bodies.setdefault(name, data)
        time.sleep(self.latency + sum(self.delays.get(name, 0.0) for name in found))


class _Frames:
    """Follows a client's WebSocket frames, whose payload is masked, to spoil names in them."""

    def __init__(self) -> None:
        self._held = b""

    def rename(self, data: bytes, names: set[str]) -> bytes:
        """All whole frames of what came until now, the names in them made unknown."""
        self._held += data
        done = b""
        while (size := self._size()) is not None and len(self._held) >= sum(size):
            head, length = size
            frame, self._held = self._held[: head + length], self._held[head + length :]
            key = frame[head - 4 : head]
            payload = _masked(frame[head:], key)
            for name in names:
                payload = payload.replace(name.encode(), b"x" * len(name))
            done += frame[:head] + _masked(payload, key)
        return done

    def _size(self) -> tuple[int, int] | None:
        """The lengths of the next frame's head and payload, once they can be known."""
        if len(self._held) < 2:
            return None
        short = self._held[1] & 0x7F
        more = {126: 2, 127: 8}.get(short, 0)
        if len(self._held) < 2 + more:
            return None
        length = int.from_bytes(self._held[2 : 2 + more], "big") if more else short
        return 2 + more + 4, length


def _masked(data: bytes, key: bytes) -> bytes:
    size = len(data)
    mask = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")


def _listen_on_five_digits() -> socket.socket:
    while True:
        listener = socket.create_server(("127.0.0.1", 0))
        if listener.getsockname()[1] >= 10_000:
            return listener
        listener.close()
