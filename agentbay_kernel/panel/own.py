"""What the panel does with the notebook's own session: start, extend, clear, link, end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agentbay_kernel import interpreter
from agentbay_kernel.errors import SessionGone, ToolError, UsageError
from agentbay_kernel.magics import links, render
from agentbay_kernel.panel import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentbay_kernel.panel.model import Act, PanelModel

    Args = Mapping[str, Any]
    Buffers = Sequence[bytes]

NO_LINK: dict[str, Any] = {"shown": "", "port": 0, "protocol": "", "status": None, "answer": ""}
PROTOCOLS = ("https", "wss")
SCHEMES = ("http", "https", "ws", "wss")
"""A link of any other kind would run in the notebook's own page."""


async def read(model: PanelModel) -> dict[str, Any]:
    """Ask whether the session is still there; the header itself is known without."""
    session = model.session
    if session is not None:
        await session.status()
    return {}


async def start(model: PanelModel, _args: Args, _buffers: Buffers) -> Any:
    """Start a session, or go on in the one of before a restart."""
    try:
        session = await model.manager.ensure()
    except SessionGone:
        # What has ended was told by the panel already; this asks for another.
        session = await model.manager.ensure()
    return {"session_id": session.session_id}


async def wake(model: PanelModel, _args: Args, _buffers: Buffers) -> Any:
    """Wake a session that sleeps."""
    model.need()
    await model.manager.wake()
    return {}


async def extend(model: PanelModel, _args: Args, _buffers: Buffers) -> Any:
    """Start the idle time anew."""
    model.need()
    return await model.ask("%agentbay", "extend")


async def restart_interpreter(model: PanelModel, args: Args, _buffers: Buffers) -> Any:
    """Replace the session's interpreter: names are lost, files are kept."""
    session, meant = model.need(), words.text(args, "session_id", "")
    if meant and meant != session.session_id:
        raise UsageError("This notebook has another session now", next_step="Choose again")
    done = await interpreter.clear(session)
    if not done.proved:
        raise ToolError(
            "The interpreter could not be replaced",
            survived="The session and its files are kept",
            next_step="%agentbay new starts another session",
        )
    return {"how": done.how}


async def capabilities(model: PanelModel, _args: Args, _buffers: Buffers) -> Any:
    """What the session can do and stands on, as names and texts; asks nobody."""
    found = await model.ask("%agentbay", "")
    return {name: str(value) for name, value in found.items() if value not in ("", None)}


async def link(model: PanelModel, args: Args, _buffers: Buffers) -> Any:
    """A link to a port, or without one to the session's own page, and what answers there.

    The whole link is in the value only: the model's trait has its host.
    """
    port, protocol = words.number(args, "port", 0), words.text(args, "protocol", "")
    if protocol and protocol not in PROTOCOLS:
        raise UsageError(f"{protocol!r} is no protocol of a link, only https and wss")
    session = model.need()
    if port:
        url, answer = await links.checked(session, port, protocol or None)
    else:
        url, answer = await links.checked_page(session)
    if urlsplit(url).scheme not in SCHEMES:
        raise ToolError("The provider gave a link of no known kind; it is not opened")
    model.manager.used()
    shown = {"shown": render.masked(url), "status": answer.status, "answer": str(answer)}
    model.update("link", port=port, protocol=protocol, **shown)
    return {"url": url, **shown}


async def delete(model: PanelModel, args: Args, _buffers: Buffers) -> Any:
    """End a session of the account, the notebook's own without an id."""
    session_id = words.text(args, "session_id", "")
    if not session_id:
        session_id = model.need().session_id
    if words.flag(args, "leftover"):
        found = await model.ask("%agentbay", "leftovers", "--delete", "--yes", "--", session_id)
    else:
        options = [f"--{name}" for name in ("sync", "force") if words.flag(args, name)]
        found = await model.ask("%agentbay", "delete", "--yes", *options, "--", session_id)
    if model.sessions["rows"] is not None:
        await model.refresh("sessions")
    return found


ACTIONS: dict[str, Act] = {
    "start": start,
    "wake": wake,
    "extend": extend,
    "restart_interpreter": restart_interpreter,
    "capabilities": capabilities,
    "link": link,
    "delete": delete,
}
