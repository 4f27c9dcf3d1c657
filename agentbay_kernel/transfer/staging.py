"""Local files that take their name when they are whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from typing import TYPE_CHECKING

from agentbay_kernel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def part_name(name: str, key: str) -> str:
    """The name of what will be `name`; the same key finds it again."""
    return f".{name[:40]}.{hashlib.sha256(key.encode()).hexdigest()[:12]}.part"


@contextlib.contextmanager
def new_file(path: Path, *, force: bool = True) -> Iterator[int]:
    """A file beside `path` that takes its name when all went well, and is removed otherwise."""
    part = path.parent / part_name(path.name, secrets.token_hex(8))
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    try:
        yield descriptor
        into_place(part, path, force=force)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def kept_file(part: Path) -> Iterator[int]:
    """A file that stays when the copying ends early; one that is no plain file is refused."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(part, flags, 0o666)
    except OSError as error:
        raise UsageError(f"{part} is in the way: {error.strerror}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise UsageError(f"{part} is in the way: it is no plain file of its own")
        yield descriptor
    finally:
        os.close(descriptor)


def into_place(part: Path, path: Path, *, force: bool) -> None:
    """Give a whole file its name; without `force` never over another file."""
    if force:
        os.replace(part, path)
        return
    try:
        os.link(part, path)
    except FileExistsError:
        raise UsageError(f"{path} has come to exist meanwhile; it is left alone") from None
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise UsageError(f"{path} has come to exist meanwhile; it is left alone") from None
        os.replace(part, path)
    else:
        os.unlink(part)
