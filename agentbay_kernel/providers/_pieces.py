"""Pieces of files into a session and out of it, each checked by its hash in the session."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import posixpath
import secrets
import shlex
from typing import TYPE_CHECKING, Any, Protocol

from agentbay_kernel.errors import NotSupported, SessionGone, ToolError
from agentbay_kernel.hashing import hash_piece
from agentbay_kernel.providers._store import BLOCK, Store, write_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentbay_kernel.session import Capabilities, Seen, ShellResult

log = logging.getLogger("agentbay_kernel.providers")

# Below it the store's requests take longer than the tools' base64.
STORE_BYTES = 1 << 20
TRIES = 2
SECONDS = 300.0
# What the store says to have placed may take a moment to be seen.
_ARRIVED = (
    'n=0; until [ "$(wc -c < {0} 2>/dev/null)" = {1} ] || [ $n -ge 100 ]; '
    "do sleep 0.1; n=$((n+1)); done"
)
# A copy that was under way when it was given up may come to its end later.
_DROP_LATE = "(sleep 5; rm -rf -- {0}) > /dev/null 2>&1 &"


class Host(Protocol):
    """What pieces need of a session."""

    sdk: Any
    capabilities: Capabilities

    async def call_tool(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Call one of the image's tools."""

    async def shell(self, command: str, *, timeout: float = 50) -> ShellResult:
        """Run a shell command."""


