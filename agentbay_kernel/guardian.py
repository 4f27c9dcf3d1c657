"""A small process that outlives the kernel and ends the session which the kernel left behind.

The kernel starts it with the first session and holds its standard input. When that ends, the
guardian deletes the session: at once after the word `ending`, otherwise, as after a kill, unless
a restarted kernel claims the ledger's row within some seconds. `release` sends it away. With labels
as its charge it deletes every session that has them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any

from agentbay_kernel import syncing
from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.errors import SessionGone, SyncError
from agentbay_kernel.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentbay_kernel.session import Provider

log = logging.getLogger("agentbay_kernel.guardian")

ENDING_SECONDS = 60.0
"""How long a provider may list a session that was deleted."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a guardian watches over; holds no API key, which comes with the environment.

    It is the session of the ledger's row `key`, or with `labels` all sessions that have them, whose
    rows' keys begin with `key`.
    """

    key: str
    owner: int
    options: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


class Guardian:
    """The kernel's end: start the process, tell it what becomes of the session."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def watch(
        self,
        key: str,
        provider: str,
        options: AgentBayOptions,
        *,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Start watching over what a `Charge` says; at most one process."""
        if self._process is not None:
            return
        values = {name: getattr(options, name) for name in options.trait_names(config=True)}
        values["provider"] = provider
        self._process = subprocess.Popen(
            [sys.executable, "-m", "agentbay_kernel.guardian"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._tell(json.dumps(asdict(Charge(key, os.getpid(), values, dict(labels or {})))))

    def ending(self, *, sync: bool = False) -> None:
        """From now on delete the session, its contexts uploaded, as soon as this process ends."""
        self._tell("ending sync" if sync else "ending")

    def release(self) -> None:
        """Let it go: the session is gone already, or shall stay."""
        self._tell("release")
        process = self._let_go()
        if process is not None:
            process.wait(timeout=5)

    def dismiss(self) -> None:
        """Let it do what it was told for the end of this process, now and by itself."""
        self._let_go()

    def _let_go(self) -> subprocess.Popen[bytes] | None:
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
        return process

    def restart(self) -> None:
        """Let it wait for the next kernel to claim the session."""
        self._tell("restart")

    def _tell(self, line: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            log.warning("the session's guardian is gone")


def main(stdin: IO[str]) -> None:
    """Wait for the kernel's word or end, then do what it asks for."""
    charge = Charge(**json.loads(stdin.readline()))
    word = ""
    for line in stdin:
        word = line.strip()
    if word != "release":
        asyncio.run(_end(charge, word))


async def _end(charge: Charge, word: str) -> None:
    ledger = Ledger.of_user()
    if charge.labels:
        await _end_all(charge, ledger)
        return
    if not word.startswith("ending") and await _adopted(ledger, charge):
        return
    row = ledger.get(charge.key)
    if row is None or (row.owner_pid != charge.owner and row.owned()):
        return
    try:
        await _delete(charge, row.session_id, sync=row.sync)
    except SyncError as error:
        # The next kernel of the notebook finds the session, with what is not in the context.
        log.warning("the session is kept: %s", error)
        ledger.put(replace(row, left=str(error)))
        return
    except BaseException:
        ledger.remove(charge.key, row.session_id)
        raise
    ledger.remove(charge.key, row.session_id)


async def _end_all(charge: Charge, ledger: Ledger) -> None:
    """End what has the labels, also what was on its way when the process ended."""
    from agentbay_kernel import providers

    options = AgentBayOptions(**charge.options)
    provider = providers.make(options)
    end = time.monotonic() + options.restart_wait_seconds
    try:
        while True:
            page = await provider.list(charge.labels, limit=100)
            now = time.monotonic()
            if (now > end and not page.sessions) or now > end + ENDING_SECONDS:
                break
            for each in page.sessions:
                with contextlib.suppress(SessionGone):
                    await provider.delete(each.session_id)
            await asyncio.sleep(0.5)
        left = {each.session_id for each in page.sessions}
        for row in ledger.rows():
            if row.key.startswith(charge.key) and row.session_id not in left:
                ledger.remove(row.key, row.session_id)
    finally:
        await provider.close()


async def tell_kept(
    ledger: Ledger, notebook: str, provider: Provider, warn: Callable[[str], None]
) -> None:
    """Say which sessions of a notebook wait with data that could not be uploaded."""
    mark = provider.fingerprint(ledger.salt())
    for row in ledger.rows():
        if not row.left or not notebook or row.notebook != notebook or row.owned():
            continue
        if (row.endpoint, row.fingerprint) != (provider.endpoint, mark):
            continue
        try:
            await provider.get(row.session_id)
        except SessionGone:
            ledger.remove(row.key, row.session_id)
            continue
        warn(
            f"A kernel of this notebook has left session {row.session_id}: {row.left} "
            f"%agentbay attach {row.session_id} uses it."
        )


async def _adopted(ledger: Ledger, charge: Charge) -> bool:
    """Whether a new process claims the row within the time that a restart takes."""
    end = time.monotonic() + AgentBayOptions(**charge.options).restart_wait_seconds
    while time.monotonic() < end:
        row = ledger.get(charge.key)
        if row is None or (row.owner_pid != charge.owner and row.owned()):
            return True
        await asyncio.sleep(0.5)
    return False


async def _delete(charge: Charge, session_id: str, *, sync: bool) -> None:
    from agentbay_kernel import providers

    options = AgentBayOptions(**charge.options)
    provider = providers.make(options)
    try:
        if sync:
            session = await provider.get(session_id)
            await syncing.before_end(session.mounts, warn=log.warning)
        await provider.delete(session_id)
    except SessionGone:
        log.info("session %s has ended already", session_id)
    finally:
        await provider.close()


if __name__ == "__main__":
    main(sys.stdin)
