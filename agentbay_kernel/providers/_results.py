"""From the SDK's report of a run to our events."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import CellTimeout
from agentbay_kernel.events import CellError, DisplayData, Event, ExecuteResult, Stream
from agentbay_kernel.mime import bundle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentbay_kernel.events import Emit

ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# `ValueError: text`, `pkg.SomeError: text`, or a bare `KeyboardInterrupt`.
EXCEPTION = re.compile(
    r"([\w.]*(?:Error|Exception|Interrupt|Exit|Warning|StopIteration|ExceptionGroup))(?:: ?(.*))?$"
)
NAMED = re.compile(r"([A-Za-z_][\w.]*): (.*)$")
# The names under which the SDK files an error that it knows as a text only.
UNNAMED = ("", "ExecutionError", "UnknownError")


class Run:
    """One running cell: hands its text on as it comes, its results and error at the end."""

    def __init__(self, emit: Emit, timeout: float) -> None:
        self._emit = emit
        self._timeout = timeout
        self._start = time.monotonic()
        self._open = True
        self._streamed = False
        self._error: CellError | None = None
        self.lost: Exception | None = None
        self._broken: Exception | None = None

    @property
    def seconds(self) -> float:
        """How long the cell has run."""
        return time.monotonic() - self._start

    @property
    def has_error(self) -> bool:
        """Whether the cell raised."""
        return self._error is not None

    def close(self) -> None:
        """Let nothing more through."""
        self._open = False

    def on_stdout(self, text: str) -> None:
        """The SDK's callback for a piece of stdout."""
        self._streamed = True
        self._send(Stream("stdout", text))

    def on_stderr(self, text: str) -> None:
        """The SDK's callback for a piece of stderr."""
        self._streamed = True
        self._send(Stream("stderr", text))

    def on_error(self, error: Any) -> None:
        """The SDK's callback for an error of the cell (a dict) or of the connection."""
        if isinstance(error, Exception):
            self.lost = error
        elif isinstance(error, dict):
            self._error = _from_wire(error)
        else:
            self._error = parse_error(str(error))

    def is_refusal(self, result: Any) -> bool:
        """Whether nothing but an error without a traceback came, as for a session that ended."""
        if self._streamed or result.success or result.results:
            return False
        error = self._error or _reported(result)
        return error is None or len(error.traceback) <= 1

    def finish(self, result: Any) -> bool:
        """Emit what was not streamed, then the results and the error; whether all went well."""
        report = _Report(result)
        if not self._streamed:
            for name, text in (("stdout", report.stdout), ("stderr", report.stderr)):
                if text:
                    self._send(Stream("stdout" if name == "stdout" else "stderr", text))
        for event in report.results:
            self._send(event)
        error = self._error = self._error or report.error
        self._check_time_limit(error, result.error_message or "")
        if error is not None:
            self._send(error)
        if self._broken is not None:
            raise self._broken
        return error is None and bool(result.success)

    def _check_time_limit(self, error: CellError | None, message: str) -> None:
        # A TimeoutError of the user's own has a traceback, or comes before the limit.
        if self.seconds < self._timeout - 1 or (error and len(error.traceback) > 1):
            return
        text = f"{error.ename} {error.evalue}" if error else message
        if re.search(r"time(d )? ?out", text, re.I):
            raise CellTimeout(f"The cell was ended after its limit of {self._timeout:g} seconds")

    def _send(self, event: Event) -> None:
        if not self._open:
            return
        try:
            self._emit(event)
        except Exception as error:
            # Out of a callback it would tear down the session's connection.
            self._broken = self._broken or error


class _Report:
    """The parts of an SDK result, from whichever place they stand in."""

    def __init__(self, result: Any) -> None:
        logs = getattr(result, "logs", None)
        self.stdout = "".join(getattr(logs, "stdout", None) or [])
        self.stderr = "".join(getattr(logs, "stderr", None) or [])
        self.results = [event for item in result.results or [] if (event := to_event(item))]
        self.error = _reported(result)
        if self.error is None and not result.success:
            self._from_message(result.error_message or "")
        if _is_plain(result):
            self.results = []

    def _from_message(self, text: str) -> None:
        """A failed tool's whole answer ends up in the error message, output and all."""
        answer = _json_object(text)
        if answer is None or "executionError" not in answer:
            self.error = parse_error(text) if is_exception(text) else None
            return
        self.stdout = self.stdout or "".join(answer.get("stdout") or [])
        self.stderr = self.stderr or "".join(answer.get("stderr") or [])
        self.error = parse_error(str(answer["executionError"]))


def to_event(item: Any) -> ExecuteResult | DisplayData | None:
    """The event of one SDK result, None for an empty one."""
    data = bundle(item)
    if not data:
        return None
    return ExecuteResult(data) if item.is_main_result else DisplayData(data)


def parse_error(text: str) -> CellError:
    """An error of which only a text is known: a traceback, or one `Name: message`."""
    lines = text.rstrip("\n").split("\n")
    plain = [ANSI.sub("", line) for line in lines]
    for pattern in (EXCEPTION, NAMED):
        for index in range(len(plain) - 1, -1, -1):
            if match := pattern.match(plain[index]):
                name = match[1].rpartition(".")[2]
                value = "\n".join([match[2] or "", *plain[index + 1 :]])
                return CellError(name, value.rstrip("\n"), tuple(lines))
    return CellError("ExecutionError", ANSI.sub("", text).strip(), tuple(lines))


def is_exception(text: str) -> bool:
    """Whether a text reads as an exception of the cell, not as a failure of the tool."""
    return any(EXCEPTION.match(ANSI.sub("", line)) for line in text.split("\n"))


def _from_wire(error: Mapping[str, Any]) -> CellError:
    name = str(error.get("code") or "")
    value = str(error.get("message") or error.get("error") or "")
    lines = error.get("traceback")
    if isinstance(lines, list) and lines:
        return CellError(name or "ExecutionError", value, tuple(str(line) for line in lines))
    if name in UNNAMED:
        return parse_error(value)
    return CellError(name, value, (f"{name}: {value}",))


def _reported(result: Any) -> CellError | None:
    error = result.error
    if error is None:
        return None
    name, value, traceback = str(error.name or ""), str(error.value or ""), error.traceback
    if name in UNNAMED and not traceback:
        return parse_error(value)
    lines = traceback if isinstance(traceback, list) else str(traceback or "").split("\n")
    named = f"{name}: {value}"
    lines = [str(line) for line in lines if not str(line).startswith("traceId=")]
    return CellError(name, value, tuple(lines) if any(lines) else (named,))


def _is_plain(result: Any) -> bool:
    """Whether the tool answered in plain text, which the SDK files as output and as result."""
    texts = [getattr(item, "text", None) for item in result.results or []]
    return len(texts) == 1 and result.execution_count is None and texts == result.logs.stdout


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
