"""Checksums of local files."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_BLOCK = 1 << 20


def hash_file(path: Path) -> str:
    """The sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_piece(descriptor: int, offset: int, length: int) -> str:
    """The sha256 of a piece of an open file."""
    digest, end = hashlib.sha256(), offset + length
    while offset < end:
        data = os.pread(descriptor, min(_BLOCK, end - offset), offset)
        if not data:
            break
        digest.update(data)
        offset += len(data)
    return digest.hexdigest()


def hash_pieces(descriptor: int, pieces: Iterable[tuple[int, int]]) -> list[str]:
    """The sha256 of each piece, given by offset and length, of an open file."""
    return [hash_piece(descriptor, offset, length) for offset, length in pieces]
