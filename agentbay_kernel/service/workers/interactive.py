"""IPython's shell as the session's code sees it: in all that shows, the one of ipykernel."""

from __future__ import annotations

import asyncio
import base64
import builtins
import contextlib
import getpass
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from ipykernel.compiler import XCachingCompiler
from ipykernel.zmqshell import KernelMagics
from IPython.core.autocall import ZMQExitAutocall
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell, InteractiveShellABC
from traitlets import Instance
from traitlets.config import Config

from agentbay_kernel.service.workers import records

if TYPE_CHECKING:
    from types import TracebackType

    from agentbay_kernel.service.workers.outlet import Outlet

_CLEANUP = TransformerManager().cleanup_transforms


class Publisher(DisplayPublisher):
    """Sends what `display` shows."""

    outlet: Outlet

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Send one display as a result that is not the main one."""
        self.outlet.add(records.RESULT, _result(data, metadata, main=False))


class Hook(DisplayHook):
    """Sends the value of a cell's last expression."""

    outlet: Outlet
    _payload = b""

    def start_displayhook(self) -> None:
        """Begin with nothing to send."""
        self._payload = b""

    def write_output_prompt(self) -> None:
        """The front end writes the prompt."""

    def write_format_data(
        self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None
    ) -> None:
        """Keep the value's representations."""
        self._payload = _result(format_dict, md_dict, main=True)

    def finish_displayhook(self) -> None:
        """Send them."""
        if self._payload:
            self.outlet.add(records.RESULT, self._payload)
        self._payload = b""


class ZMQInteractiveShell(InteractiveShell):
    """Named like ipykernel's, because libraries look at the name to know a notebook."""

    compiler_class = XCachingCompiler
    display_pub_class = Publisher
    displayhook_class = Hook
    active_eventloop = None
    keepkernel_on_exit = None
    outlet: Outlet

    exiter = Instance(ZMQExitAutocall, ())

    def init_magics(self) -> None:
        """IPython's magics and those that an ipykernel adds."""
        super().init_magics()
        self.register_magics(KernelMagics)
        self.magics_manager.register_alias("ed", "edit")

    def init_virtualenv(self) -> None:
        """The session's layer is the environment; there is none to look for."""

    def init_io(self) -> None:
        """The streams are ours already."""

    def enable_gui(self, gui: str | None = None) -> None:
        """Remember the loop's name; there is no window to serve."""
        self.active_eventloop = gui

    def ask_exit(self) -> None:
        """Leave the interpreter as it is: the session ends with its owner."""

    def showtraceback(
        self,
        exc_tuple: tuple[type[BaseException], BaseException, TracebackType] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Show an error; the cancelling of an awaiting cell is the interrupt that caused it."""
        kind, _, trace = exc_tuple or sys.exc_info()
        if kind is asyncio.CancelledError and self.interrupted and trace is not None:
            exc_tuple = (KeyboardInterrupt, KeyboardInterrupt(), trace)
        super().showtraceback(exc_tuple, *args, **kwargs)

    interrupted = False
    looking_ahead = False
    """Whether a cell is only looked at, to see how it is to be run."""
    _ahead: tuple[str, str] | None = None

    def transform_cell(self, raw_cell: str) -> str:
        """The cell as Python; what was made of it when it was looked at, when it is run then.

        IPython's own kernel makes it twice. Where that shows, as by a line that is rewritten and
        printed, it is made twice here too.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] == raw_cell and not self.looking_ahead:
            return ahead[1]
        transformed: str = super().transform_cell(raw_cell)
        if self.looking_ahead and self._is_plain(raw_cell, transformed):
            self._ahead = raw_cell, transformed
        return transformed

    def _is_plain(self, raw_cell: str, transformed: str) -> bool:
        """Whether the cell is Python as it stands, and nobody transforms input in another way."""
        usual = self.input_transformers_cleanup == _CLEANUP and not self.input_transformers_post
        return usual and transformed.rstrip("\n") == raw_cell.rstrip("\n")

    def _tee(self, channel: str) -> contextlib.AbstractContextManager[None]:
        # IPython 9 keeps all that a cell prints for `%notebook`: that costs more than the printing
        # and grows without bound
        return contextlib.nullcontext()

    def _showtraceback(self, etype: type[BaseException], evalue: Any, stb: list[str]) -> None:
        error = {
            "code": etype.__name__,
            "message": str(evalue),
            "traceId": "",
            "traceback": list(stb),
        }
        self.outlet.add(records.ERROR, json.dumps(error).encode())
        self._last_traceback = stb


InteractiveShellABC.register(ZMQInteractiveShell)


def make_shell(outlet: Outlet) -> Any:
    """The one shell of this process, with everything that ipykernel sets."""
    os.environ.update(
        TERM="xterm-color",
        CLICOLOR="1",
        FORCE_COLOR="1",
        CLICOLOR_FORCE="1",
        PAGER="cat",
        GIT_PAGER="cat",
    )
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.autoindent = False
    config.IPKernelApp = Config({"parent_appname": "agentbay"})
    ZMQInteractiveShell.outlet = Publisher.outlet = Hook.outlet = outlet
    shell = ZMQInteractiveShell.instance(config=config)
    sys.modules["__main__"] = shell.user_module
    shell.extension_manager.load_extension("storemagic")  # as every IPython application does
    builtins.input = _no_input
    getpass.getpass = _no_input
    return shell


def _no_input(*_: Any, **__: Any) -> NoReturn:
    raise StdinNotImplementedError(
        "raw_input was called, but this session does not support input requests."
    )


def _result(data: dict[str, Any], metadata: dict[str, Any] | None, *, main: bool) -> bytes:
    result = {"isMainResult": main, "mime": data, "metadata": metadata or {}}
    return json.dumps(result, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    return list(value) if hasattr(value, "__iter__") else repr(value)
