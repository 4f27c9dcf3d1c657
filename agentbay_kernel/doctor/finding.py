"""What one step of the check came to."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentbay_kernel.errors import KernelError, NotSupported

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger("agentbay_kernel.doctor")

OK, FAILED, CANNOT = "ok", "failed", "cannot"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row: what was tried, how it went, how long it took, and what to do about it.

    `state` is OK, FAILED, or CANNOT for what this provider, image or account does not offer.
    """

    what: str
    state: str
    detail: str = ""
    advice: str = ""
    seconds: float | None = None

    @property
    def row(self) -> tuple[str, str, str, str]:
        """The cells of a table."""
        took = f"{self.seconds:.3f} s" if self.seconds is not None else ""
        text = " ".join(f"{part.rstrip('.')}." for part in (self.detail, self.advice) if part)
        return self.what, self.state, took, text

    @property
    def line(self) -> str:
        """The same as a line of a terminal."""
        what, state, took, text = self.row
        return f"{what:16} {state:7} {took:>10}  {text}".rstrip()


class Trouble(Exception):
    """Raised by a step that went wrong in a way of its own: `advice` is what to do."""

    def __init__(self, detail: str, advice: str = "", *, cannot: bool = False) -> None:
        super().__init__(detail)
        self.advice = advice
        self.state = CANNOT if cannot else FAILED


async def attempt(what: str, step: Callable[[], Awaitable[str]], seconds: float) -> Finding:
    """Run one step, which gives its detail, and tell how it went; nothing but a Stop is raised."""
    began = time.perf_counter()
    state, advice = OK, ""
    try:
        async with asyncio.timeout(seconds):
            detail = await step()
    except Trouble as error:
        state, detail, advice = error.state, str(error), error.advice
    except KernelError as error:
        state = CANNOT if isinstance(error, NotSupported) else FAILED
        mark = f" (request id {error.request_id})" if error.request_id else ""
        detail, advice = error.message + mark, error.next_step
    except TimeoutError:
        state, detail = FAILED, f"not within {seconds:g} seconds"
        advice = "Try again; if it stays, tell the provider"
    except Exception as error:  # a row of the table all the same
        log.exception("the step %s", what)
        state, detail = FAILED, f"{type(error).__name__}: a fault of agentbay-kernel"
        advice = "The log has the traceback"
    return Finding(what, state, detail, advice, time.perf_counter() - began)
