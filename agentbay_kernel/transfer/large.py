"""Large files in pieces: several at a time, each checked, and resumed where they stopped."""

from __future__ import annotations

import asyncio
import os
import posixpath
import shlex
from functools import partial
from typing import TYPE_CHECKING

from agentbay_kernel.errors import ToolError
from agentbay_kernel.hashing import hash_pieces
from agentbay_kernel.transfer import remote
from agentbay_kernel.transfer.staging import into_place, kept_file, part_name
from agentbay_kernel.transfer.together import together

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agentbay_kernel.session import Seen, Session
    from agentbay_kernel.transfer.plan import Copy

SMALLEST = 8 << 20
LARGEST = 64 << 20
AT_ONCE = 3
FILES_AT_ONCE = 2


def piece_size(size: int) -> int:
    """How large the pieces of a file are, always the same for the same size."""
    wanted = -(-size // 64 >> 20) << 20
    return max(SMALLEST, min(LARGEST, wanted))


async def put_all(session: Session, copies: Sequence[Copy], seen: Seen, *, force: bool) -> None:
    """Send large files, some at a time."""
    work = (partial(put, session, copy, seen, force=force) for copy in copies)
    await together(work, FILES_AT_ONCE)


async def get_all(session: Session, copies: Sequence[Copy], seen: Seen, *, force: bool) -> None:
    """Fetch large files, some at a time."""
    work = (partial(get, session, copy, seen, force=force) for copy in copies)
    await together(work, FILES_AT_ONCE)


async def put(session: Session, copy: Copy, seen: Seen, *, force: bool) -> None:
    """Send a file; what an earlier attempt left in the session is checked and goes on."""
    before = _stamp(copy.local)
    name = part_name(posixpath.basename(copy.remote), f"{copy.remote}\0{copy.size}")
    part = posixpath.join(posixpath.dirname(copy.remote), name)
    step = piece_size(copy.size)
    with open(copy.local, "rb") as file:  # noqa: ASYNC230
        source = file.fileno()
        left = await _missing(session, source, part, copy.size, step)
        seen(copy.size - sum(length for _, length in left))
        send = (partial(session.files.send, source, part, at, n, seen) for at, n in left)
        await together(send, AT_ONCE)
    if _stamp(copy.local) != before:
        await session.shell(f"rm -f -- {shlex.quote(part)}")
        raise ToolError(f"{copy.local} changed while it was sent; nothing was kept")
    target, quoted = shlex.quote(copy.remote), shlex.quote(part)
    free = "" if force else f"[ ! -e {target} ] && "
    await remote.run(
        session,
        f'[ "$(wc -c < {quoted})" -eq {copy.size} ] && {free}mv -fT -- {quoted} {target}',
        f"{copy.remote} was not given its name",
    )


async def get(session: Session, copy: Copy, seen: Seen, *, force: bool) -> None:
    """Fetch a file; what an earlier attempt left here is checked and goes on."""
    before = await _remote_stamp(session, copy.remote)
    part = copy.local.parent / part_name(copy.local.name, f"{copy.remote}\0{copy.size}")
    step = piece_size(copy.size)
    with kept_file(part) as into:
        left = await _missing(session, into, copy.remote, copy.size, step)
        seen(copy.size - sum(length for _, length in left))
        fetch = (partial(session.files.fetch, copy.remote, into, at, n, seen) for at, n in left)
        await together(fetch, AT_ONCE)
        os.ftruncate(into, copy.size)
    if await _remote_stamp(session, copy.remote) != before:
        part.unlink()
        raise ToolError(f"{copy.remote} changed while it was fetched; nothing was kept")
    into_place(part, copy.local, force=force)


async def _missing(
    session: Session, local: int, path: str, size: int, step: int
) -> list[tuple[int, int]]:
    """The pieces, by offset and length, in which a local file and one of the session differ."""
    pieces = [(at, min(step, size - at)) for at in range(0, size, step)]
    if not session.capabilities.shell or os.fstat(local).st_size == 0:
        return pieces
    info = await session.files.info(path)
    if info is None or not info.size:
        return pieces
    theirs = await remote.piece_digests(session, path, min(size, info.size), step)
    ours = await asyncio.to_thread(hash_pieces, local, pieces[: len(theirs)])
    same = {at for (at, _), a, b in zip(pieces, ours, theirs, strict=False) if a == b}
    return [piece for piece in pieces if piece[0] not in same]


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


async def _remote_stamp(session: Session, path: str) -> tuple[int | None, float | None]:
    info = await session.files.info(path)
    return (info.size, info.modified) if info is not None else (None, None)
