"""The file tools of a session; paths are the session's, relative ones below its workspace."""

from __future__ import annotations

import base64
import os
import shutil
import stat
from datetime import UTC, datetime
from difflib import unified_diff
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.workers.failure import ToolError, explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agentbay_kernel.service.workers.paths import Paths


class Files:
    """Each public method is the tool of its name, with the wire's arguments and text."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def read_file(self, path: str, offset: int = 0, length: int = 0, format: str = "") -> str:
        """Text, or base64 when `format` is `binary`; a length of 0 reads to the end.

        A cut through a character moves to its end, so that pieces of text fit together.
        """
        data: bytes = self._guard(
            path, lambda real: _read(real, offset, length, format != "binary")
        )
        if format == "binary":
            return base64.b64encode(data).decode()
        return data.decode(errors="replace")

    def write_file(self, path: str, content: str, mode: str = "overwrite", format: str = "") -> str:
        """Write text, or base64 when `format` is `binary`, over a file or at its end."""
        if mode not in ("overwrite", "append", "create_new"):
            raise ToolError(f"Unknown mode: {mode}")
        data = base64.b64decode(content) if format == "binary" else content.encode()
        flag = {"overwrite": "wb", "append": "ab", "create_new": "xb"}[mode]
        self._guard(path, lambda real: _write(real, data, flag))
        return f"Wrote {len(data)} bytes to {path}"

    def get_file_info(self, path: str) -> str:
        """Lines `key: value`."""
        status = self._guard(path, os.stat)
        kind = stat.S_ISDIR(status.st_mode)
        facts = {
            "name": os.path.basename(path.rstrip("/")) or "/",
            "path": path,
            "size": status.st_size,
            "isDirectory": str(kind).lower(),
            "isFile": str(stat.S_ISREG(status.st_mode)).lower(),
            "modified": _time(status.st_mtime),
            "created": _time(status.st_ctime),
            "accessed": _time(status.st_atime),
            "mode": oct(status.st_mode & 0o7777)[2:],
            "owner": status.st_uid,
            "group": status.st_gid,
        }
        return "\n".join(f"{key}: {value}" for key, value in facts.items())

    def list_directory(self, path: str) -> str:
        """Lines `[DIR] name` and `[FILE] name`."""
        lines: list[str] = self._guard(path, _listing)
        return "\n".join(lines)

    def create_directory(self, path: str) -> str:
        """Make a folder and those above it."""
        self._guard(path, lambda real: os.makedirs(real, exist_ok=True))
        return f"Created {path}"

    def delete_file(self, path: str) -> str:
        """Delete a file, or a folder with all in it."""
        self._guard(path, _delete, follow=False)
        return f"Deleted {path}"

    def move_file(self, source: str, destination: str) -> str:
        """Move or rename."""
        target = self._paths.real(destination, follow=False)

        def move(real: str) -> None:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.move(real, target)

        self._guard(source, move, follow=False)
        return f"Moved {source} to {destination}"

    def edit_file(self, path: str, edits: Sequence[dict[str, str]], dryRun: bool = False) -> str:
        """Replace texts, each of which must be there; gives the difference."""
        before: bytes = self._guard(path, lambda real: _read(real, 0, 0, False))
        text = after = before.decode()
        for edit in edits:
            if edit["oldText"] not in after:
                raise ToolError(f"The text to replace is not in {path}: {edit['oldText'][:80]}")
            after = after.replace(edit["oldText"], edit["newText"], 1)
        if not dryRun:
            self._guard(path, lambda real: _write(real, after.encode(), "wb"))
        lines = (text.splitlines(keepends=True), after.splitlines(keepends=True))
        return "".join(unified_diff(*lines, fromfile=path, tofile=path))

    def read_multiple_files(self, paths: Iterable[str]) -> str:
        """`path: content` with a line `---` between."""
        return "\n---\n".join(f"{path}: {self._read_or_say(path)}" for path in paths)

    def search_files(
        self, path: str, pattern: str, excludePatterns: str | Sequence[str] = ""
    ) -> str:
        """The paths below a folder whose name, or relative path, fits a pattern."""
        split = excludePatterns.split(",") if isinstance(excludePatterns, str) else excludePatterns
        excluded = [one.strip() for one in split if one.strip()]
        found = self._guard(path, lambda real: list(_search(real, pattern, excluded)))
        shown = [os.path.join(path, relative) for relative in found]
        return "\n".join(shown) if shown else "No matches found"

    def _read_or_say(self, path: str) -> str:
        try:
            return self.read_file(path)
        except ToolError as error:
            return f"Error - {error}"

    def _guard(self, path: str, do: Callable[[str], Any], *, follow: bool = True) -> Any:
        try:
            return do(self._paths.real(path, follow=follow))
        except OSError as error:
            raise explain(error, path) from error


def _read(real: str, offset: int, length: int, text: bool) -> bytes:
    with open(real, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ToolError("Not a regular file")
        file.seek(offset)
        data = file.read(length or -1)
        if not text:
            return data
        if offset:
            data = data[_continuing(data) :]
        end = file.read(3) if length and data else b""
    return data + end[: _continuing(end)]


def _continuing(data: bytes) -> int:
    """How many bytes at the beginning go on with a character that began before."""
    count = 0
    while count < min(3, len(data)) and data[count] & 0xC0 == 0x80:
        count += 1
    return count


def _write(real: str, data: bytes, flag: str) -> None:
    os.makedirs(os.path.dirname(real), exist_ok=True)
    with open(real, flag) as file:
        file.write(data)


def _listing(real: str) -> list[str]:
    with os.scandir(real) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    return [f"[{'DIR' if entry.is_dir() else 'FILE'}] {entry.name}" for entry in ordered]


def _delete(real: str) -> None:
    if os.path.isdir(real) and not os.path.islink(real):
        shutil.rmtree(real)
    else:
        os.unlink(real)


def _search(real: str, pattern: str, excluded: Sequence[str]) -> Iterable[str]:
    for folder, folders, names in os.walk(real):
        relative = os.path.relpath(folder, real)
        below = "" if relative == "." else relative
        folders[:] = [name for name in sorted(folders) if not _fits(below, name, excluded)]
        for name in sorted([*folders, *names]):
            if _fits(below, name, [pattern]) and not _fits(below, name, excluded):
                yield os.path.join(below, name)


def _fits(below: str, name: str, patterns: Sequence[str]) -> bool:
    path = os.path.join(below, name)
    return any(fnmatch(name, one.removeprefix("**/")) or fnmatch(path, one) for one in patterns)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
