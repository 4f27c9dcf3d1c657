"""What a session's file names may do on this computer: stay inside of the chosen folder."""

from __future__ import annotations

import os
import secrets
import unicodedata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from agentbay_kernel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


def inside(folder: Path, name: str) -> Path:
    """The local path of a name that a session gave; refused where it would leave `folder`."""
    parts = PurePosixPath(name).parts
    bad = not parts or name.startswith("/") or "\0" in name or "\\" in name or ".." in parts
    path = folder.joinpath(*parts) if not bad else folder
    # A symbolic link on the way would lead elsewhere, so would one in the place of the file.
    links = [] if bad else [*[*path.parents][: len(parts) - 1], path]
    if bad or any(link.is_symlink() for link in links):
        raise UsageError(
            f"The session's file name {shown(name)} would be written outside of {folder}"
        )
    return path


def check_apart(folder: Path, paths: Iterable[Path]) -> None:
    """Refuse paths below `folder` of which one would take another's place on its file system."""
    fold = _folded if folds(folder) else str
    files: dict[tuple[str, ...], Path] = {}
    folders: dict[tuple[str, ...], Path] = {}
    for path in paths:
        key = tuple(map(fold, path.parts))
        other = files.setdefault(key, path)
        if other is not path:
            raise _one_place(other, path)
        for depth in range(len(key) - 1, len(folder.parts), -1):
            above = folders.setdefault(key[:depth], Path(*path.parts[:depth]))
            if above.parts != path.parts[:depth]:
                raise _one_place(above, Path(*path.parts[:depth]))
    for key in files.keys() & folders.keys():
        raise _one_place(files[key], folders[key])


def folds(folder: Path) -> bool:
    """Whether the file system of a folder takes names that differ by case only for one."""
    while not folder.is_dir():
        folder = folder.parent
    probe = folder / f".agentbay-{secrets.token_hex(4)}-a"
    try:
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError:
        return False
    try:
        return probe.with_name(probe.name.upper()).exists()
    finally:
        probe.unlink()


def make_folder(root: Path, folder: Path) -> None:
    """Make a folder and those above it below `root`, through no symbolic link."""
    root.mkdir(parents=True, exist_ok=True)
    at = root
    for part in folder.relative_to(root).parts:
        at = at / part
        try:
            at.mkdir()
        except FileExistsError:
            if at.is_symlink() or not at.is_dir():
                raise UsageError(f"{at} is in the way of a folder") from None


def shown(name: str) -> str:
    """A name as it may be shown: what would move a terminal's cursor is written out."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFD", name).casefold()


def _one_place(first: Path, second: Path) -> UsageError:
    return UsageError(
        f"Two files would get the same name, nothing was copied: {shown(str(first))} and "
        f"{shown(str(second))}"
    )
