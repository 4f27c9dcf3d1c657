"""Words of `%fs` that name files: what they mean, and how they are completed."""

from __future__ import annotations

import os
import posixpath
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from agentbay_kernel.errors import UsageError
from agentbay_kernel.transfer import plan
from agentbay_kernel.transfer.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agentbay_kernel.magics.registry import Context
    from agentbay_kernel.session import Session

WORKSPACE = "/workspace"
OBJECT = "oss://"


def remote_path(text: str) -> str:
    """A path of the session; a relative one is below its working folder."""
    if not text or "\0" in text:
        raise UsageError("A path of the session is empty or holds a null character")
    # What `..` leads to is said here, so that what is shown is what is meant.
    path = posixpath.normpath(PurePosixPath(WORKSPACE, text))
    return "/" + path.lstrip("/")


async def remote_paths(session: Session, words: Sequence[str]) -> list[str]:
    """The paths of the session that words with wildcards mean."""
    return await plan.remote_paths(session, [remote_path(word) for word in words])


def local_names(word: str) -> list[str]:
    """The files of this computer that begin with a word, folders with a slash."""
    folder, _, start = word.rpartition("/")
    base = os.path.expanduser(folder or ("/" if word.startswith("/") else "."))
    try:
        entries = [entry for entry in os.scandir(base) if entry.name.startswith(start)]
    except OSError:
        return []
    lead = f"{folder}/" if "/" in word else ""
    return sorted(
        lead + entry.name + ("/" if entry.is_dir() else "")
        for entry in entries
        if start or not entry.name.startswith(".")
    )


async def complete_local(_context: Context, word: str) -> Iterable[str]:
    """Completes a path of this computer."""
    return local_names(word)


async def complete_remote(context: Context, word: str) -> Iterable[str]:
    """Completes a path of the session, if there is one."""
    session = getattr(context.manager, "session", None)
    if session is None:
        return []
    folder, _, start = word.rpartition("/")
    lead = f"{folder}/" if "/" in word else ""
    base = remote_path(lead or ".")
    return sorted(
        lead + name + ("/" if entry.is_dir else "")
        for entry in await session.files.list(base)
        if (name := posixpath.basename(entry.path)).startswith(start) and shown(name) == name
        if start or not name.startswith(".")
    )


async def complete_either(context: Context, word: str) -> Iterable[str]:
    """Completes a path of this computer, and one of the session."""
    return [*local_names(word), *await complete_remote(context, word)]
