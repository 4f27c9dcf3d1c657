"""The terminals of one session, and who is shown what they print."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.port import ToolFailure

if TYPE_CHECKING:
    from agentbay_kernel.service.host import Host
    from agentbay_kernel.service.state import Session

TARGET = "PTY_SERVER"
SILENT = ("pty.input", "pty.resize")
"""Methods that the SDK sends without waiting for an answer."""
# The SDK registers its handle only after the answer to pty.create; what comes before is lost.
_HOLD = 0.06
_PIECE = 400_000
_LARGEST_SIDE = 500
_ENV = {"TERM": "xterm-256color", "LANG": "en_US.UTF-8"}

Push = Callable[[str, Mapping[str, Any]], None]


class _Feed:
    """What one client is shown of one terminal; held back for a moment after it joined."""

    def __init__(self, push: Push) -> None:
        self.push = push
        self._held: list[dict[str, Any]] | None = []
        asyncio.get_running_loop().call_later(_HOLD, self._open)

    def send(self, data: dict[str, Any]) -> None:
        if self._held is None:
            self.push(TARGET, data)
        else:
            self._held.append(data)

    def _open(self) -> None:
        held, self._held = self._held or [], None
        for data in held:
            self.push(TARGET, data)


class Terminals:
    """Answers `pty.*` and passes output on to every client that created or joined."""

    def __init__(self, host: Host, session: Session) -> None:
        self._host = host
        self._session = session
        self._feeds: dict[str, list[_Feed]] = {}
        self._early: dict[str, list[dict[str, Any]]] = {}

    async def handle(self, method: str, params: Mapping[str, Any], push: Push) -> dict[str, Any]:
        """Do what a message asks and give its result."""
        self._session.need_running()
        handler = {
            "pty.create": self._create,
            "pty.list": self._list,
            "pty.connect": self._connect,
            "pty.kill": self._kill,
            "pty.input": self._input,
            "pty.resize": self._resize,
        }.get(method)
        if handler is None:
            raise ToolFailure(f"There is no method {method!r} at {TARGET!r}")
        return await self._host.guarded(self._session, handler(params, push))

    def leave(self, push: Push) -> None:
        """Show a client nothing more; its terminals go on."""
        for feeds in self._feeds.values():
            feeds[:] = [feed for feed in feeds if feed.push != push]

    async def _create(self, params: Mapping[str, Any], push: Push) -> dict[str, Any]:
        envs = params.get("envs") or {}
        pty_id = await self._session.sandbox.pty_create(
            cols=_side(params, "cols", 80),
            rows=_side(params, "rows", 24),
            cwd=params.get("cwd") or None,
            env={**_ENV, **{str(key): str(value) for key, value in envs.items()}},
            shell=params.get("shell") or None,
            on_output=self._output,
            on_exit=self._exit,
        )
        feed = _Feed(push)
        self._feeds[pty_id] = [feed]
        for data in self._early.pop(pty_id, []):
            feed.send(data)
        self._host.say(self._session, "terminal opened")
        return {"ptySessionId": pty_id}

    async def _list(self, params: Mapping[str, Any], push: Push) -> dict[str, Any]:
        return {"ptySessionIds": list(await self._session.sandbox.pty_list())}

    async def _connect(self, params: Mapping[str, Any], push: Push) -> dict[str, Any]:
        pty_id = await self._known(params)
        feeds = self._feeds.setdefault(pty_id, [])
        if not any(feed.push == push for feed in feeds):
            feeds.append(_Feed(push))
        return {"ptySessionId": pty_id}

    async def _kill(self, params: Mapping[str, Any], push: Push) -> dict[str, Any]:
        await self._session.sandbox.pty_kill(await self._known(params))
        return {"success": True}

    async def _input(self, params: Mapping[str, Any], push: Push) -> dict[str, Any]:
        text = str(params.get("data") or "")
        try:
            coded = params.get("encoding") == "base64"
            data = base64.b64decode(text, validate=True) if coded else text.encode()
        except ValueError:
            raise ToolFailure("The input is not valid base64") from None
        await self._session.sandbox.pty_input(str(params.get("ptySessionId")), data)
        return {"success": True}

    async def _resize(self, params: Mapping[str, Any], push: Push) -> dict[str, Any]:
        cols, rows = _side(params, "cols", 80), _side(params, "rows", 24)
        await self._session.sandbox.pty_resize(str(params.get("ptySessionId")), cols, rows)
        return {"success": True}

    async def _known(self, params: Mapping[str, Any]) -> str:
        pty_id = str(params.get("ptySessionId") or "")
        if pty_id not in await self._session.sandbox.pty_list():
            raise ToolFailure(f"There is no terminal {pty_id!r}")
        return pty_id

    def _output(self, pty_id: str, data: bytes) -> None:
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            self._show(pty_id, {"eventType": "pty.output", "ptySessionId": pty_id, **_coded(piece)})

    def _exit(self, pty_id: str, code: int) -> None:
        self._show(pty_id, {"eventType": "pty.exit", "ptySessionId": pty_id, "exitCode": code})
        self._feeds.pop(pty_id, None)

    def _show(self, pty_id: str, data: dict[str, Any]) -> None:
        feeds = self._feeds.get(pty_id)
        if feeds is None:
            self._early.setdefault(pty_id, []).append(data)
            return
        for feed in feeds:
            feed.send(data)


def _coded(data: bytes) -> dict[str, str]:
    try:
        return {"encoding": "utf8", "data": data.decode()}
    except UnicodeDecodeError:
        return {"encoding": "base64", "data": base64.b64encode(data).decode()}


def _side(params: Mapping[str, Any], name: str, default: int) -> int:
    value = params.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _LARGEST_SIDE:
        raise ToolFailure(f"{name} must be a whole number from 1 to {_LARGEST_SIDE}")
    return value
