"""`input()` and `getpass()` that ask in the front end."""

from __future__ import annotations

import builtins
import getpass
import json
import os
import queue
import warnings
from typing import Any, Callable, Dict, Tuple

from IPython.core.error import StdinNotImplementedError

from .outbox import Outbox
from .patches import Patches

POLL_SECONDS = 0.02


class Stdin:
    """Sends requests and waits for answers, which come over the control channel or as a file."""

    def __init__(self, shell: Any, outbox: Outbox, folder: str) -> None:
        self.allowed = False
        self._shell = shell
        self._outbox = outbox
        self._folder = folder
        self._number = 0
        self._waiting: Dict[str, "queue.Queue[Dict[str, Any]]"] = {}
        self.connected: Callable[[], bool] = lambda: False

    def install(self, patches: Patches) -> None:
        """Replace the interpreter's `input` and `getpass`."""

        def ask(prompt: Any = "") -> str:
            __tracebackhide__ = True
            return self._ask("raw_input", str(prompt), password=False)

        def ask_hidden(prompt: Any = "", stream: Any = None, *, echo_char: Any = None) -> str:
            __tracebackhide__ = True
            self._check("getpass")
            for name, value in (("stream", stream), ("echo_char", echo_char)):
                if value is not None:
                    warnings.warn(
                        f"The `{name}` parameter of `getpass.getpass` will have no effect"
                        " when using ipykernel",
                        UserWarning,
                        stacklevel=2,
                    )
            return self._ask("getpass", str(prompt), password=True)

        # An ipykernel puts its own in the place of the builtins for each cell.
        kernel = self._shell.kernel
        patches.set(kernel, "raw_input", ask)
        patches.set(kernel, "getpass", ask_hidden)
        patches.set(builtins, "input", ask)
        patches.set(getpass, "getpass", ask_hidden)

    def answer(self, number: str, reply: Dict[str, Any]) -> None:
        """Hand on the answer to a request that still waits."""
        waiting = self._waiting.get(number)
        if waiting is not None:
            waiting.put(reply)

    def _ask(self, name: str, prompt: str, *, password: bool) -> str:
        __tracebackhide__ = True
        self._check(name)
        number, place = self._place()
        waiting: "queue.Queue[Dict[str, Any]]" = queue.Queue()
        self._waiting[number] = waiting
        content = {"prompt": prompt, "password": password, "id": number, "file": place}
        try:
            self._outbox.emit("input_request", content)
            self._outbox.out.flush()
            reply = self._wait(waiting, place)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("Interrupted by user") from None
        finally:
            del self._waiting[number]
        if "error" in reply:
            raise StdinNotImplementedError(reply["error"])
        if reply.get("eof"):
            raise EOFError
        return str(reply["value"])

    def _check(self, name: str) -> None:
        __tracebackhide__ = True
        if not self.allowed:
            raise StdinNotImplementedError(
                f"{name} was called, but this frontend does not support input requests."
            )

    def _place(self) -> Tuple[str, str]:
        self._number += 1
        return str(self._number), os.path.join(self._folder, f"input-{self._number}")

    def _wait(self, waiting: "queue.Queue[Dict[str, Any]]", place: str) -> Dict[str, Any]:
        while True:
            try:
                return waiting.get(timeout=1.0 if self.connected() else POLL_SECONDS)
            except queue.Empty:
                reply = _taken(place)
                if reply:
                    return reply


def _taken(place: str) -> Dict[str, Any]:
    """The answer in a file, which is removed at once; nothing while it is not complete."""
    try:
        with open(place) as file:
            text = file.read()
    except OSError:
        return {}
    if not text.endswith("\n"):
        return {}
    os.unlink(place)
    reply: Dict[str, Any] = json.loads(text)
    return reply
