"""The port to persistent contexts: named folders that outlive the sessions which mount them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentbay_kernel.session import ContextState, Mount

    Direction = Literal["upload", "download"]

KEEP_DAYS = (1, 3, 5, 10, 15, 30, 90, 180, 360)
"""How long a context may keep its files, where it does not keep them for ever."""


@dataclass(frozen=True, slots=True)
class MountPolicy:
    """How a mounted context travels; the defaults are the providers' own.

    `only` and `without` are folders that take part or are left out, regular expressions when
    `patterns`; `loose` are folders that an archive leaves as single files; `keep_days` is one of
    KEEP_DAYS, or 0 for ever, for the folders `keep_paths` or all.
    """

    auto_upload: bool = True
    auto_download: bool = True
    archive: bool = False
    loose: tuple[str, ...] = ()
    deletions: bool = True
    extract: bool = True
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    patterns: bool = False
    keep_days: int = 0
    keep_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContextInfo:
    """One context of the account; times are the provider's text."""

    context_id: str
    name: str
    state: str = ""
    created: str = ""
    used: str = ""


@dataclass(frozen=True, slots=True)
class ContextPage:
    """One page of a listing; `total` counts all pages, None if the provider does not say."""

    contexts: Sequence[ContextInfo]
    next_token: str = ""
    total: int | None = None


@dataclass(frozen=True, slots=True)
class ContextFile:
    """A file or folder of a context; `name` is the last part of its path there."""

    name: str
    is_dir: bool
    size: int | None = None
    modified: str = ""


@dataclass(frozen=True, slots=True)
class FilePage:
    """One page of a folder of a context."""

    files: Sequence[ContextFile]
    next_token: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """A context that is mounted at a path of a session."""

    context_id: str
    name: str
    path: str
    auto_upload: bool = True
    since: str = ""


class Contexts(Protocol):
    """The contexts of one account. A path of a file is relative to its context."""

    async def list(self, *, limit: int = 10, token: str = "") -> ContextPage:
        """One page of the contexts."""

    async def get(self, name: str) -> ContextInfo:
        """The context of a name; raises ContextGone."""

    async def create(self, name: str) -> ContextInfo:
        """The context of a name, made if there is none."""

    async def rename(self, context_id: str, name: str) -> None:
        """Give a context another name."""

    async def delete(self, context_id: str) -> None:
        """Remove a context and its files."""

    async def clear(self, context_id: str) -> None:
        """Remove the files of a context, and wait until that is done."""

    async def files(self, context_id: str, folder: str = "", *, token: str = "") -> FilePage:
        """One page of what is directly below a folder."""

    async def upload_url(self, context_id: str, path: str) -> str:
        """An address that takes a file by PUT for a while; it is a credential."""

    async def download_url(self, context_id: str, path: str) -> str:
        """An address that gives a file for a while; it is a credential."""

    async def delete_file(self, context_id: str, path: str) -> None:
        """Remove a file."""


class Mounts(Protocol):
    """The contexts that are mounted in one session."""

    async def list(self) -> Sequence[Bound]:
        """Which contexts are mounted, and where."""

    async def states(self) -> Sequence[ContextState]:
        """The last upload and download of each."""

    async def add(self, mount: Mount) -> Bound:
        """Mount a context, made if there is none, in the running session.

        Does not wait for its download. Raises ProviderError when the path is taken.
        """

    async def start(self, direction: Direction, bound: Bound | None = None) -> None:
        """Begin the upload or download of one mounted context, or of all."""
