"""Files between a browser and the session, in pieces that fit into a message."""

from __future__ import annotations

import os
import posixpath
import secrets
import tempfile
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from agentbay_kernel import transfer
from agentbay_kernel.errors import ToolError, UsageError
from agentbay_kernel.magics.fs_paths import remote_path
from agentbay_kernel.panel import words
from agentbay_kernel.transfer.names import shown
from agentbay_kernel.transfer.plan import Copy, Plan, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentbay_kernel.panel.model import Act, PanelModel
    from agentbay_kernel.session import FileInfo, Session

    Args = Mapping[str, Any]
    Buffers = Sequence[bytes]

PIECE = 1 << 20
"""Bytes of a piece; a Jupyter server takes messages of up to 10 MB."""
AHEAD = 8 << 20
"""What is fetched from the session at once."""
MOST_BYTES = 512 << 20
AT_ONCE = 8
REDRAW_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Reply:
    """A value with bytes beside it."""

    value: Any
    buffers: Sequence[bytes] = ()


def staged() -> IO[bytes]:
    """A file without a name, so that nothing of it stays."""
    return tempfile.TemporaryFile(prefix="agentbay-")


@dataclass(slots=True)
class Download:
    """A file on its way to the browser."""

    info: FileInfo
    session_id: str
    file: IO[bytes] = field(default_factory=staged)
    fetched: int = 0

    @property
    def size(self) -> int:
        """All its bytes."""
        return self.info.size or 0

    def close(self) -> None:
        """Forget it."""
        self.file.close()


def _named() -> Any:
    return tempfile.NamedTemporaryFile(prefix="agentbay-")


@dataclass(slots=True)
class Upload:
    """A file on its way from the browser; `file` has a name, by which it is sent on."""

    path: str
    size: int
    force: bool
    file: Any = field(default_factory=_named)
    received: int = 0

    def close(self) -> None:
        """Forget it."""
        self.file.close()


Kind = TypeVar("Kind", Download, Upload)


class Underway(OrderedDict[str, Kind]):
    """Copies that have begun; one that a closed page has left makes room in the end."""

    def add(self, copy: Kind) -> str:
        """The name under which the pieces are asked for, or come."""
        while len(self) >= AT_ONCE:
            self.popitem(last=False)[1].close()
        name = secrets.token_hex(8)
        self[name] = copy
        return name

    def close(self) -> None:
        """Forget all: the session is another one."""
        while self:
            self.popitem()[1].close()


async def download(model: PanelModel, args: Args, _buffers: Buffers) -> Any:
    """Begin to fetch a file; its pieces are asked for one after the other."""
    path = remote_path(words.text(args, "path"))
    session = model.need()
    info = await session.files.info(path)
    if info is None or info.is_dir:
        raise UsageError(f"There is no file {shown(path)} in the session")
    if (info.size or 0) > MOST_BYTES:
        raise UsageError(
            f"{shown(path)} has {info.size:,} bytes, {MOST_BYTES:,} are the most for a browser",
            next_step=f"%fs get {shown(path)} fetches it to the notebook's folder",
        )
    name = model.downloads.add(Download(info, session.session_id))
    return {"download": name, "name": posixpath.basename(path), "size": info.size or 0}


async def download_piece(model: PanelModel, args: Args, _buffers: Buffers) -> Any:
    """The bytes at an offset; the last piece is given only if the file is still what it was."""
    name, offset = words.text(args, "download"), words.number(args, "offset")
    known = model.downloads.get(name)
    session = model.need()
    if known is None or known.session_id != session.session_id:
        raise _no_download()
    end = min(known.size, offset + PIECE)
    while known.fetched < end:
        await _fetch(session, known)
    if end == known.size:
        now = await session.files.info(known.info.path)
        if now is None or (now.size, now.modified) != (known.info.size, known.info.modified):
            _ended(model, name)
            raise ToolError(f"{shown(known.info.path)} changed while it was fetched")
    if known.file.closed:
        raise _no_download()
    piece = os.pread(known.file.fileno(), end - offset, offset) if offset < end else b""
    if end == known.size:
        _ended(model, name)
    return Reply({"offset": offset, "length": len(piece)}, [piece])


