"""Runs of code and calls of tools, the same for all three ways in which a client can ask."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service import objects, tools
from agentbay_kernel.service.port import RunEnd, SandboxGone, ToolFailure, WireEvent

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from agentbay_kernel.service.host import Host
    from agentbay_kernel.service.state import Session

DEFAULT_TIMEOUT = 60.0
MOST_TEXT = 64 << 20
"""Characters of output that an answer all at once holds; a stream has no such bound."""
_ALIASES = {
    "py": "python",
    "python3": "python",
    "js": "javascript",
    "node": "javascript",
    "nodejs": "javascript",
}
_SHORT = {
    "text/plain": "text",
    "text/html": "html",
    "text/markdown": "markdown",
    "text/latex": "latex",
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/svg+xml": "svg",
    "application/json": "json",
    "application/vnd.vegalite.v4+json": "chart",
    "application/vnd.vegalite.v5+json": "chart",
}


class Transcript:
    """Collects the events of a run for an answer that comes all at once."""

    def __init__(self, most: int = MOST_TEXT) -> None:
        self._most = self._left = most
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self.results: list[dict[str, Any]] = []
        self.error: dict[str, Any] = {}

    def add(self, event: WireEvent) -> None:
        """Take one event."""
        kind = event.get("eventType")
        if kind == "stdout":
            self._keep(self.stdout, event["chunk"])
        elif kind == "stderr":
            self._keep(self.stderr, event["chunk"])
        elif kind == "result":
            self.results.append(event["result"])
        elif kind == "error":
            self.error = event["error"]

    def _keep(self, chunks: list[str], text: str) -> None:
        if self._left > 0:
            chunks.append(text[: self._left])
        if 0 <= self._left < len(text):
            self.stderr.append(f"\n[output cut after {self._most >> 20} MiB]\n")
        self._left -= len(text)

    def text(self, end: RunEnd, *, plain: bool = False) -> str:
        """The tool's answer: JSON in one of the two shapes that the SDK reads.

        A failed run takes the older shape, the only one with the error's name, value and
        traceback apart; AGB's SDK reads that one for no failure and needs a `plain` text.
        """
        good = plain or (end.ok and not self.error)
        answer = self._good(end) if good else self._failed(end)
        return json.dumps(
            {**answer, "execution_count": end.execution_count, "execution_time": end.seconds}
        )

    def _good(self, end: RunEnd) -> dict[str, Any]:
        results = [
            json.dumps({"isMainResult": bool(item.get("isMainResult")), **item.get("mime", {})})
            for item in self.results
        ]
        return {
            "result": results,
            "stdout": _joined(self.stdout),
            "stderr": _joined(self.stderr),
            "executionError": end.error or _said(self.error),
        }

    def _failed(self, end: RunEnd) -> dict[str, Any]:
        name, _, value = end.error.partition(": ")
        error = {
            "name": self.error.get("code") or name or "ExecutionError",
            "value": self.error.get("message", value),
            "traceback": "\n".join(self.error.get("traceback") or []),
        }
        return {
            "logs": {"stdout": _joined(self.stdout), "stderr": _joined(self.stderr)},
            "results": [_short(item) for item in self.results],
            "error": error,
            "isError": True,
        }


def _said(error: Mapping[str, Any]) -> str:
    return f"{error.get('code')}: {error.get('message')}" if error else ""


def _joined(chunks: list[str]) -> list[str]:
    return ["".join(chunks)] if chunks else []


def _short(item: Mapping[str, Any]) -> dict[str, Any]:
    mime: dict[str, Any] = item.get("mime", {})
    found = {_SHORT[key]: value for key, value in mime.items() if key in _SHORT}
    return {**found, "is_main_result": bool(item.get("isMainResult"))}


def limit(value: object) -> float:
    """The seconds that a run may take; what is no number above 0 is refused."""
    if value is None:
        return DEFAULT_TIMEOUT
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise ToolFailure("run_code: the timeout must be a number of seconds above 0")
    return float(value)


async def run(
    host: Host,
    session: Session,
    args: Mapping[str, Any],
    seconds: float,
    emit: Callable[[WireEvent], None],
    ready: asyncio.Event | None = None,
) -> RunEnd:
    """Run code in a session; while it runs the session is not idle.

    While `ready` is clear, its output waits.
    """
    tools.find("run_code", session.image).check(args)
    session.need_running()
    language = str(args.get("language") or "python").lower()
    session.runs += 1
    try:
        return await host.guarded(
            session,
            session.sandbox.run_code(
                str(args["code"]), _ALIASES.get(language, language), seconds, emit, ready
            ),
        )
    finally:
        session.runs -= 1
        host.sessions.touch(session)
        host.changed.set()


async def call(
    host: Host, session: Session, name: str, args: Mapping[str, Any], *, plain: bool = False
) -> str:
    """The text of a tool's answer; a failure is raised as ToolFailure."""
    tool = tools.find(name, session.image)
    tool.check(args)
    session.need_running()
    try:
        if name == "run_code":
            return await _run_whole(host, session, args, plain)
        session.runs += 1
        try:
            return await host.guarded(session, _tool(host, session, name, args))
        finally:
            session.runs -= 1
            host.sessions.touch(session)
            host.changed.set()
    except SandboxGone as error:
        raise ToolFailure(f"The session has ended: {error}") from error


async def _tool(host: Host, session: Session, name: str, args: Mapping[str, Any]) -> str:
    if name in objects.TOOLS and host.buckets is not None:
        return await host.buckets.call(session, name, args)
    return await session.sandbox.call(name, args)


async def _run_whole(host: Host, session: Session, args: Mapping[str, Any], plain: bool) -> str:
    seen = Transcript()
    end = await run(host, session, args, limit(args.get("timeout_s")), seen.add)
    return seen.text(end, plain=plain)
