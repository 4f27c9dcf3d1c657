"""One live session of an SDK, as the port describes it."""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import (
    CellTimeout,
    ConnectionLost,
    KernelError,
    ProviderError,
    SessionGone,
    ToolError,
    UsageError,
)
from agentbay_kernel.providers._failures import redact
from agentbay_kernel.providers._gateway import Failure, Trace, details, watch
from agentbay_kernel.providers._groups import Groups, delete
from agentbay_kernel.providers._results import Run
from agentbay_kernel.providers._terminal import PtyTerminal, open_terminal
from agentbay_kernel.session import (
    Capabilities,
    RunResult,
    SessionInfo,
    ShellResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentbay_kernel.events import Emit
    from agentbay_kernel.providers._calls import Caller
    from agentbay_kernel.providers._vendor import Vendor

PORTS = range(30100, 30200)
ENDED = ("FINISH", "DELETED", "DELETING")
# How long after the provider's own limit a run that did not end is given up.
LATE_SECONDS = 60.0
# Where the SDK's session has what a capability stands for.
PLACES = {"pty": "pty", "variables": "env", "bucket": "oss", "pause": "beta_pause"}
DESKTOP = ("app_id", "auth_code", "connection_properties", "resource_id", "resource_type", "ticket")


class SdkSession(Groups):
    """A session through the SDK's live object, which is `sdk`."""

    def __init__(
        self, sdk: Any, caller: Caller, vendor: Vendor, *, image: str = "", stream: bool = True
    ) -> None:
        self.sdk = sdk
        self.vendor = vendor
        self.session_id: str = sdk.session_id
        self.image = image
        self.isolation = ""
        self.facts: Mapping[str, Any] = {}
        self.idle_minutes: int | None = None
        self.max_minutes: int | None = None
        self.capabilities = _capabilities(sdk, vendor.capabilities, stream)
        super().__init__(self, caller, self._ask)
        self._caller = caller
        self._streamed = False

    async def run_code(
        self,
        code: str,
        emit: Emit,
        *,
        language: str = "python",
        timeout: float = 28800,
    ) -> RunResult:
        """Run `code`, streaming where the session can; sent once at most."""
        run = Run(emit, timeout)
        try:
            if self.capabilities.stream:
                return await self._stream(run, code, language, timeout)
            return await self._plain(run, code, language, timeout)
        finally:
            run.close()

    async def _stream(self, run: Run, code: str, language: str, limit: float) -> RunResult:
        with watch() as trace:
            try:
                async with asyncio.timeout(limit + LATE_SECONDS):
                    result = await self.sdk.code.run_code(
                        code, language, timeout_s=math.ceil(limit), stream_beta=True,
                        on_stdout=run.on_stdout, on_stderr=run.on_stderr, on_error=run.on_error,
                    )  # fmt: skip
            except TimeoutError:
                raise CellTimeout(f"The cell did not end after {limit:g} seconds") from None
            finally:
                if trace.stream is not None:
                    # Drops what still comes of a run that was given up; one that has ended is
                    # left alone.
                    await trace.stream.cancel()
        if run.lost is not None and not trace.sent:
            return await self._unsent(run, code, language, limit)
        if run.lost is not None:
            raise await self._lost(run.lost)
        self._streamed = True
        return await self._ended(run, result)

    async def _unsent(self, run: Run, code: str, language: str, limit: float) -> RunResult:
        """The WebSocket could not be opened, so nothing has run: go on without streaming."""
        reason = redact(str(run.lost), self._caller.secrets)
        await self.status()
        if not self._streamed:  # one that could be opened before may be there for the next cell
            why = dict.fromkeys(("stream", "pty"), f"no WebSocket: {reason[:200]}")
            reasons = {**why, **self.capabilities.reasons}
            self.capabilities = replace(self.capabilities, stream=False, pty=False, reasons=reasons)
        run.lost = None
        return await self._plain(run, code, language, limit)

    async def _lost(self, error: Exception) -> KernelError:
        """What it means that the WebSocket broke while a cell was running."""
        try:
            async with asyncio.timeout(5):
                await self.status()
        except SessionGone as gone:
            return gone
        except (ProviderError, TimeoutError):
            pass
        text = redact(str(error), self._caller.secrets)
        return ConnectionLost(f"The connection broke while the cell was running: {text[:300]}")

    async def _plain(self, run: Run, code: str, language: str, limit: float) -> RunResult:
        with watch() as trace:
            result = await self.sdk.code.run_code(code, language, timeout_s=math.ceil(limit))
        if trace.failure is not None:
            raise self._plain_failure(trace.failure, run.seconds)
        return await self._ended(run, result)

    def _plain_failure(self, failure: Failure, seconds: float) -> KernelError:
        late = "timeout" in failure.message.lower() or failure.status in (408, 504)
        if late and seconds > 50:
            return CellTimeout(
                f"The cell ended after {seconds:.0f} seconds: without streaming, one request may "
                "take 60 seconds",
                next_step="Run the work in pieces, or use a session that streams",
                request_id=failure.request_id,
            )
        if failure.status == 0 and not failure.refused:
            text = redact(failure.message, self._caller.secrets)
            return ConnectionLost(f"The connection broke while the cell was running: {text[:300]}")
        return self._caller.failure("The cell was not run", failure)

    async def _ended(self, run: Run, result: Any) -> RunResult:
        if run.is_refusal(result):
            await self.status()  # raises SessionGone when that is the reason
        ok = run.finish(result)
        if not ok and not run.has_error:
            raise self._caller.error(
                "The cell was not run",
                Trace(request_id=result.request_id or ""),
                result.error_message or "no reason given",
            )
        return RunResult(ok, result.execution_count, result.request_id or "")

    async def shell(
        self,
        command: str,
        *,
        timeout: float = 50,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> ShellResult:
        """Run a shell command beside the interpreter."""
        with watch() as trace:
            result = await self.sdk.command.execute_command(
                command,
                timeout_ms=math.ceil(timeout * 1000),
                cwd=cwd,
                envs=dict(env) if env is not None else None,
            )
        if trace.failure is not None:
            raise self._caller.failure("The shell command was not run", trace.failure)
        text = result.error_message or ""
        if text and not result.stderr and result.stdout in ("", text):
            # The tool's own failure, as a time limit; a command's has an exit code and streams.
            raise ToolError(
                "The shell command failed: " + redact(text, self._caller.secrets)[:2000],
                request_id=result.request_id or "",
            )
        return ShellResult(result.stdout, result.stderr, result.exit_code)

    async def open_terminal(
        self, on_text: Callable[[str], None], on_end: Callable[[], None]
    ) -> PtyTerminal:
        """Open a terminal beside the interpreter."""
        self.capabilities.need("pty", "No terminal was opened")
        return await open_terminal(self.sdk, self._caller, on_text, on_end)

    async def call_tool(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Call one of the image's tools and give its text."""
        result = await self._caller.tool(
            f"The tool {name} failed", lambda: self.sdk.call_mcp_tool(name, dict(arguments))
        )
        return str(result.data)

    async def info(self) -> SessionInfo:
        """The resource, state and image, from two requests side by side."""
        (result, trace), (state, detail) = await asyncio.gather(
            self._ask("The session's facts were not given", self.sdk.info),
            self._ask("The session's state was not given", self.sdk.get_status),
        )
        facts = result.data
        known = (detail.bodies.get("GetSessionDetail") or {}).get("Data") or {}
        return SessionInfo(
            session_id=facts.session_id or self.session_id,
            status=str(state.status).upper(),
            image=str(known.get("ImageId") or self.image),
            resource_url=facts.resource_url or "",
            desktop={name: value for name in DESKTOP if (value := getattr(facts, name, ""))},
            request_id=result.request_id or trace.request_id,
            details=details(self.facts, known),
        )

    async def status(self) -> str:
        """The provider's word for the state; an ended session is gone."""
        result, _ = await self._ask("The session's state was not given", self.sdk.get_status)
        status = str(result.status).upper()
        if status in ENDED:
            raise SessionGone(f"Session {self.session_id} has ended ({status})")
        return status

    async def labels(self) -> dict[str, str]:
        """All labels, asked now."""
        result, _ = await self._ask("The labels were not given", self.sdk.get_labels)
        return {str(key): str(value) for key, value in (result.data or {}).items()}

    async def set_labels(self, labels: Mapping[str, str]) -> None:
        """Set the labels and read them back, since a refusal can look like success."""
        check_labels(labels)
        wanted = dict(labels)
        _, trace = await self._ask("The labels were not set", lambda: self.sdk.set_labels(wanted))
        found = await self.labels()
        if found != wanted:
            names = {key for key in {*found, *wanted} if found.get(key) != wanted.get(key)}
            raise ProviderError(
                f"The provider kept other labels than those set: {', '.join(sorted(names))} differ",
                request_id=trace.request_id,
            )

    async def link(self, *, port: int | None = None, protocol: str | None = None) -> str:
        """A URL to a port of the session."""
        if port is not None and port not in PORTS:
            raise UsageError(f"Port {port} cannot be linked, only {PORTS[0]} to {PORTS[-1]}")
        result, trace = await self._ask(
            "No link was given", lambda: self.sdk.get_link(protocol_type=protocol, port=port)
        )
        if not result.data:
            raise ProviderError("The provider gave an empty link", request_id=trace.request_id)
        self._caller.secrets.add(str(result.data))
        return str(result.data)

    async def keep_alive(self) -> None:
        """Start the idle time anew."""
        await self._ask("The session's time was not renewed", self.sdk.keep_alive)

    async def delete(self, *, sync: bool = False) -> None:
        """End the session; when its contexts cannot be uploaded first, it is kept."""
        if sync:
            try:
                await self.sync("upload")
            except SessionGone:
                return
        with contextlib.suppress(SessionGone):
            await self.end("The session was not deleted")

    async def end(self, what: str) -> None:
        """Delete it, a paused one too; raises SessionGone when it has ended already."""
        await delete(what, self.sdk, self._ask)

    async def release(self) -> None:
        """Close the connections to the session, which stays."""
        socket = getattr(self.sdk, "_ws_client", None)
        if socket is not None:
            self.sdk._ws_client = None
            await socket.close()
        if hasattr(self.sdk, "_close_link_http_client"):
            await self.sdk._close_link_http_client()

    async def _ask(self, what: str, call: Any, *, lenient: bool = False) -> tuple[Any, Trace]:
        try:
            return await self._caller.ask(what, call, lenient=lenient)
        except SessionGone:
            # The SDK would try to reconnect for ever.
            await self.release()
            raise


def check_labels(labels: Mapping[str, str]) -> None:
    """Refuse what the SDK would refuse: no labels, or a blank key or value."""
    if not labels:
        raise UsageError("A session needs at least one label")
    for key, value in labels.items():
        # A magic's caller is not type-checked.
        pair: tuple[object, ...] = (key, value)
        if not all(isinstance(text, str) and text.strip() for text in pair):
            raise UsageError(f"The label {key!r} = {value!r} is no pair of non-empty texts")


def _capabilities(sdk: Any, best: Capabilities, stream: bool) -> Capabilities:
    """What the provider's sessions can at best, less what this one has not got."""
    socket = bool(getattr(sdk, "ws_url", "") and getattr(sdk, "token", ""))
    tools = {getattr(tool, "name", "") for tool in getattr(sdk, "mcpTools", None) or []}
    lacks = {}
    if not socket:
        lacks = dict.fromkeys(("stream", "pty"), "the provider gave no WebSocket address")
    elif not stream:
        lacks["stream"] = "the option stream is off"
    if tools and "shell" not in tools:
        lacks["shell"] = "the image has no shell tool"
    for name, place in PLACES.items():
        if getattr(best, name) and not hasattr(sdk, place):
            lacks.setdefault(name, "this version of the SDK cannot")
    lacks = {name: why for name, why in lacks.items() if getattr(best, name)}
    return replace(best, **dict.fromkeys(lacks, False), reasons={**best.reasons, **lacks})