def _found(model: PanelModel, args: Args) -> tuple[str, Upload]:
    name = words.text(args, "upload")
    if name not in model.uploads:
        raise UsageError("This upload has ended", next_step="Begin it again")
    return name, model.uploads[name]


async def _fetch(session: Session, known: Download) -> None:
    length = min(AHEAD, known.size - known.fetched)
    # Its number would be another file's if this one were closed meanwhile.
    into = os.dup(known.file.fileno())
    try:
        await session.files.fetch(known.info.path, into, known.fetched, length, lambda _: None)
    finally:
        os.close(into)
    if known.file.closed:
        raise _no_download()
    known.fetched += length


def _no_download() -> UsageError:
    return UsageError("This download has ended", next_step="Begin it again")


def _ended(model: PanelModel, name: str) -> None:
    if known := model.downloads.pop(name, None):
        known.close()


async def upload(model: PanelModel, args: Args, buffers: Buffers) -> Any:
    """Take a file of the browser's: `begin`, then `chunk` by `chunk`, then `end` or `abort`.

    It is in the session under its name only when all of it is there. A file of another content is
    replaced only with `force`, and refused by an error of the kind `exists`.
    """
    step = words.text(args, "step")
    if step not in _STEPS:
        raise UsageError(f"{step!r} is no step of an upload")
    return await _STEPS[step](model, args, buffers)


async def _begin(model: PanelModel, args: Args, _buffers: Buffers) -> Any:
    path, size = remote_path(words.text(args, "path")), words.number(args, "size")
    if size > MOST_BYTES:
        raise UsageError(
            f"{size:,} bytes are more than the {MOST_BYTES:,} that a browser may send",
            next_step="%fs put sends files of the notebook's computer of any size",
        )
    session, force = model.need(), words.flag(args, "force")
    there = None if force else await session.files.info(path)
    # One of the same size may be the same file: that is found out when all of it has come.
    if there is not None and not there.is_dir and there.size != size:
        raise refuse([path], " in the session")
    return {"upload": model.uploads.add(Upload(path, size, force))}


async def _chunk(model: PanelModel, args: Args, buffers: Buffers) -> Any:
    name, known = _found(model, args)
    offset, data = words.number(args, "offset"), b"".join(map(bytes, buffers))
    if offset != known.received or len(data) > 2 * PIECE or offset + len(data) > known.size:
        model.uploads.pop(name).close()
        raise UsageError("A piece of the upload is missing or too large; nothing was copied")
    known.file.write(data)
    known.received += len(data)
    return {"received": known.received}


async def _end(model: PanelModel, args: Args, _buffers: Buffers) -> Any:
    name, known = _found(model, args)
    del model.uploads[name]
    with known.file:
        if known.received != known.size:
            raise UsageError(f"Only {known.received:,} of {known.size:,} bytes came")
        known.file.flush()
        await _send(model, name, known)
    await model.refresh("files")
    return {"path": known.path, "size": known.size}


async def _send(model: PanelModel, name: str, known: Upload) -> None:
    plan = Plan([Copy(Path(known.file.name), known.path, known.size)])
    plan.top = posixpath.dirname(known.path) or "/"
    shown_name, last = shown(posixpath.basename(known.path)), 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= REDRAW_SECONDS:
            last = now
            _doing(model, name, {"name": shown_name, "done": done, "total": total})

    try:
        await transfer.send(model.need(), plan, force=known.force, progress=progress)
    finally:
        _doing(model, name, None)
    model.manager.used()


async def _abort(model: PanelModel, args: Args, _buffers: Buffers) -> Any:
    name, known = _found(model, args)
    del model.uploads[name]
    known.close()
    return {}


def _doing(model: PanelModel, name: str, step: Mapping[str, Any] | None) -> None:
    doing = {key: value for key, value in model.files["doing"].items() if key != name}
    model.update("files", doing={**doing, name: dict(step)} if step else doing)


_STEPS = {"begin": _begin, "chunk": _chunk, "end": _end, "abort": _abort}
ACTIONS: dict[str, Act] = {
    "download": download,
    "download_piece": download_piece,
    "upload": upload,
}
