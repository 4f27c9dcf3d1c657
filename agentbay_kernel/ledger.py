"""The sessions that this computer's kernels made, kept on disk so that none is lost.

One JSON file a kernel. A row is owned by a live process (its pid and start time); a row whose
owner is dead may be claimed by a new process with the same key, which is how a restarted kernel
finds its session again. No row holds an API key.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import psutil

from agentbay_kernel.config import data_dir

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """A session and who owns it; `key` names the kernel, times are seconds since 1970.

    `sync` is set where contexts are mounted, `left` says why the session was not ended.
    """

    key: str
    session_id: str
    provider: str
    endpoint: str
    fingerprint: str
    notebook: str = ""
    owner_pid: int = 0
    owner_start: float = 0.0
    created: float = 0.0
    sync: bool = False
    left: str = ""

    def owned(self) -> bool:
        """Whether the owner is alive."""
        start = _start_time(self.owner_pid)
        # The start time is derived from the clock, which may have been set since.
        return start is not None and abs(start - self.owner_start) < 2

    def mine(self) -> Row:
        """The same row, owned by this process."""
        pid = os.getpid()
        return dataclasses.replace(self, owner_pid=pid, owner_start=_start_time(pid) or 0.0)


class Ledger:
    """The rows below one folder; every change is made under a file lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @classmethod
    def of_user(cls) -> Self:
        """The ledger of all kernels of this user."""
        return cls(data_dir() / "ledger")

    def salt(self) -> bytes:
        """The salt for key fingerprints, made once."""
        path = self.folder / "salt"
        with self._lock():
            if not path.exists():
                _write(path, secrets.token_hex(16))
        return path.read_text().encode()

    def put(self, row: Row) -> Row:
        """Store a row as this process's own."""
        row = row.mine()
        with self._lock():
            _write(self._path(row.key), json.dumps(dataclasses.asdict(row)))
        return row

    def claim(self, key: str) -> Row | None:
        """Take over the row of `key` unless a living process owns it."""
        with self._lock():
            row = self._read(self._path(key))
            if row is None or (row.owned() and row.owner_pid != os.getpid()):
                return None
            row = row.mine()
            _write(self._path(key), json.dumps(dataclasses.asdict(row)))
            return row

    def get(self, key: str) -> Row | None:
        """The row of `key`."""
        return self._read(self._path(key))

    def remove(self, key: str, session_id: str) -> None:
        """Forget the session of `key`; a newer session under the same key stays."""
        with self._lock():
            row = self._read(self._path(key))
            if row is not None and row.session_id == session_id:
                self._path(key).unlink(missing_ok=True)

    def names(self, kernel: str) -> list[str]:
        """The names of the sessions that rows of one kernel hold beside its own."""
        start = f"{kernel}#"
        return [row.key.removeprefix(start) for row in self.rows() if row.key.startswith(start)]

    def rows(self) -> list[Row]:
        """Every row, oldest first."""
        rows = [self._read(path) for path in self.folder.glob("*.json")]
        return sorted((row for row in rows if row is not None), key=lambda row: row.created)

    def _path(self, key: str) -> Path:
        return self.folder / (hashlib.sha256(key.encode()).hexdigest()[:24] + ".json")

    def _read(self, path: Path) -> Row | None:
        try:
            return Row(**json.loads(path.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.touch(mode=0o600)
    temporary.write_text(text)
    temporary.replace(path)


def _start_time(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None
