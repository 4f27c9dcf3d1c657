"""The files of a session through the image's own tools, exact for binary content."""

from __future__ import annotations

import base64
import posixpath
import re
import secrets
import shlex
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from agentbay_kernel.errors import NotSupported, ToolError, UsageError
from agentbay_kernel.providers._pieces import Host, Pieces
from agentbay_kernel.providers._watching import follow
from agentbay_kernel.session import FileChange, FileInfo, StoreKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


# Bytes in one request: over the session's own link, and through the provider's gateway, which
# passes messages of 63 KB. Multiples of 3, so that pieces of base64 can be joined.
LINK_PIECE = 3 << 20
GATE_PIECE = 36 << 10
MISSING = re.compile(r"no such file|not found|not exist|ENOENT|cannot find", re.I)


FIND = "find -H {} -mindepth 1 -maxdepth 1 -printf '%Y %s %T@ %f\\0'"
FOUND = re.compile(r"(\w) (\d+) (-?[\d.]+) (.+)", re.DOTALL)


class ToolFiles:
    """Reads and writes through the tools read_file, write_file and their kin."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._pieces = Pieces(host, self._piece)
        self.send = self._pieces.send
        self.fetch = self._pieces.fetch

    async def read(self, path: str) -> bytes:
        """The whole content of a file."""
        piece = self._piece()
        parts: list[bytes] = []
        size: int | None = None
        while True:
            offset = sum(len(part) for part in parts)
            if size is not None and offset >= size:
                return b"".join(parts)
            parts.append(await self._read_piece(path, offset, piece))
            if len(parts[-1]) != piece:
                return b"".join(parts)
            if size is None:
                # A full piece: whether it is the last is not asked beyond the end.
                info = await self.info(path)
                size = info.size if info is not None else None

    async def write(self, path: str, data: bytes) -> None:
        """Replace or create a file; under its name there is never a part of it."""
        text = _plain_text(data)
        if text is not None and len(data) <= self._piece() // 2:
            await self._write_text(path, text)
        elif self._host.capabilities.shell:
            await self._write_binary(path, data)
        else:
            raise NotSupported(f"{path} was not written: binary files need the shell tool")

    async def list(self, path: str) -> Sequence[FileInfo]:
        """The entries of a folder, with sizes and times where the session has GNU find."""
        if self._host.capabilities.shell:
            found = await self._host.shell(FIND.format(shlex.quote(path)))
            rows = [row for row in found.stdout.split("\0") if row]
            entries = [FOUND.fullmatch(row) for row in rows]
            if found.exit_code == 0 and all(entries):
                return [_found(path, entry) for entry in entries if entry is not None]
        return await self._list_names(path)

    async def _list_names(self, path: str) -> Sequence[FileInfo]:
        text = await self._host.call_tool("list_directory", {"path": path})
        found = (re.match(r"\[(DIR|FILE)\] ?(.+)$", line) for line in text.split("\n"))
        return [
            FileInfo(posixpath.join(path, match[2]), match[1] == "DIR") for match in found if match
        ]

    async def info(self, path: str) -> FileInfo | None:
        """Facts about a path, None when nothing is there."""
        try:
            text = await self._host.call_tool("get_file_info", {"path": path})
        except ToolError as error:
            if MISSING.search(str(error)):
                return None
            raise
        facts = dict(line.partition(":")[::2] for line in text.splitlines() if ":" in line)
        found = {key.strip(): value.strip() for key, value in facts.items()}
        size = found.get("size", "")
        return FileInfo(
            path,
            found.get("isDirectory", "").lower() == "true",
            int(float(size)) if re.fullmatch(r"\d+(\.\d+)?", size) else None,
            _time(found.get("modified", "")),
        )

    async def make_dir(self, path: str) -> None:
        """Create a folder and its parents."""
        if self._host.capabilities.shell:
            await self._run(f"mkdir -p -- {shlex.quote(path)}", f"{path} was not created")
        else:
            await self._host.call_tool("create_directory", {"path": path})

    async def remove(self, path: str) -> None:
        """Remove a file or a folder with all it holds."""
        if self._host.capabilities.shell:
            quoted = shlex.quote(path)
            # Unlike `rm -f`, an error when nothing is there.
            await self._run(f"rm -r -- {quoted}", f"{path} was not removed")
        else:
            await self._host.call_tool("delete_file", {"path": path})

    async def watch(self, path: str, changed: Callable[[Sequence[FileChange]], None]) -> None:
        """Tell of changes below a folder until cancelled."""
        self._host.capabilities.need("watch", f"{path} is not watched")
        await follow(self._host.sdk, path, changed)

    async def bucket(
        self, verb: Literal["upload", "download"], bucket: str, key: str, path: str, keys: StoreKeys
    ) -> None:
        """Copy a file of the session to or from an object store, by the session's own client."""
        names = {
            getattr(tool, "name", "") for tool in getattr(self._host.sdk, "mcpTools", None) or []
        }
        oss = getattr(self._host.sdk, "oss", None)
        if oss is None or (names and f"oss_{verb}" not in names):
            raise NotSupported(
                self._host.capabilities.reasons.get("bucket")
                or "This image has no tools for oss:// addresses",
                next_step="Use an image that has them, or fetch the file with requests in a cell",
            )
        if not (keys.key_id and keys.secret and keys.token):
            raise UsageError("No access keys of the object store are known; nothing was copied")
        begun = await oss.env_init(
            keys.key_id, keys.secret, keys.token, keys.endpoint or None, keys.region or None
        )
        done = await getattr(oss, verb)(bucket, key, path) if begun.success else begun
        if not done.success:
            text = str(done.error_message or "no reason given")
            for secret in filter(None, (keys.key_id, keys.secret, keys.token)):
                text = text.replace(secret, "…")
            raise ToolError(
                f"oss://{bucket}/{key} was not copied: {text.strip()[:500]}",
                request_id=done.request_id or "",
            )

    def _piece(self) -> int:
        sdk = self._host.sdk
        direct = getattr(sdk, "link_url", "") and getattr(sdk, "token", "")
        return LINK_PIECE if direct else GATE_PIECE

    async def _read_piece(self, path: str, offset: int, length: int) -> bytes:
        text = await self._host.call_tool(
            "read_file", {"path": path, "offset": offset, "length": length, "format": "binary"}
        )
        try:
            return base64.b64decode(text, validate=False)
        except ValueError as error:
            raise ToolError(f"{path} was not read: the answer is no base64") from error

    async def _write_text(self, path: str, text: str) -> None:
        arguments = {"path": path, "content": text, "mode": "overwrite"}
        try:
            await self._host.call_tool("write_file", arguments)
        except ToolError:
            await self.make_dir(posixpath.dirname(path) or "/")
            await self._host.call_tool("write_file", arguments)

    async def _write_binary(self, path: str, data: bytes) -> None:
        token, piece = secrets.token_hex(4), self._piece() // 4 * 3
        coded, part = f"/tmp/.{token}.b64", f"{path}.{token}.part"
        quoted = {name: shlex.quote(name) for name in (path, coded, part)}
        folder = shlex.quote(posixpath.dirname(path) or "/")
        try:
            for offset in range(0, len(data) or 1, piece):
                text = base64.b64encode(data[offset : offset + piece]).decode() + "\n"
                mode = "append" if offset else "overwrite"
                await self._host.call_tool(
                    "write_file", {"path": coded, "content": text, "mode": mode}
                )
            await self._run(
                f"mkdir -p -- {folder} && base64 -d < {quoted[coded]} > {quoted[part]}"
                f' && [ "$(wc -c < {quoted[part]})" -eq {len(data)} ]'
                f" && mv -fT -- {quoted[part]} {quoted[path]}",
                f"{path} was not written",
            )
        finally:
            await self._host.shell(f"rm -f -- {quoted[coded]} {quoted[part]}")

    async def _run(self, command: str, what: str) -> None:
        result = await self._host.shell(command)
        if result.exit_code:
            reason = result.stderr.strip() or result.stdout.strip() or "no reason given"
            raise ToolError(f"{what}: {reason}")


def _found(folder: str, entry: re.Match[str]) -> FileInfo:
    is_dir = entry[1] == "d"
    size = None if is_dir else int(entry[2])
    return FileInfo(posixpath.join(folder, entry[4]), is_dir, size, float(entry[3]))


def _plain_text(data: bytes) -> str | None:
    """The text of bytes that every tool passes on unchanged."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    # Line ends, nulls and a byte order mark are what text tools change.
    return None if re.search("[\r\x00\ufeff]", text) or not text else text


def _time(text: str) -> float | None:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        value = float(text)
        return value / 1000 if value > 1e11 else value
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
