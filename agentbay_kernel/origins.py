"""Where a session comes from: made anew, or left by a former process and found by its row."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from agentbay_kernel import syncing
from agentbay_kernel.errors import KernelError, SessionGone
from agentbay_kernel.interpreter import Clearing, clear
from agentbay_kernel.ledger import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentbay_kernel.identity import Identity
    from agentbay_kernel.ledger import Ledger
    from agentbay_kernel.session import Provider, Session, SessionSpec

log = logging.getLogger("agentbay_kernel.sessions")
_discarding: set[asyncio.Task[None]] = set()


async def create(provider: Provider, spec: SessionSpec, timeout_seconds: float) -> Session:
    """A new session."""
    session = await asyncio.wait_for(provider.create(spec), timeout_seconds)
    log.info("session %s created", session.session_id)
    return session


async def create_or_discard(
    provider: Provider, spec: SessionSpec, timeout_seconds: float
) -> Session:
    """A new session; one whose creation was cancelled meanwhile is deleted when it is there."""
    making = asyncio.ensure_future(create(provider, spec, timeout_seconds))
    try:
        return await asyncio.shield(making)
    except asyncio.CancelledError:
        discarding = asyncio.ensure_future(_discard(making))
        _discarding.add(discarding)
        discarding.add_done_callback(_discarding.discard)
        raise


async def _discard(making: asyncio.Future[Session]) -> None:
    try:
        await (await making).delete()
    except KernelError:
        log.warning("a session that nobody waited for was not deleted", exc_info=True)


def fits(row: Row, provider: Provider, ledger: Ledger) -> bool:
    """Whether a row is of the same account at the same place."""
    same_place = row.endpoint == provider.endpoint
    return same_place and row.fingerprint == provider.fingerprint(ledger.salt())


async def find(row: Row, provider: Provider) -> Session | None:
    """The session of a row, None if it has ended."""
    try:
        return await provider.get(row.session_id)
    except SessionGone:
        return None


async def adopt(
    row: Row, provider: Provider, warn: Callable[[str], None]
) -> tuple[Session | None, Clearing | None]:
    """The session of a row with its names cleared, and what was cleared.

    No session where it has ended, or was ended here since nothing proved that it is clear.
    """
    session = await find(row, provider)
    if session is None:
        return None, None
    cleared = await clear(session)
    if not cleared.proved:
        if row.sync:
            await syncing.before_end(session.mounts, warn=warn)
        await session.delete()
        return None, cleared
    if row.left:
        warn(row.left)
    return session, cleared


def row(identity: Identity, session: Session, provider: Provider, ledger: Ledger) -> Row:
    """What the ledger says of a session that has just been made."""
    return Row(
        key=identity.key,
        session_id=session.session_id,
        provider=provider.name,
        endpoint=provider.endpoint,
        fingerprint=provider.fingerprint(ledger.salt()),
        notebook=identity.notebook,
        created=time.time(),
    )


def age(row: Row | None, session: Session) -> float:
    """Seconds since the session was created, by the ledger when a former process made it."""
    if row is None or row.session_id != session.session_id:
        return 0.0
    return max(0.0, time.time() - row.created)
