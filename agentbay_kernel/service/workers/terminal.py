"""A terminal of the session."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import shutil
import signal
import struct
import termios
from typing import TYPE_CHECKING

from agentbay_kernel.service.workers import processes
from agentbay_kernel.service.workers.failure import ToolError, explain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentbay_kernel.service.workers.children import Children

READ_BYTES = 1 << 16
HANG_UP_SECONDS = 0.3
TAKE_TERMINAL = 'exec "$@" <>"$0" >&0 2>&1'
"""The leader of a new session gets as its controlling terminal the first one that it opens."""


class Terminal:
    """A shell behind a pseudo terminal."""

    def __init__(
        self,
        children: Children,
        *,
        size: tuple[int, int],
        cwd: str,
        env: Mapping[str, str],
        shell: str | None,
        on_output: Callable[[bytes], None],
        writable: asyncio.Event,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_output = on_output
        self._writable = writable
        self._typed = bytearray()
        self._master, slave = pty.openpty()
        os.set_blocking(self._master, False)
        try:
            self.resize(*size)
            command = [_shell(shell, env), *([] if shell else ["-i"])]
            self._child = children.spawn(
                ["/bin/sh", "-c", TAKE_TERMINAL, os.ttyname(slave), *command],
                env={"TERM": "xterm-256color", **env},
                cwd=cwd,
                stdin=slave,
                stdout=slave,
                stderr=slave,
            )
        except OSError as error:
            os.close(self._master)
            raise explain(error, cwd) from error
        finally:
            os.close(slave)
        self._loop.add_reader(self._master, self._on_readable)

    async def ended(self) -> int:
        """Wait for the shell's end; gives its exit code, 128 and the number for a signal."""
        code = await asyncio.shield(self._child.ended)
        while self._on_readable():
            pass
        self._close()
        return code if code >= 0 else 128 - code

    def resize(self, cols: int, rows: int) -> None:
        """Change the size."""
        if self._master >= 0:
            size = struct.pack("HHHH", rows, cols, 0, 0)
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def type(self, data: bytes) -> None:
        """Give input to what runs in it."""
        if self._master >= 0:
            self._typed += data
            self._on_writable()

    async def kill(self) -> None:
        """Hang up, then kill what is left of its process session."""
        self._child.signal(signal.SIGHUP)
        self._child.signal(signal.SIGCONT)
        await asyncio.wait([self._child.ended], timeout=HANG_UP_SECONDS)
        for pid in processes.everything():
            if processes.session_of(pid) == self._child.pid:
                os.kill(pid, signal.SIGKILL)

    def _on_readable(self) -> bool:
        if self._master < 0:
            return False
        try:
            data = os.read(self._master, READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:  # nobody holds the other side any more
            self._loop.remove_reader(self._master)
            return False
        self._on_output(data)
        if not self._writable.is_set():
            self._loop.remove_reader(self._master)
            self._loop.create_task(self._read_later())
        return True

    async def _read_later(self) -> None:
        await self._writable.wait()
        if self._master >= 0:
            self._loop.add_reader(self._master, self._on_readable)

    def _on_writable(self) -> None:
        try:
            del self._typed[: os.write(self._master, self._typed)]
        except BlockingIOError:
            pass
        except OSError:
            self._typed.clear()
        if self._typed:
            self._loop.add_writer(self._master, self._on_writable)
        else:
            self._loop.remove_writer(self._master)

    def _close(self) -> None:
        self._loop.remove_reader(self._master)
        self._loop.remove_writer(self._master)
        os.close(self._master)
        self._master = -1


def _shell(wanted: str | None, env: Mapping[str, str]) -> str:
    found = shutil.which(wanted or "bash", path=env.get("PATH"))
    if found is None and wanted:
        raise ToolError(f"No such shell: {wanted}")
    return found or "/bin/sh"
