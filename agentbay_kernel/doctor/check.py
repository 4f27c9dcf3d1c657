"""The whole check, in order; whatever it made is removed again, also when it is stopped."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from agentbay_kernel import providers
from agentbay_kernel.doctor import place
from agentbay_kernel.doctor.finding import CANNOT, FAILED, Finding, attempt
from agentbay_kernel.doctor.steps import Steps
from agentbay_kernel.errors import KernelError, SessionGone
from agentbay_kernel.identity import Identity
from agentbay_kernel.session import SessionSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.session import Provider, Session

log = logging.getLogger("agentbay_kernel.doctor")

STEP_SECONDS = 60.0
CLEAN_SECONDS = 60.0
# What is left behind by a check that was killed ends by itself.
IDLE_MINUTES, MOST_MINUTES = 5, 15


async def run(options: AgentBayOptions, tell: Callable[[Finding], None]) -> list[Finding]:
    """Check everything and give the rows; `tell` hears each as soon as it is known."""
    found: list[Finding] = []

    def note(finding: Finding) -> Finding:
        found.append(finding)
        tell(finding)
        return finding

    for finding in place.known(options):
        note(finding)
    try:
        provider = await asyncio.to_thread(providers.make, options)
    except KernelError as error:
        note(Finding("provider", FAILED, error.message, error.next_step))
        return found
    try:
        note(await attempt("endpoint", lambda: place.reach(provider), STEP_SECONDS))
        note(await attempt("clock", lambda: place.clock(provider), STEP_SECONDS))
        await _with_session(options, provider, note)
    finally:
        await provider.close()
    return found


async def _with_session(
    options: AgentBayOptions, provider: Provider, note: Callable[[Finding], Finding]
) -> None:
    labels = {**Identity().labels(), "agentbay-kernel.doctor": "1"}
    spec = SessionSpec(options.image, labels, (), IDLE_MINUTES, MOST_MINUTES)
    creating = asyncio.ensure_future(provider.create(spec))
    steps: Steps | None = None

    async def create() -> str:
        nonlocal steps
        session = await asyncio.shield(creating)
        steps = Steps(provider, session)
        return f"{session.session_id}, {session.isolation or session.image}"

    try:
        note(await attempt("create", create, options.create_timeout_seconds))
        if steps is not None:
            await _all(steps, note)
    finally:
        cleaning = asyncio.ensure_future(_clean(provider, creating, steps))
        await asyncio.shield(cleaning)


async def _all(steps: Steps, note: Callable[[Finding], Finding]) -> None:
    for name, step in (
        ("handshake", steps.handshake),
        ("stream", steps.stream),
        ("control channel", steps.channel),
        ("interrupt", steps.interrupt),
        ("shell", steps.shell),
        ("files", steps.files),
        ("variables", steps.variables),
        ("labels", steps.labels),
        ("link", steps.link),
        ("context", steps.keep),
        ("delete", steps.delete),
    ):
        note(await attempt(name, step, STEP_SECONDS))


async def _clean(
    provider: Provider, creating: asyncio.Future[Session], steps: Steps | None
) -> None:
    """Remove session and context, whatever of them there is."""
    if creating.done() and (creating.cancelled() or creating.exception()):
        return
    try:
        async with asyncio.timeout(CLEAN_SECONDS):
            session = await creating
            if steps is not None:
                await steps.close()
            await session.delete()
    except SessionGone:
        pass
    except (KernelError, TimeoutError):
        log.warning("the check's session was not deleted", exc_info=True)
    if steps is None or steps.context is None:
        return
    try:
        async with asyncio.timeout(CLEAN_SECONDS):
            await provider.contexts.delete(steps.context.context_id)
    except (KernelError, TimeoutError):
        log.warning("the check's context was not deleted", exc_info=True)


def failures(found: list[Finding]) -> str:
    """The check's result in a sentence."""
    bad = [each.what for each in found if each.state == FAILED]
    less = [each.what for each in found if each.state == CANNOT]
    text = f"Failed: {', '.join(bad)}." if bad else "Everything that was tried works."
    return text + (f" Not offered here: {', '.join(less)}." if less else "")
