"""Pieces of files through the provider's own store: raw bytes under signed addresses.

Several times faster than base64 through the tools, and the only way that is fast where those go
through the provider's gateway. Its fixed cost is some requests a piece.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import posixpath
import secrets
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import ToolError
from agentbay_kernel.providers._gateway import is_local

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agentbay_kernel.session import Seen

log = logging.getLogger("agentbay_kernel.providers")

BLOCK = 1 << 20
POLL_MILLISECONDS = 100
SILENCE_SECONDS = 60


class Store:
    """The context that the provider keeps for one session's files.

    `folder` is where files of the session must lie to be reached. A store that copies whole
    folders only gets one of its own for each piece.
    """

    def __init__(self, sdk: Any, context_id: str, folder: str) -> None:
        self._sdk = sdk
        self._context_id = context_id
        self._whole_folders = bool(getattr(sdk.file_system, "copies_folders", False))
        self.folder = folder

    @classmethod
    async def open(cls, sdk: Any) -> Store | None:
        """The store of a session, None where the SDK or the provider has none."""
        make = getattr(getattr(sdk, "file_system", None), "_ensure_file_transfer", None)
        if make is None:
            return None
        try:
            folder = await sdk.file_system.get_file_transfer_context_path()
            context_id = str(make()._context_id or "")
        except Exception as error:
            log.info("no store for files: %s", type(error).__name__)
            return None
        if not context_id:
            return None
        # Where every path of the session can be reached, temporary files lie where they should.
        return cls(sdk, context_id, str(folder or "").rstrip("/") or "/tmp")

    def path(self) -> str:
        """A new name of the session that the store can reach."""
        name = f"{self.folder}/.{secrets.token_hex(6)}"
        return f"{name}/piece" if self._whole_folders else f"{name}.piece"

    def whole(self, path: str) -> str:
        """What a piece of that name leaves behind in the session: a file or its folder."""
        return posixpath.dirname(path) if self._whole_folders else path

    async def put(self, source: int, offset: int, length: int, path: str, seen: Seen) -> None:
        """Make a piece of an open local file a new file of the session."""
        asked = await self._sdk.agent_bay.context.get_file_upload_url(self._context_id, path)
        url = _url(asked)
        headers = {"Content-Length": str(length)}
        # A content type would have to be part of the signature.
        plain = {"Content-Type"}
        async with (
            _client(url) as client,
            client.put(
                url,
                data=_blocks(source, offset, length, seen),
                headers=headers,
                skip_auto_headers=plain,
            ) as answer,
        ):
            if answer.status not in (200, 201, 204):
                raise ToolError(f"The provider's store refused a piece (HTTP {answer.status})")
        await self._sync(path, "download")

    async def get(self, path: str, into: int, offset: int, length: int, seen: Seen) -> None:
        """Read a file of the session, of `length` bytes, into an open local file."""
        await self._sync(path, "upload")
        asked = await self._sdk.agent_bay.context.get_file_download_url(self._context_id, path)
        url, done = _url(asked), 0
        async with _client(url) as client, client.get(url) as answer:
            if answer.status != 200:
                raise ToolError(f"The provider's store gave no piece (HTTP {answer.status})")
            async for data in answer.content.iter_chunked(BLOCK):
                if done + len(data) > length:
                    raise ToolError("The provider's store gave more than it was asked for")
                await asyncio.to_thread(write_at, into, data, offset + done)
                done += len(data)
                seen(len(data))

    async def forget(self, path: str) -> None:
        """Remove what the store keeps of a piece; failing costs nothing but room."""
        with contextlib.suppress(Exception):
            await self._sdk.agent_bay.context.delete_file(self._context_id, path)

    async def _sync(self, path: str, mode: str) -> None:
        result = await self._sdk.context.sync(
            context_id=self._context_id, path=path, mode=mode, retry_interval=POLL_MILLISECONDS
        )
        if not result.success:
            raise ToolError("The provider's store and the session did not agree on a piece")


def write_at(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of `data` at a place of an open file."""
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, offset)
        view, offset = view[count:], offset + count


def _url(asked: Any) -> str:
    if not getattr(asked, "success", False) or not asked.url:
        raise ToolError("The provider's store gave no address for a piece")
    return str(asked.url)


def _client(url: str) -> Any:
    import aiohttp

    limits = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=SILENCE_SECONDS)
    return aiohttp.ClientSession(timeout=limits, trust_env=not is_local(url))


async def _blocks(source: int, offset: int, length: int, seen: Seen) -> AsyncIterator[bytes]:
    end = offset + length
    while offset < end:
        data = await asyncio.to_thread(os.pread, source, min(BLOCK, end - offset), offset)
        if not data:
            raise ToolError("The file became shorter while it was sent")
        offset += len(data)
        seen(len(data))
        yield data
