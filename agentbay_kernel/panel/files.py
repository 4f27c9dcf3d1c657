"""The section of the session's files: a folder's entries, and a look into one."""

from __future__ import annotations

import mimetypes
import posixpath
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import UsageError
from agentbay_kernel.magics.fs_paths import WORKSPACE, remote_path
from agentbay_kernel.magics.fs_show import PICTURES
from agentbay_kernel.panel import copies, words
from agentbay_kernel.panel.copies import Reply
from agentbay_kernel.transfer.names import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentbay_kernel.panel.model import Act, PanelModel
    from agentbay_kernel.session import FileInfo

    Args = Mapping[str, Any]

__all__ = ["ACTIONS", "EMPTY", "Reply", "read"]

MOST = 500
TEXT_BYTES = 64 << 10
PICTURE_BYTES = 4 << 20
EMPTY: dict[str, Any] = {"path": WORKSPACE, "entries": None, "more": 0, "doing": {}, "error": None}


async def read(model: PanelModel) -> dict[str, Any]:
    """The folder that is open, without hidden names."""
    path = model.files["path"]
    found = await _listed(model, path)
    return found if model.files["path"] == path else {}


async def _listed(model: PanelModel, path: str) -> dict[str, Any]:
    found = [each for each in await model.need().files.list(path) if not _hidden(each)]
    found.sort(key=lambda each: (not each.is_dir, posixpath.basename(each.path).casefold()))
    entries = [_entry(each) for each in found[:MOST]]
    return {"path": path, "entries": entries, "more": max(0, len(found) - MOST)}


def _hidden(found: FileInfo) -> bool:
    return posixpath.basename(found.path).startswith(".")


def _entry(found: FileInfo) -> dict[str, Any]:
    return {
        "name": shown(posixpath.basename(found.path)),
        "path": found.path,
        "is_dir": found.is_dir,
        "size": None if found.is_dir else found.size,
        "modified": found.modified,
    }


async def browse(model: PanelModel, args: Args, _buffers: Sequence[bytes]) -> Any:
    """Open a folder; the one before stays open where that fails."""
    found = await _listed(model, remote_path(words.text(args, "path")))
    model.update("files", **found, error=None)
    return {"path": found["path"]}


async def preview(model: PanelModel, args: Args, _buffers: Sequence[bytes]) -> Any:
    """A picture's bytes, or the first lines of a text."""
    path = remote_path(words.text(args, "path"))
    session = model.need()
    info = await session.files.info(path)
    if info is None or info.is_dir:
        raise UsageError(f"There is no file {shown(path)} in the session")
    size = info.size or 0
    known = {"path": path, "name": shown(posixpath.basename(path)), "size": size}
    mime = mimetypes.guess_type(path)[0] or ""
    if mime in PICTURES:
        if size > PICTURE_BYTES:
            return {**known, "kind": "large"}
        return Reply({**known, "kind": "picture", "mime": mime}, [await session.files.read(path)])
    with copies.staged() as into:
        await session.files.fetch(path, into.fileno(), 0, min(size, TEXT_BYTES), lambda _: None)
        into.seek(0)
        data = into.read(TEXT_BYTES)
    if b"\0" in data:
        return {**known, "kind": "binary"}
    return {
        **known,
        "kind": "text",
        "text": data.decode(errors="replace"),
        "clipped": size > TEXT_BYTES,
    }


ACTIONS: dict[str, Act] = {"browse": browse, "preview": preview, **copies.ACTIONS}
