"""A session whose files are those of a local folder, and which may lie."""

import asyncio
import os
import subprocess
from pathlib import Path

from agentbay_kernel.errors import ToolError
from agentbay_kernel.session import Capabilities, FileInfo, ShellResult


class FolderSession:
    """Paths are real ones below `root`; `lies` maps a part of a command to what it answers."""

    def __init__(self, root):
        self.root = root
        self.files = self
        self.capabilities = Capabilities(shell=True)
        self.broken_after = None
        self.commands = []
        self.rewrite = {}

    def break_after(self, count):
        """Let the connection break after so many pieces."""
        self.broken_after = count

    async def read(self, path):
        data = Path(path).read_bytes()
        for word, change in self.rewrite.items():
            if word in self.commands[-1]:
                data = change(data)
        return data

    async def write(self, path, data):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(data)

    async def info(self, path):
        place = Path(path)
        if not place.exists():
            return None
        status = place.stat()
        return FileInfo(path, place.is_dir(), status.st_size, status.st_mtime)

    async def list(self, path):
        entries = sorted(Path(path).iterdir())
        return [FileInfo(f"{path}/{entry.name}", entry.is_dir()) for entry in entries]

    async def make_dir(self, path):
        Path(path).mkdir(parents=True, exist_ok=True)

    async def send(self, source, path, offset, length, seen):
        self._count()
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        into = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.pwrite(into, os.pread(source, length, offset), offset)
        os.close(into)
        seen(length)

    async def fetch(self, path, into, offset, length, seen):
        self._count()
        source = os.open(path, os.O_RDONLY)
        os.pwrite(into, os.pread(source, length, offset), offset)
        os.close(source)
        seen(length)

    def _count(self):
        if self.broken_after is not None:
            self.broken_after -= 1
            if self.broken_after < 0:
                raise ToolError("the connection broke")

    async def shell(self, command, **_):
        self.commands.append(command)
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, error = await process.communicate()
        return ShellResult(out.decode(), error.decode(), process.returncode)
