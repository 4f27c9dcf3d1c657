"""Signed addresses for single files of contexts and buckets, valid for an hour."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from agentbay_kernel.service.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agentbay_kernel.service.clock import Clock
    from agentbay_kernel.service.contexts import Context, ContextStore

LIFETIME = 3600.0
_LARGEST_FILE = 4 << 30


@dataclass(frozen=True, slots=True)
class _Grant:
    context: Callable[[], Context]
    path: str
    method: str
    until: float


class FileUrls:
    """Hands out the addresses and serves them."""

    def __init__(self, api_url: str, contexts: ContextStore, clock: Clock) -> None:
        self._api_url = api_url
        self._contexts = contexts
        self._clock = clock
        self._grants: dict[str, _Grant] = {}

    def make(self, context_id: str, path: str, method: str) -> tuple[str, int]:
        """A new address, and when it expires on the wall clock."""
        return self._make(lambda: self._contexts.get(context_id), path, method)

    def make_in(self, bucket: Context, path: str, method: str) -> tuple[str, int]:
        """The same for a file of a bucket, which does not go away."""
        return self._make(lambda: bucket, path, method)

    def _make(self, context: Callable[[], Context], path: str, method: str) -> tuple[str, int]:
        now = self._clock.monotonic()
        self._grants = {key: grant for key, grant in self._grants.items() if grant.until > now}
        token = secrets.token_urlsafe(32)
        self._grants[token] = _Grant(context, path, method, now + LIFETIME)
        return f"{self._api_url}/files/{token}", int(self._clock.wall() + LIFETIME)

    async def put(self, request: web.Request) -> web.Response:
        """Take a file; it appears whole or not at all."""
        grant = self._granted(request)
        context = grant.context()
        part = context.home / f"{secrets.token_hex(8)}.part"
        try:
            tag = await _receive(request, part)
            async with context.lock:
                target = context.resolve(grant.path)
                await asyncio.to_thread(_store, part, target)
            if context.internal:
                context.arrived.add(target)
        except (NotADirectoryError, IsADirectoryError, FileExistsError):
            raise ApiError("InvalidFile.Path", "A file and a folder have the same path") from None
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
        return web.Response(headers={"ETag": f'"{tag}"'})

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Send a file."""
        grant = self._granted(request)
        path = grant.context().resolve(grant.path)
        if not await asyncio.to_thread(path.is_file):
            raise ApiError("InvalidFile.NotFound", "There is no such file in the context", 404)
        return web.FileResponse(path, headers={"Content-Type": "application/octet-stream"})

    def _granted(self, request: web.Request) -> _Grant:
        grant = self._grants.get(request.match_info["token"])
        if grant is None or grant.method != request.method:
            raise ApiError("AccessDenied", "This address is not valid", 403)
        if grant.until <= self._clock.monotonic():
            raise ApiError("AccessDenied", "This address has expired", 403)
        return grant


async def _receive(request: web.Request, part: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    size = 0
    file = await asyncio.to_thread(open, part, "wb")
    try:
        async for chunk in request.content.iter_chunked(1 << 20):
            size += len(chunk)
            if size > _LARGEST_FILE:
                raise ApiError("RequestTooLarge", f"A file has {_LARGEST_FILE} bytes at most", 413)
            digest.update(chunk)
            await asyncio.to_thread(file.write, chunk)
    finally:
        await asyncio.to_thread(file.close)
    return digest.hexdigest().upper()


def _store(part: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.replace(part, target)
