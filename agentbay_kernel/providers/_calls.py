"""Asks the SDK for something and gives its result, or raises our error for what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import KeyRefused, ProviderError, SessionGone, ToolError, Unreachable
from agentbay_kernel.providers._failures import from_failure, from_text, redact
from agentbay_kernel.providers._gateway import Failure, Trace, watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Caller:
    """Knows the secrets of one account, which no error may show."""

    def __init__(self, key_variable: str) -> None:
        self._key_variable = key_variable
        self.secrets: set[str] = set()
        self.ended: Callable[[], bool] = lambda: False

    async def ask(
        self, what: str, call: Callable[[], Awaitable[Any]], *, lenient: bool = False
    ) -> tuple[Any, Trace]:
        """The SDK's result and what it did; `what` begins the message of an error.

        Some of the SDK's methods report success for an answer that says otherwise: that is an
        error unless `lenient`.
        """
        with watch() as trace:
            try:
                result = await call()
            except Exception as error:
                # Not chained: the SDK's exceptions carry the request, and so the key.
                raise self.error(what, trace, str(error)) from None
        failed = not getattr(result, "success", True)
        if failed or (trace.failure is not None and not lenient):
            raise self.error(what, trace, getattr(result, "error_message", "") or "no reason given")
        return result, trace

    def error(self, what: str, trace: Trace, text: str) -> ProviderError:
        """The error for a failed call, from its trace if that knows more than the SDK's text."""
        if trace.failure is not None:
            return self.failure(what, trace.failure)
        return from_text(what, text, trace.request_id, self.secrets)

    def failure(self, what: str, failure: Failure) -> ProviderError:
        """The error for a failed request."""
        if failure.action == "callTool" and failure.status in (401, 403, 404, 410):
            # The session's own address stops answering when the session ends.
            return SessionGone(
                f"{what}: the session does not answer any more (HTTP {failure.status})"
            )
        error = from_failure(what, failure, self.secrets)
        if isinstance(error, KeyRefused):
            named = f"{self._key_variable} and the endpoint"
            error.next_step = f"Check {named}, then restart the kernel"
        if isinstance(error, Unreachable) and self.ended():
            return SessionGone(f"{what}: the service that held the session has ended")
        return error

    async def tool(self, what: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Like `ask` for a tool of the session, whose own failure is a ToolError."""
        with watch() as trace:
            result = await call()
        if trace.failure is not None:
            raise self.failure(what, trace.failure)
        if not result.success:
            text = redact(str(result.error_message or "no reason given"), self.secrets)
            raise ToolError(f"{what}: {text.strip()[:2000]}", request_id=result.request_id or "")
        return result
