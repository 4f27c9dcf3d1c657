"""Many small files in few requests: a portion of them is one archive, checked on arrival."""

from __future__ import annotations

import asyncio
import os
import posixpath
import secrets
import shlex
import tarfile
import tempfile
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from agentbay_kernel.errors import ToolError
from agentbay_kernel.transfer import remote
from agentbay_kernel.transfer.names import make_folder, shown
from agentbay_kernel.transfer.staging import new_file
from agentbay_kernel.transfer.together import together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from agentbay_kernel.session import Seen, Session
    from agentbay_kernel.transfer.plan import Copy, Plan

SMALL = 1 << 20
"""A larger file goes by itself."""
PORTION_BYTES = 16 << 20
PORTION_FILES = 2000
AT_ONCE = 2
# What tar may add to each file: its header, a long name's, the padding; and its end.
_HEADERS = 8 << 10
_END = 32 << 10
_BLOCK = 1 << 20


def portions(copies: Sequence[Copy]) -> Iterator[list[Copy]]:
    """Files that go together."""
    portion: list[Copy] = []
    size = 0
    for copy in copies:
        if portion and (len(portion) >= PORTION_FILES or size + copy.size > PORTION_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(copy)
        size += copy.size
    if portion:
        yield portion


async def put(session: Session, plan: Plan, todo: Sequence[Copy], seen: Seen, force: bool) -> None:
    """Send small files."""
    work = (partial(_put, session, plan.top, portion, seen, force) for portion in portions(todo))
    await together(work, AT_ONCE)


async def get(session: Session, plan: Plan, todo: Sequence[Copy], seen: Seen, force: bool) -> None:
    """Fetch small files."""
    top = Path(plan.top)
    work = (partial(_get, session, top, portion, seen, force) for portion in portions(todo))
    await together(work, AT_ONCE)


async def _put(
    session: Session, top: str, portion: Sequence[Copy], seen: Seen, force: bool
) -> None:
    archive = f"/tmp/.{secrets.token_hex(6)}.tar"
    staging = posixpath.join(top, f".agentbay-{secrets.token_hex(6)}.part")
    over = "--remove-destination" if force else "-n"
    # With a dot also where the folder is a link, as that of a mounted context may be.
    at, into = shlex.quote(staging), shlex.quote(posixpath.join(top, "."))
    try:
        with tempfile.TemporaryFile(prefix="agentbay-") as file:
            await asyncio.to_thread(_pack, file, portion, top)
            size = os.fstat(file.fileno()).st_size
            await _in_pieces(partial(session.files.send, file.fileno(), archive), size)
        # Hard links: each file appears under its name whole. Some file systems have none.
        await remote.run(
            session,
            f"mkdir -p -- {at} && tar -xf {archive} -C {at} --no-same-owner --no-same-permissions"
            f" && {{ cp -rlT {over} -- {at} {into} 2>/dev/null || cp -rT {over} -- {at} {into}; }};"
            f" e=$?; rm -rf -- {at}; exit $e",
            "The files were not put into their folders",
            seconds=remote.LONG_SECONDS,
        )
    finally:
        await session.shell(f"rm -f -- {archive}")
    seen(sum(copy.size for copy in portion))


def _pack(file: IO[bytes], portion: Sequence[Copy], top: str) -> None:
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for copy in portion:
            name = "./" + posixpath.relpath(copy.remote, top)
            with open(copy.local, "rb") as source:
                info = archive.gettarinfo(arcname=name, fileobj=source)
                info.type, info.size = tarfile.REGTYPE, copy.size
                info.mode &= 0o777
                if os.fstat(source.fileno()).st_size != copy.size:
                    raise ToolError(f"{copy.local} changed while it was sent")
                archive.addfile(info, source)
    file.flush()


async def _get(
    session: Session, top: Path, portion: Sequence[Copy], seen: Seen, force: bool
) -> None:
    archive = f"/tmp/.{secrets.token_hex(6)}.tar"
    names = ["." + copy.remote for copy in portion]
    try:
        # Each file as what it is, also one with several names, and no name for an option.
        await remote.answer(
            session,
            f"tar -cf {archive} -C / --hard-dereference --no-recursion --null"
            " --verbatim-files-from -T -",
            names,
            strict=True,
        )
        info = await session.files.info(archive)
        size = info.size if info is not None and info.size else 0
        most = sum(copy.size + _HEADERS for copy in portion) + _END
        if size > most:
            raise ToolError(f"The session packed {size:,} bytes where {most:,} are the most")
        with tempfile.TemporaryFile(prefix="agentbay-") as file:
            await _in_pieces(partial(session.files.fetch, archive, file.fileno()), size)
            wanted = dict(zip(names, portion, strict=True))
            await asyncio.to_thread(_unpack, file, wanted, top, force)
    finally:
        await session.shell(f"rm -f -- {archive}")
    seen(sum(copy.size for copy in portion))


def _unpack(file: IO[bytes], wanted: dict[str, Copy], top: Path, force: bool) -> None:
    """Write the files that were asked for, and nothing else that the archive may hold."""
    made: set[Path] = set()
    file.seek(0)
    try:
        with tarfile.open(fileobj=file, mode="r:", encoding="utf-8") as archive:
            for member in archive:
                copy = wanted.pop(member.name, None)
                if copy is None or not member.isreg() or member.size != copy.size:
                    raise ToolError(
                        f"{shown(member.name)} is not as the session listed it; "
                        "it changed, or it was not asked for"
                    )
                source = archive.extractfile(member)
                if copy.local.parent not in made:
                    make_folder(top, copy.local.parent)
                    made.add(copy.local.parent)
                with new_file(copy.local, force=force) as into:
                    while source is not None and (data := source.read(_BLOCK)):
                        os.write(into, data)
    except tarfile.TarError as error:
        raise ToolError(f"The session's archive cannot be read: {error}") from None
    if wanted:
        raise ToolError(f"{shown(min(wanted))} was not given by the session")


async def _in_pieces(copy: Callable[[int, int, Seen], Awaitable[None]], size: int) -> None:
    for offset in range(0, size, PORTION_BYTES):
        await copy(offset, min(PORTION_BYTES, size - offset), _unseen)


def _unseen(_count: int) -> None:
    return None
