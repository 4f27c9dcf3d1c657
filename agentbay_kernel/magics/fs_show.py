"""`%fs cat`, `open` and `watch`: what is in the session's files, and what happens to them."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import json
import mimetypes
import posixpath
from html import escape
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import UsageError
from agentbay_kernel.events import DisplayData
from agentbay_kernel.magics import render
from agentbay_kernel.magics.fs_change import read_text
from agentbay_kernel.magics.fs_paths import WORKSPACE, complete_remote, remote_path, remote_paths
from agentbay_kernel.magics.registry import Context, argument, command
from agentbay_kernel.transfer.names import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agentbay_kernel.session import FileChange, Session

TEXT_BYTES = 1 << 20
PICTURE_BYTES = 20 << 20
ROWS = 200
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/svg+xml")


@command(
    "fs",
    "cat",
    argument("paths", nargs="+", help="text files; wildcards are allowed"),
    complete={"paths": complete_remote},
)
async def cat(context: Context, args: Any) -> Any:
    """Show text files of the session."""
    session = await context.manager.ensure()
    texts = [
        await read_text(session, path, TEXT_BYTES)
        for path in await remote_paths(session, args.paths)
    ]
    context.manager.used()
    text = "".join(texts)
    context.emit(render.line(text.removesuffix("\n")))
    return text


@command(
    "fs",
    "open",
    argument("path", help="a picture, an HTML page, a table or a notebook"),
    complete={"path": complete_remote},
)
async def open_(context: Context, args: Any) -> Any:
    """Show a file of the session in the notebook.

    Pictures, CSV and TSV tables, notebooks, HTML pages (in a frame without scripts) and text.
    """
    path = remote_path(args.path)
    session = await context.manager.ensure()
    mime = mimetypes.guess_type(path)[0] or ""
    if mime in PICTURES:
        shows = await _picture(session, path, mime)
    else:
        text = await read_text(session, path, PICTURE_BYTES)
        shows = _views().get(posixpath.splitext(path)[1].lower(), _text)(path, text)
    context.manager.used()
    context.emit(shows)
    return path


async def _picture(session: Session, path: str, mime: str) -> DisplayData:
    info = await session.files.info(path)
    if info is None or info.is_dir:
        raise UsageError(f"There is no file {shown(path)} in the session")
    if (info.size or 0) > PICTURE_BYTES:
        raise UsageError(f"{shown(path)} has {info.size:,} bytes, {PICTURE_BYTES:,} are the most")
    data = base64.b64encode(await session.files.read(path)).decode()
    # In an img element a picture can run no script, whatever it holds.
    html = f'<img style="max-width:100%" alt="{escape(path)}" src="data:{mime};base64,{data}">'
    return DisplayData({"text/plain": f"{shown(path)} ({info.size:,} bytes)", "text/html": html})


def _views() -> dict[str, Callable[[str, str], DisplayData]]:
    return {
        ".html": _page,
        ".htm": _page,
        ".csv": lambda path, text: _table(path, text, ","),
        ".tsv": lambda path, text: _table(path, text, "\t"),
        ".ipynb": _notebook,
    }


def _page(path: str, text: str) -> DisplayData:
    # Without any allowance: no scripts, no forms, no origin of its own.
    html = (
        f'<iframe sandbox="" srcdoc="{escape(text)}" title="{escape(path)}" '
        'style="width:100%;height:480px;border:1px solid #8888"></iframe>'
    )
    plain = f"{shown(path)} ({len(text):,} characters)"
    return DisplayData({"text/plain": plain, "text/html": html})


def _table(path: str, text: str, delimiter: str) -> DisplayData:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return _text(path, text)
    if not rows:
        return _text(path, text)
    width = max(map(len, rows))
    head, *body = ([shown(cell) for cell in row] + [""] * (width - len(row)) for row in rows)
    more = f", the first {ROWS} are shown" if len(body) > ROWS else ""
    return render.table(head, body[:ROWS], f"{shown(path)}: {len(body)} rows{more}")


def _text(path: str, text: str) -> DisplayData:
    clipped = text[:TEXT_BYTES]
    more = f"\n… {len(text) - len(clipped):,} more characters" if len(clipped) < len(text) else ""
    return DisplayData(
        {"text/plain": clipped + more, "text/html": f"<pre>{escape(clipped + more)}</pre>"}
    )


def _notebook(path: str, text: str) -> DisplayData:
    """The cells and their plain outputs and pictures; nothing in it can be active."""
    try:
        cells = json.loads(text)["cells"]
        parts = [part for cell in cells for part in _cell(cell)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return _text(path, text)
    plain = "\n\n".join(text for text, _ in parts)
    html = "".join(html for _, html in parts)
    return DisplayData({"text/plain": plain, "text/html": f"<div>{html}</div>"})


def _cell(cell: dict[str, Any]) -> list[tuple[str, str]]:
    source = _joined(cell.get("source"))
    code = cell.get("cell_type") == "code"
    lead = f"In [{cell.get('execution_count') or ' '}]:\n" if code else ""
    style = ' style="background:#8882;padding:6px"' if code else ""
    parts = [(lead + source, f"<pre{style}>{escape(lead + source)}</pre>")]
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        text = _joined(output.get("text") or data.get("text/plain") or output.get("traceback"))
        picture = data.get("image/png")
        if picture is not None:
            coded = base64.b64encode(base64.b64decode(_joined(picture))).decode()
            parts.append((text, f'<img alt="output" src="data:image/png;base64,{coded}">'))
        elif text:
            parts.append((text, f"<pre>{escape(text)}</pre>"))
    return parts


def _joined(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")


@command(
    "fs",
    "watch",
    argument("path", nargs="?", default=WORKSPACE, help="a folder"),
    argument("--seconds", type=float, default=None, help="end after so long"),
    argument("--count", type=int, default=None, help="end after so many changes"),
    complete={"path": complete_remote},
)
async def watch(context: Context, args: Any) -> Any:
    """Tell of changes below a folder of the session, until Stop."""
    path = remote_path(args.path)
    session = await context.manager.ensure()
    info = await session.files.info(path)
    if info is None or not info.is_dir:
        raise UsageError(f"There is no folder {shown(path)} in the session")
    found: list[dict[str, Any]] = []
    enough = asyncio.Event()

    def changed(changes: Sequence[FileChange]) -> None:
        for change in changes:
            if args.count is not None and len(found) >= args.count:
                break
            found.append({"path": change.path, "kind": change.kind, "is_dir": change.is_dir})
            slash = "/" if change.is_dir else ""
            context.emit(render.line(f"{change.kind:7} {shown(change.path)}{slash}"))
        if args.count is not None and len(found) >= args.count:
            enough.set()

    context.emit(render.line(f"Watching {shown(path)}; Stop ends it."))
    watching = asyncio.ensure_future(session.files.watch(path, changed))
    ending = asyncio.ensure_future(enough.wait())
    try:
        await asyncio.wait(
            {watching, ending}, timeout=args.seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if watching.done():
            watching.result()
    finally:
        for task in (watching, ending):
            task.cancel()
        await asyncio.gather(watching, ending, return_exceptions=True)
    context.manager.used()
    return found
