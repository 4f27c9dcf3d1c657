"""`%agentbay link`: links to the session, which are credentials."""

from __future__ import annotations

import asyncio
import html
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agentbay_kernel.config import runtime_dir
from agentbay_kernel.errors import UsageError
from agentbay_kernel.magics import render
from agentbay_kernel.magics.registry import Context, argument, command

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agentbay_kernel.session import Session

CHECK_SECONDS = 5.0
OPENING_SECONDS = 60.0
EXPIRED = (401, 403, 410)
NOBODY = (502, 503, 504)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request to a link came to; `status` is 0 when no answer came."""

    status: int
    reason: str = ""

    def __str__(self) -> str:
        if self.status in NOBODY:
            return f"nothing answers on the port yet (HTTP {self.status})"
        return f"answers (HTTP {self.status})" if self.status else f"no answer: {self.reason}"


@command(
    "agentbay",
    "link",
    argument("--port", type=int, default=None, help="a port of the session, 30100 to 30199"),
    argument(
        "--protocol", default=None, choices=("https", "wss"), help="https (as without it) or wss"
    ),
    argument("--open", action="store_true", help="open it in this computer's browser"),
    argument("--print", action="store_true", help="print the whole link into the output"),
)
async def link(context: Context, args: Any) -> Any:
    """Give a link to a port of the session, or to the session itself, and see whether it answers.

    The link is a credential: the output shows only its host, and the whole link is in the variable
    `agentbay_link` of %%local cells. --print shows it all the same, and saves it in the notebook.
    """
    if args.open and args.print:
        raise UsageError("Either --open or --print")
    if args.open and args.protocol == "wss":
        raise UsageError("A browser opens no wss link", next_step="Leave out --protocol")
    if args.port is not None and not 30100 <= args.port <= 30199:
        raise UsageError(f"Port {args.port} cannot be linked, only 30100 to 30199")
    session = await context.manager.ensure()
    url, answer = await checked(session, args.port, args.protocol)
    context.manager.used()
    context.keep("agentbay_link", url)
    shown = url if args.print else render.masked(url)
    note = "" if args.print else "The whole link is agentbay_link in a %%local cell."
    if args.open:
        page = _page(url)
        note = await asyncio.to_thread(_open, page)
        asyncio.get_running_loop().call_later(OPENING_SECONDS, page.unlink, True)
    context.emit(render.facts({"link": shown, "check": str(answer)}, note))
    return url


async def checked(session: Session, port: int | None, protocol: str | None) -> tuple[str, Answer]:
    """A link and what answers there; one that has expired is asked for anew."""
    # The providers' own default for a port is a WebSocket link.
    protocol = protocol or ("https" if port else None)
    return await _renewed(lambda: session.link(port=port, protocol=protocol))


async def checked_page(session: Session) -> tuple[str, Answer]:
    """The session's own page, by which a person sees into it, with the same check."""

    async def page() -> str:
        return (await session.info()).resource_url or await session.link()

    return await _renewed(page)


async def _renewed(ask: Callable[[], Awaitable[str]]) -> tuple[str, Answer]:
    url = await ask()
    answer = await asyncio.to_thread(probe, url)
    if answer.status in EXPIRED:
        url = await ask()
        answer = await asyncio.to_thread(probe, url)
    return url, answer


def probe(url: str) -> Answer:
    """Ask a link for its first line; the page itself is not read."""
    import requests

    scheme, rest = url.split("://", 1)
    address = f"{scheme.replace('ws', 'http', 1)}://{rest}"
    with requests.Session() as http:
        # A proxy of the environment would not reach this computer's loopback.
        http.trust_env = urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1")
        try:
            with http.get(
                address, timeout=CHECK_SECONDS, stream=True, allow_redirects=False
            ) as found:
                return Answer(found.status_code)
        except requests.Timeout:
            return Answer(0, f"not within {CHECK_SECONDS:g} seconds")
        except requests.RequestException as error:
            # Its text has the link in it.
            return Answer(0, type(error).__name__)


def _open(page: Path) -> str:
    """Let a browser open a file; what to tell about it."""
    import webbrowser

    try:
        opened = webbrowser.open(page.as_uri())
    except webbrowser.Error:
        opened = False
    if opened:
        return "Opened in the browser."
    return "There is no browser here. The whole link is agentbay_link in a %%local cell."


def _page(url: str) -> Path:
    """A private file that leads to the link: a browser's command line is for all to see."""
    path = runtime_dir() / "link.html"
    target = html.escape(url, quote=True)
    text = f'<!doctype html><meta http-equiv="refresh" content="0; url={target}">'
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return path