class Pieces:
    """Chooses the way by size: the store for what is large, else the tools."""

    def __init__(self, host: Host, limit: Callable[[], int]) -> None:
        self._host = host
        self._limit = limit
        self._store: Store | None = None
        self._looked = asyncio.Lock()
        self._known = False

    async def send(self, source: int, path: str, offset: int, length: int, seen: Seen) -> None:
        """Copy a piece of an open local file to the same place of a file of the session."""
        if not self._host.capabilities.shell:
            raise NotSupported(f"{path} was not written: binary files need the shell tool")
        wanted = await asyncio.to_thread(hash_piece, source, offset, length)
        for left in reversed(range(TRIES)):
            count = _Once(seen)
            if await self._sent(source, path, offset, length, count) == wanted:
                return
            count.undo()
            log.warning("a piece arrived changed; %d tries left", left)
        raise ToolError(f"{path} was not written: its content arrived changed")

    async def fetch(self, path: str, into: int, offset: int, length: int, seen: Seen) -> None:
        """Copy a piece of a file of the session to the same place of an open local file."""
        for left in reversed(range(TRIES)):
            count = _Once(seen)
            wanted = await self._fetched(path, into, offset, length, count)
            found = await asyncio.to_thread(hash_piece, into, offset, length)
            if wanted in ("", found):
                return
            count.undo()
            log.warning("a piece arrived changed; %d tries left", left)
        raise ToolError(f"{path} was not read: its content arrived changed")

    async def _sent(self, source: int, path: str, offset: int, length: int, seen: _Once) -> str:
        store = await self._open(length)
        if store is not None:
            piece = store.path()
            name = shlex.quote(piece)
            done = False
            try:
                await store.put(source, offset, length, piece, seen)
                ready = f"{_ARRIVED.format(name, length)}; cat {name}"
                found = await self._place(ready, path, offset, length)
                done = True
                return found
            except Exception as error:
                self._failed(error)
                seen.undo()
            finally:
                await self._drop(store, piece, late=not done)
        return await self._coded(source, path, offset, length, seen)

    async def _coded(self, source: int, path: str, offset: int, length: int, seen: _Once) -> str:
        coded = f"/tmp/.{secrets.token_hex(6)}.b64"
        step = self._limit() // 4 * 3
        try:
            for at in range(offset, offset + length, step):
                data = await asyncio.to_thread(
                    os.pread, source, min(step, offset + length - at), at
                )
                text = await asyncio.to_thread(_coded, data)
                mode = "overwrite" if at == offset else "append"
                await self._host.call_tool(
                    "write_file", {"path": coded, "content": text + "\n", "mode": mode}
                )
                seen(len(data))
            command = f"base64 -d < {coded}" if length else "true"
            return await self._place(command, path, offset, length)
        finally:
            await self._host.shell(f"rm -f -- {coded}")

    async def _place(self, source: str, path: str, offset: int, length: int) -> str:
        """Write what a command gives at a place of a file; the hash of what is then there."""
        target, folder = shlex.quote(path), shlex.quote(posixpath.dirname(path) or "/")
        return await self._hash(
            f"mkdir -p -- {folder} && {{ {source}; }} | dd of={target} bs=1M "
            f"seek={offset // BLOCK} conv=notrunc iflag=fullblock status=none && "
            f"{_cut(target, offset, length)} | sha256sum",
            path,
        )

    async def _fetched(self, path: str, into: int, offset: int, length: int, seen: _Once) -> str:
        cut = _cut(shlex.quote(path), offset, length)
        store = await self._open(length)
        if store is not None:
            piece = store.path()
            name = shlex.quote(piece)
            try:
                folder = shlex.quote(posixpath.dirname(piece))
                found = await self._hash(
                    f"mkdir -p -- {folder} && {cut} > {name} && sha256sum < {name}", path
                )
                await store.get(piece, into, offset, length, seen)
                return found
            except Exception as error:
                self._failed(error)
                seen.undo()
            finally:
                await self._drop(store, piece, late=False)
        has_shell = self._host.capabilities.shell
        found = await self._hash(f"{cut} | sha256sum", path) if has_shell else ""
        await self._read(path, into, offset, length, seen)
        return found

    async def _drop(self, store: Store, piece: str, *, late: bool) -> None:
        name = shlex.quote(store.whole(piece))
        await store.forget(piece)
        await self._host.shell(f"rm -rf -- {name}" + ("; " + _DROP_LATE.format(name)) * late)

    async def _read(self, path: str, into: int, offset: int, length: int, seen: _Once) -> None:
        end, step = offset + length, self._limit()
        while offset < end:
            count = min(step, end - offset)
            text = await self._host.call_tool(
                "read_file", {"path": path, "offset": offset, "length": count, "format": "binary"}
            )
            data = await asyncio.to_thread(_decoded, text, path)
            if len(data) != count:
                raise ToolError(f"{path} was not read: {count} bytes were asked for, not given")
            await asyncio.to_thread(write_at, into, data, offset)
            seen(count)
            offset += count

    async def _hash(self, command: str, path: str) -> str:
        result = await self._host.shell(command, timeout=SECONDS)
        found = result.stdout.split()
        if result.exit_code or len(found) != 2 or len(found[0]) != 64:
            reason = result.stderr.strip()[:500] or "the session gave no checksum"
            raise ToolError(f"{path} was not copied: {reason}")
        return found[0]

    async def _open(self, length: int) -> Store | None:
        if length < STORE_BYTES or not self._host.capabilities.shell:
            return None
        async with self._looked:
            if not self._known:
                self._store, self._known = await Store.open(self._host.sdk), True
        return self._store

    def _failed(self, error: Exception) -> None:
        """Go on by the tools: what the store cannot do once it is not asked for again."""
        if isinstance(error, SessionGone):
            raise error
        log.warning("the store for files failed: %s", type(error).__name__)
        self._store = None


class _Once:
    """Counts bytes for a piece that may have to be copied again."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._count = 0

    def __call__(self, count: int) -> None:
        self._count += count
        self._seen(count)

    def undo(self) -> None:
        """Take back what was counted."""
        self._seen(-self._count)
        self._count = 0


def _cut(path: str, offset: int, length: int) -> str:
    count = -(-length // BLOCK)
    return f"dd if={path} bs=1M skip={offset // BLOCK} count={count} status=none | head -c {length}"


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str, path: str) -> bytes:
    try:
        return base64.b64decode(text, validate=False)
    except ValueError as error:
        raise ToolError(f"{path} was not read: the answer is no base64") from error
