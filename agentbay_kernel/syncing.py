"""Uploads and downloads of a session's mounted contexts, followed to their end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agentbay_kernel.errors import SyncError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from agentbay_kernel.contexts import Bound, Direction, Mounts
    from agentbay_kernel.session import ContextState

    Progress = Callable[[ContextState], None]
    Key = tuple[str, str]

# The vendor's own bounds for the end of an upload.
POLLS = 150
PAUSE_SECONDS = 2.0
# As many answers may lack a transfer that was asked for, or give its former course.
LATE_POLLS = 3
ENDED = ("Success", "Failed")


def _quiet(_state: ContextState) -> None:
    return None


async def transfer(
    mounts: Mounts,
    direction: Direction,
    wanted: Sequence[Bound] | None = None,
    *,
    progress: Progress = _quiet,
) -> list[ContextState]:
    """Upload or download mounted contexts, all unless some are `wanted`, and wait for the end.

    `progress` hears of each change. Raises SyncError with what failed or did not end.
    """
    before = [each for each in await mounts.states() if each.direction == direction]
    if wanted is None:
        await mounts.start(direction)
        bound = await mounts.list()
    else:
        bound = wanted
        for each in wanted:
            await mounts.start(direction, each)
    keys = {(each.context_id, each.path) for each in bound}
    found = await _follow(mounts, direction, keys, before, wanted is None, progress)
    check(found, bound)
    return found


async def arrived(
    mounts: Mounts, bound: Bound, *, progress: Progress = _quiet
) -> list[ContextState]:
    """Wait for the download of a context that was mounted just now."""
    key = (bound.context_id, bound.path)
    found = await _follow(mounts, "download", {key}, (), False, progress)
    check(found, [bound])
    return found


async def settled(mounts: Mounts, *, progress: Progress = _quiet) -> list[ContextState]:
    """Wait until no transfer is under way; raises SyncError when one of them fails."""
    watched: set[tuple[str, str, str]] = set()
    seen: set[ContextState] = set()
    for poll in range(POLLS):
        states = await mounts.states()
        running = [each for each in states if each.status not in ENDED]
        watched |= {_full_key(each) for each in running}
        _tell([each for each in states if _full_key(each) in watched], seen, progress)
        if not running:
            break
        await asyncio.sleep(_pause(poll))
    found = [each for each in states if _full_key(each) in watched]
    check(found, await mounts.list())
    return states if isinstance(states, list) else list(states)


async def before_end(
    mounts: Mounts,
    *,
    every: bool = False,
    force: bool = False,
    warn: Callable[[str], None],
    progress: Progress = _quiet,
) -> None:
    """Upload what the end of a session would lose; raises SyncError when something would be.

    Without `every` only contexts with automatic upload are sent. With `force` what cannot be
    saved is told and given up; with both, also the stored copy of what did not come down is
    replaced.
    """
    bound = await mounts.list()
    lost = undownloaded(await mounts.states()) if bound else set()
    missed = [each for each in bound if (each.context_id, each.path) in lost]
    if missed and not force:
        raise SyncError(
            f"{_named(missed)} was not downloaded; an upload would replace the stored copy by what "
            "is there now",
            survived="Nothing was uploaded or deleted",
            next_step="%agentbay delete --force ends the session without it, "
            "--sync --force uploads all the same",
        )
    wanted = [each for each in bound if each.auto_upload or every]
    if not every:
        wanted = [each for each in wanted if each not in missed]
    try:
        if wanted:
            await transfer(mounts, "upload", wanted, progress=progress)
    except SyncError as error:
        if not force:
            error.next_step += "; %agentbay delete --force ends the session and loses the changes"
            raise
        warn(f"{error.message}. The session ends all the same, and the changes with it.")
    if left := [each for each in bound if each not in wanted]:
        warn(f"Not uploaded, and gone with the session: changes in {_named(left)}.")


async def tell_undownloaded(mounts: Mounts, warn: Callable[[str], None]) -> None:
    """Say which contexts did not come down: their good copies must not be overwritten."""
    for each in await mounts.states():
        if _is(each, "download", "Failed"):
            warn(
                f"The context for {each.path} was not downloaded: {each.error or 'no reason'}. Its "
                "stored copy is safe; %agentbay delete --sync needs --force to upload over it."
            )


def undownloaded(states: Iterable[ContextState]) -> set[Key]:
    """Context and path of those whose folder never held the stored copy."""
    states = list(states)
    failed = {_key(each) for each in states if _is(each, "download", "Failed")}
    return failed - {_key(each) for each in states if _is(each, "upload", "Success")}


def check(states: Iterable[ContextState], bound: Collection[Bound]) -> None:
    """Raise SyncError for transfers that failed or have not ended."""
    names = {(each.context_id, each.path): each.name for each in bound}

    def label(state: ContextState) -> str:
        return f"{names.get(_key(state), '')} {state.path}".strip()

    states = list(states)
    failed = [each for each in states if each.status == "Failed"]
    slow = [each for each in states if each.status not in ENDED]
    if failed:
        reasons = "; ".join(f"{label(each)}: {each.error or 'no reason given'}" for each in failed)
        kind, done = failed[0].direction, "stored copy" if _up(failed[0]) else "session's folder"
        raise SyncError(
            f"The {kind} did not succeed: {reasons}",
            survived=f"The session is kept, and its files with it; the {done} is what it was",
            next_step="%sync up tries again" if _up(failed[0]) else "%sync down tries again",
        )
    if slow:
        raise SyncError(
            f"The {slow[0].direction} of {', '.join(map(label, slow))} has not ended in "
            f"{POLLS} questions",
            survived="It goes on, and the session is kept",
            next_step="%sync wait waits for its end",
        )


async def _follow(
    mounts: Mounts,
    direction: Direction,
    keys: set[Key],
    before: Collection[ContextState],
    others: bool,
    progress: Progress,
) -> list[ContextState]:
    """Ask until every transfer of `keys`, and with `others` any more, has ended."""
    seen: set[ContextState] = set()
    for poll in range(POLLS):
        states = [each for each in await mounts.states() if each.direction == direction]
        found = [each for each in states if others or _key(each) in keys]
        late = poll < LATE_POLLS
        _tell([each for each in found if not (late and each in before)], seen, progress)
        missing = keys - {_key(each) for each in found}
        waiting = [each for each in found if each.status not in ENDED or (late and each in before)]
        if not waiting and not (missing and late):
            break
        await asyncio.sleep(_pause(poll))
    return found


def _tell(states: Iterable[ContextState], seen: set[ContextState], progress: Progress) -> None:
    for state in states:
        if state not in seen:
            seen.add(state)
            progress(state)


def _pause(poll: int) -> float:
    return min(PAUSE_SECONDS, 0.1 * 1.3**poll)


def _named(bound: Iterable[Bound]) -> str:
    return ", ".join(f"{each.name} at {each.path}" for each in bound)


def _key(state: ContextState) -> Key:
    return state.context_id, state.path


def _full_key(state: ContextState) -> tuple[str, str, str]:
    return state.context_id, state.path, state.direction


def _is(state: ContextState, direction: str, status: str) -> bool:
    return state.direction == direction and state.status == status


def _up(state: ContextState) -> bool:
    return state.direction == "upload"
