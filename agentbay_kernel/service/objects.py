"""The object store: buckets that are folders of the user's, for all sessions."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.contexts import Context
from agentbay_kernel.service.errors import ApiError
from agentbay_kernel.service.port import ToolFailure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agentbay_kernel.service.file_urls import FileUrls
    from agentbay_kernel.service.state import Session

TOOLS = ("oss_env_init", "oss_upload", "oss_download")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


class Buckets:
    """All buckets of the user; one is made by its first upload.

    Every key is accepted: the store is of this computer, and whoever has a session may use it.
    """

    def __init__(self, folder: Path, urls: FileUrls) -> None:
        self._folder = folder
        self._urls = urls
        self._known: dict[str, Context] = {}

    async def call(self, session: Session, name: str, args: Mapping[str, Any]) -> str:
        """The text of a tool's answer; the session itself sends or takes the bytes."""
        if name == "oss_env_init":
            session.has_store = True
            return "OSS environment initialized"
        if not session.has_store:
            raise ToolFailure(f"{name}: no OSS client; call oss_env_init first")
        bucket, key, path = self.find(str(args["bucket"])), str(args["object"]), args["path"]
        try:
            target = bucket.resolve(key)
        except ApiError:
            raise ToolFailure(f"{name}: {key!r} is no key of an object") from None
        if name == "oss_upload":
            await asyncio.to_thread(bucket.home.mkdir, mode=0o700, parents=True, exist_ok=True)
            url, _ = self._urls.make_in(bucket, key, "PUT")
            return await session.sandbox.call("oss_upload_annon", {"url": url, "path": path})
        if not await asyncio.to_thread(target.is_file):
            raise ToolFailure(f"NoSuchKey: there is no object {key} in bucket {bucket.name}")
        url, _ = self._urls.make_in(bucket, key, "GET")
        given = {"url": url, "path": path, "name": target.name}
        return await session.sandbox.call("oss_download_annon", given)

    def find(self, name: str) -> Context:
        """The bucket of a name, on disk or not yet; raises ToolFailure for what is no name."""
        if not _NAME.fullmatch(name):
            raise ToolFailure(
                f"InvalidBucketName: {name!r} must have 3 to 63 lower-case letters, digits and -"
            )
        if name not in self._known:
            self._known[name] = Context(name, name, self._folder / name, 0, 0, "objects")
        return self._known[name]
