"""The read-only page of a session: what it is, what runs in it, its files and its log."""

from __future__ import annotations

import asyncio
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from agentbay_kernel.service.clock import stamp
from agentbay_kernel.service.port import ToolFailure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agentbay_kernel.service.host import Host
    from agentbay_kernel.service.state import Session

HOME = "/workspace"
_SHOWN = 1_000_000
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;"
    "color:#1f2328;background:#fff}table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #d8dee4;"
    "vertical-align:top;word-break:break-word}h1{font-size:1.3rem}h2{font-size:1.05rem;"
    "margin-top:1.8rem}@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}"
    "td,th{border-color:#30363d}a{color:#79c0ff}}"
)


def message(status: int, text: str) -> web.Response:
    """A page of one sentence."""
    return _page(f"<h1>{escape(text)}</h1>", status=status)


async def overview(host: Host, session: Session) -> web.Response:
    """The session's main page; it is loaded anew every ten seconds."""
    rows = _facts(host, session)
    processes = await asyncio.to_thread(_processes, session)
    events = [(stamp(when), what) for when, what in reversed(session.history)]
    body = (
        f"<h1>Session {escape(session.id)}</h1>{_table(rows)}"
        f'<p><a href="files{HOME}">Files</a></p>'
        f"<h2>Processes</h2>{_table(processes, ('Process', 'Memory', 'Command'))}"
        f"<h2>Log</h2>{_table(events)}"
    )
    return _page(body, refresh=True)


def _facts(host: Host, session: Session) -> list[tuple[str, str]]:
    end = session.end()
    left = f"{(end.at - host.clock.monotonic()) / 60:.0f} minutes" if end else "no limit"
    contexts = [f"{b.path} ({host.contexts.get(b.context_id).name})" for b in session.bindings]
    labels = [f"{key}={value}" for key, value in session.labels.items()]
    return [
        ("Status", session.status.value),
        ("Image", session.image),
        ("Isolation", session.box.isolation if session.box else ""),
        ("Created", stamp(session.created_wall)),
        ("Ends in", left if session.runs == 0 else f"{left}; running now"),
        ("Labels", ", ".join(labels)),
        ("Contexts", ", ".join(contexts)),
    ]


def _processes(session: Session) -> list[tuple[str, str, str]]:
    import psutil

    rows = []
    for pid in sorted(session.box.pids() if session.box else ()):
        try:
            process = psutil.Process(pid)
            memory = process.memory_info().rss / 1e6
            # The arguments of a command may be secrets, the name is not.
            rows.append((str(pid), f"{memory:.0f} MB", process.name()))
        except psutil.Error:
            continue
    return rows


async def files(session: Session, path: str) -> web.StreamResponse:
    """A folder of the session as a list, or a file as plain text to be saved."""
    try:
        place = session.sandbox.host_path(path)
        return await asyncio.to_thread(_show, session, path.rstrip("/") or "/", place)
    except (ToolFailure, OSError):
        return message(404, f"There is no file {path} in the session.")


def _show(session: Session, path: str, place: Path) -> web.StreamResponse:
    if place.is_symlink() or not (place.is_dir() or place.is_file()):
        raise FileNotFoundError(path)
    if place.is_file():
        with place.open("rb") as file:
            body = file.read(_SHOWN)
        headers = {**_HEADERS, "Content-Disposition": "inline"}
        return web.Response(body=body, content_type="text/plain", headers=headers)
    base = f"/s/{session.page_token}/files"
    rows = []
    for entry in sorted(place.iterdir()):
        name = entry.name + ("/" if entry.is_dir() and not entry.is_symlink() else "")
        kind = entry.lstat()
        goal = base + quote(f"{path.rstrip('/')}/{name}")
        link = f'<a href="{escape(goal)}">{escape(name)}</a>'
        when = datetime.fromtimestamp(kind.st_mtime).isoformat(" ", "seconds")
        rows.append(f"<tr><td>{link}</td><td>{kind.st_size}</td><td>{escape(when)}</td></tr>")
    up = quote(path.rpartition("/")[0] or "/")
    head = f'<h1>{escape(path)}</h1><p><a href="{escape(base + up)}">Up</a></p>'
    overview_link = f'<p><a href="/s/{escape(session.page_token)}/">Session</a></p>'
    return _page(f"{head}<table>{''.join(rows)}</table>{overview_link}")


def _table(rows: Sequence[tuple[str, ...]], head: tuple[str, ...] = ()) -> str:
    lines = [_row(head, "th")] if head else []
    return f"<table>{''.join(lines + [_row(row, 'td') for row in rows])}</table>"


def _row(cells: tuple[str, ...], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _page(body: str, *, status: int = 200, refresh: bool = False) -> web.Response:
    again = '<meta http-equiv="refresh" content="10">' if refresh else ""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}'
        f"<title>agentbay-kernel</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
    return web.Response(text=text, content_type="text/html", status=status, headers=_HEADERS)
