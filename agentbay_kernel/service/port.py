"""What the service asks of one session's sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

WireEvent = dict[str, Any]
"""An event of a run as it stands in the wire's `data`, without `phase`: `eventType` is `stdout`
or `stderr` (with `chunk`), `result` (with `result.isMainResult`, `.mime`, `.metadata`) or `error`
(with `error.code`, `.message`, `.traceId` and our own addition `.traceback`, a list of lines)."""


class ToolFailure(Exception):
    """Raised when a tool fails; `str()` is the text for the caller."""


class SandboxGone(Exception):
    """Raised when the sandbox has ended while, or before, it was asked."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one session may use together; 0 means no limit."""

    memory_bytes: int = 4 << 30
    processes: int = 256
    cpus: float = 0.0
    file_bytes: int = 0


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """How to make a sandbox: `root` is a private host folder that is removed at the end.

    `mounts` maps an absolute path in the session to the host folder that stands there.
    `env` is added to the allow-listed environment of the session. `engine` is `pipe`, or
    `ipykernel` for an interpreter behind Jupyter's own protocol.
    """

    session_id: str
    root: Path
    mounts: Mapping[str, Path] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()
    engine: str = "pipe"


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended: `error` is empty or one text `Name: message` of the failure."""

    ok: bool
    execution_count: int | None
    seconds: float
    error: str = ""


class Sandbox(Protocol):
    """One session's processes and files. All methods but `pids` are coroutines on one loop."""

    isolation: str
    """`bwrap`, or `folder` with the reason, as it is told to the user."""

    async def start(self) -> None:
        """Start the supervisor and a worker in readiness; raises SandboxGone with the reason."""

    async def run_code(
        self,
        code: str,
        language: str,
        timeout: float,
        emit: Callable[[WireEvent], None],
        ready: asyncio.Event | None = None,
    ) -> RunEnd:
        """Run code in the interpreter that keeps the session's state; runs queue up.

        While `ready` is clear the caller takes no more output, and the code waits to write.
        A run that exceeds `timeout` seconds is interrupted, then killed, and ends with
        `TimeoutError: ...`. Raises ToolFailure for a language or runtime that is not there.
        """

    async def call(self, tool: str, args: Mapping[str, Any]) -> str:
        """Run one tool (shell, files, env, metrics) in the sandbox; gives the wire's text."""

    async def pty_create(
        self,
        *,
        cols: int,
        rows: int,
        cwd: str | None,
        env: Mapping[str, str],
        shell: str | None,
        on_output: Callable[[str, bytes], None],
        on_exit: Callable[[str, int], None],
    ) -> str:
        """Open a terminal and give its id; the callbacks get the id first."""

    async def pty_input(self, pty_id: str, data: bytes) -> None:
        """Type into a terminal."""

    async def pty_resize(self, pty_id: str, cols: int, rows: int) -> None:
        """Change a terminal's size."""

    async def pty_kill(self, pty_id: str) -> None:
        """End a terminal and what runs in it."""

    async def pty_list(self) -> Sequence[str]:
        """The ids of the open terminals."""

    async def watch(
        self, path: str, on_change: Callable[[list[dict[str, str]]], None]
    ) -> Callable[[], None]:
        """Report changes below `path` ({eventType, path, pathType}); the answer stops it."""

    async def bind(self, path: str, source: Path) -> None:
        """Make a host folder appear at an absolute path of the running session."""

    async def pause(self) -> None:
        """Stop every process of the session."""

    async def resume(self) -> None:
        """Let them go on."""

    def host_path(self, path: str) -> Path:
        """Where an absolute path of the session's own files lies on the host; no symlink is
        followed out of the session. Raises ToolFailure outside of them."""

    def pids(self) -> set[int]:
        """The host's pids of every process of the session."""

    async def close(self) -> None:
        """End every process and remove `root`; safe to call twice."""
