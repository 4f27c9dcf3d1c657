"""The API keys that `%agentbay login` stored: in the system's keyring, else in a private file.

A variable of the environment has precedence. The file notes which keys are in the keyring, so that
it is asked, which takes time, only where there is something to find.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentbay_kernel.config import data_dir

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("agentbay_kernel.credentials")

SERVICE = "agentbay-kernel"
FILE = "login.json"
# Below this, keyring's own mark for a backend, keys would lie open or nowhere.
REAL = 1


@dataclass(frozen=True, slots=True)
class Credential:
    """A key and where it was found; both are empty when there is none."""

    key: str = ""
    where: str = ""

    def __repr__(self) -> str:
        return f"Credential(where={self.where!r})"


def find(variable: str) -> Credential:
    """The key by the name of its variable: from the environment, else as it was stored."""
    if key := os.environ.get(variable, "").strip():
        return Credential(key, f"variable {variable}")
    path = data_dir() / FILE
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return Credential()
    return _stored(variable, path, changed)


def store(variable: str, key: str) -> str:
    """Keep a key for later kernels, and tell where it is now."""
    notes = _read(data_dir() / FILE)
    keyring = _keyring()
    if keyring is not None:
        with contextlib.suppress(Exception):  # a backend's own kinds of refusal
            keyring.set_password(SERVICE, variable, key)
            _write({**notes, variable: {"keyring": True}})
            return f"the keyring ({_name(keyring)})"
    _write({**notes, variable: {"key": key}})
    return f"the file {data_dir() / FILE}, which only you can read"


def forget(variable: str) -> str:
    """Remove a stored key and tell where it was, empty when there was none."""
    notes = _read(data_dir() / FILE)
    note = notes.pop(variable, None)
    if note is None:
        return ""
    keyring = _keyring() if "keyring" in note else None
    if keyring is not None:
        with contextlib.suppress(Exception):
            keyring.delete_password(SERVICE, variable)
    _write(notes)
    return "the keyring" if "keyring" in note else f"the file {data_dir() / FILE}"


@functools.lru_cache(maxsize=8)
def _stored(variable: str, path: Path, _changed: int) -> Credential:
    note = _read(path).get(variable, {})
    if "key" in note:
        return Credential(str(note["key"]), f"login, in {path}")
    keyring = _keyring() if "keyring" in note else None
    if keyring is None:
        return Credential()
    try:
        key = keyring.get_password(SERVICE, variable)
    except Exception as error:  # a backend's own kinds of refusal
        log.warning("the keyring did not give the key: %s", type(error).__name__)
        return Credential()
    return Credential(key, f"login, in the keyring ({_name(keyring)})") if key else Credential()


def _keyring() -> Any:
    """The system's keyring, None where there is no real one."""
    try:
        import keyring

        backend = keyring.get_keyring()
    except Exception as error:  # a broken backend fails in ways of its own
        log.warning("the keyring cannot be used: %s", type(error).__name__)
        return None
    return backend if backend.priority >= REAL else None


def _name(keyring: Any) -> str:
    return str(getattr(keyring, "name", type(keyring).__name__))


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        notes = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def _write(notes: dict[str, dict[str, Any]]) -> None:
    path = data_dir() / FILE
    if not notes:
        path.unlink(missing_ok=True)
        return
    temporary = path.with_name(f".{FILE}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with open(os.open(temporary, flags, 0o600), "w") as file:
        json.dump(notes, file)
    temporary.replace(path)
