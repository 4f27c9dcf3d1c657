"""Puts everything together in the interpreter that runs the first cell."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from typing import Any, Dict, Optional

from . import frames, shim, tracebacks
from .answers import Answers
from .cells import Cells
from .comms import Comms
from .displays import Displays
from .inbox import Inbox
from .outbox import Outbox
from .parents import Parents
from .patches import Patches
from .stdin import Stdin

_installed: Optional["Installation"] = None


class Installation:
    """The hooks of one kernel in this interpreter."""

    def __init__(self, shell: Any, nonce: str) -> None:
        self._shell = shell
        self._patches = Patches()
        self._folder = tempfile.mkdtemp(prefix=f"{frames.FOLDER}{nonce}-")
        self._outbox = Outbox(nonce, sys.stdout, sys.stderr, Parents())
        self._stdin = Stdin(shell, self._outbox, self._folder)
        self._displays = Displays(shell, self._outbox, self._patches)
        self._comms = Comms(shell, self._outbox, self._patches)
        self._answers = Answers(shell, self._comms)
        self._inbox = Inbox(self._folder, self._outbox, self._answers, self._comms, self._stdin)
        self.cells = Cells(shell, self._outbox, self._displays, self._stdin)
        self.cells.inbox = self._inbox

    def install(self) -> None:
        """Hook the streams, the shell and the builtins, and listen."""
        self._displays.install()
        self._comms.install()
        shim.install(self._shell, self._outbox, self._comms.manager, self._patches)
        self._stdin.install(self._patches)
        self._streams()
        self.cells.install(self._patches)
        tracebacks.install(self._shell, self._patches)
        self._inbox.open(_loop())

    def remove(self) -> None:
        """Take everything back, for another kernel's hooks."""
        self._inbox.close()
        self._patches.undo()

    def hello(self) -> Dict[str, Any]:
        """What the kernel wants to know about this interpreter."""
        import IPython

        kernel = getattr(self._shell, "kernel", None)
        return {
            "python": sys.version.split()[0],
            "ipython": IPython.__version__,
            "executable": sys.executable,
            "pid": os.getpid(),
            "group": os.getpgid(0),
            "shell": type(self._shell).__name__,
            "inner_kernel": type(kernel).__module__.startswith("ipykernel"),
            "control": self._inbox.path,
            "relay": self._inbox.relay,
            "loop": _loop() is not None,
            "comm": self._comms.manager is not None,
        }

    def say_hello(self) -> None:
        """Prove to the kernel that frames arrive, before anything of the cell runs.

        A kernel whose connection has broken already finds it in a file.
        """
        hello = self.hello()
        part = os.path.join(self._folder, "part")
        with open(part, "w") as file:
            json.dump(hello, file)
        os.rename(part, os.path.join(self._folder, frames.HELLO))
        self._outbox.begin({})
        self._outbox.emit("hello", hello)
        self._outbox.end()
        self._outbox.out.flush()

    def _streams(self) -> None:
        out, err, outbox = self._outbox.out, self._outbox.err, self._outbox
        self._patches.set(out, "write", outbox.write_out)
        self._patches.set(err, "write", lambda text: outbox.text("stderr", text))
        self._patches.set(err, "flush", out.flush)
        for stream in (out, err):
            if hasattr(stream, "flush_interval"):
                self._patches.set(stream, "flush_interval", 0.01)  # an ipykernel waits 0.2 s


def _loop() -> Optional[asyncio.AbstractEventLoop]:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _forget(shell: Any, word: str) -> None:
    """Remove the text that brought these modules from the history and the namespace."""
    manager = shell.history_manager
    for lines in (manager.input_hist_parsed, manager.input_hist_raw):
        if len(lines) > 1 and word in lines[-1]:
            lines.pop()
    manager.db_input_cache[:] = [row for row in manager.db_input_cache if word not in row[2]]
    manager._i00 = manager._i = manager._ii = manager._iii = ""
    if manager.enabled:
        # The text may be in the database already, where a line number is taken once a session.
        manager.new_session()
    for name, value in list(shell.user_ns.items()):
        if name.startswith("_i") and isinstance(value, str) and word in value:
            del shell.user_ns[name]
            shell.user_ns_hidden.pop(name, None)


async def install(nonce: str, text: str) -> None:
    """Hook the interpreter for a kernel and run its first cell."""
    from IPython import get_ipython

    global _installed
    shell = get_ipython()
    _forget(shell, nonce)
    _installed = Installation(shell, nonce)
    _installed.install()
    _installed.say_hello()
    await _installed.cells.run_first(text)
