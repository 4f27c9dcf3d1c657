"""What Tab offers where a session's id, name, label or image is typed; it starts nothing."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from agentbay_kernel.errors import KernelError
from agentbay_kernel.identity import is_reserved

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentbay_kernel.magics.registry import Context

IMAGES = ("browser_latest", "code_latest", "linux_latest", "mobile_latest", "windows_latest")
"""The vendor's own images; those of the account are found in its sessions."""
STATES = ("RUNNING", "PAUSING", "PAUSED", "RESUMING", "DELETING", "DELETED")
MOST = 100


async def ids(context: Context, _word: str) -> Iterable[str]:
    """The ids of the account's sessions, as many as one page has."""
    page = await (await context.manager.provider()).list({}, limit=MOST)
    return [each.session_id for each in page.sessions]


async def names(context: Context, _word: str) -> Iterable[str]:
    """The names of this notebook's sessions."""
    return [place.name for place in context.places or ()]


async def ids_and_names(context: Context, word: str) -> Iterable[str]:
    """What a session may be called where both are taken."""
    return [*await names(context, word), *await ids(context, word)]


async def images(context: Context, _word: str) -> Iterable[str]:
    """Names of images: the vendor's, the option's, and those that the account's sessions have."""
    known = {*IMAGES, context.manager.options.image}
    with contextlib.suppress(KernelError):
        page = await (await context.manager.provider()).list({}, limit=MOST)
        known |= {each.image for each in page.sessions}
    return sorted(known - {""})


async def label_keys(context: Context, _word: str) -> Iterable[str]:
    """The keys of the current session's labels."""
    return sorted(await _labels(context))


async def label_pairs(context: Context, word: str) -> Iterable[str]:
    """`key=`, and behind the sign the value that the current session has."""
    found = sorted((await _labels(context)).items())
    if "=" in word:
        return [f"{key}={value}" for key, value in found]
    return [f"{key}=" for key, _ in found]


async def _labels(context: Context) -> dict[str, str]:
    session = context.manager.session
    found = await session.labels() if session is not None else {}
    return {key: value for key, value in found.items() if not is_reserved(key)}
