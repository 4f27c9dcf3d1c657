"""`%load_ext agentbay_kernel`: our magics in plain IPython, another kernel or a script."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import TYPE_CHECKING, Any

from IPython.core.magic import no_var_expand
from IPython.core.page import page
from IPython.display import clear_output, display

from agentbay_kernel import live, magics
from agentbay_kernel.cells import LOCAL
from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.errors import KernelError
from agentbay_kernel.events import (
    CellError,
    ClearOutput,
    DisplayData,
    Event,
    ExecuteResult,
    Stream,
    UpdateDisplayData,
)
from agentbay_kernel.standalone import Standalone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from IPython.core.interactiveshell import InteractiveShell

HERE = (
    "The AgentBay magics are part of this kernel: %agentbay, %fs and the others work in any cell."
)


class CellFailed(KernelError):
    """Raised when a cell ended with an error, of a session or of our own; shown as it was there."""

    def __init__(self, error: CellError) -> None:
        super().__init__(f"{error.ename}: {error.evalue}")
        self.error = error

    def __str__(self) -> str:
        return self.message

    def _render_traceback_(self) -> list[str]:
        return list(self.error.traceback)


class Result:
    """A cell's last value, as IPython shows one."""

    def __init__(self, event: ExecuteResult) -> None:
        self._event = event

    def _repr_mimebundle_(self, **_: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        return self._event.data, self._event.metadata

    def __repr__(self) -> str:
        return str(self._event.data.get("text/plain", ""))


class ShellFace:
    """Shows a cell's output in an IPython, of whatever front end."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        # A terminal cannot change what stands there: it gets the last state at the end.
        self._can_update = hasattr(shell, "kernel")
        self._updates: dict[str, UpdateDisplayData] = {}
        self._error: CellError | None = None
        self.result: Result | None = None

    def show(self, event: Event) -> None:
        """Show one event; an error waits, since the one that ends the cell is raised."""
        self.flush()
        if isinstance(event, Stream):
            stream = sys.stderr if event.name == "stderr" else sys.stdout
            stream.write(event.text)
            stream.flush()
        elif isinstance(event, CellError):
            self._error = event
        elif isinstance(event, ExecuteResult):
            self.result = Result(event)
        elif isinstance(event, UpdateDisplayData) and not self._can_update:
            self._updates[event.display_id] = event
        elif isinstance(event, DisplayData | UpdateDisplayData):
            self._display(event)
        elif isinstance(event, ClearOutput):
            clear_output(wait=event.wait)
        # Comms have no front end here that knows them.

    def flush(self) -> None:
        """Show an error that did not end its cell."""
        error, self._error = self._error, None
        if error is not None:
            sys.stderr.write("\n".join(error.traceback) + "\n")

    def ended(self, error: CellError | None) -> Result | None:
        """The result of a cell that has ended; raises CellFailed."""
        for event in self._updates.values():
            self._display(DisplayData(event.data, event.metadata))
        self._updates.clear()
        if error is not self._error:
            self.flush()
        result, self.result, self._error = self.result, None, None
        if error is not None:
            raise CellFailed(error)
        return result

    def ask(self, prompt: str, password: bool) -> str:
        """Ask where IPython asks."""
        return getpass(prompt) if password else input(prompt)

    def page(self, text: str) -> None:
        """Show a page of help as IPython does."""
        page({"text/plain": text})

    def keep(self, name: str, value: Any) -> None:
        """Put a value into IPython's namespace."""
        self._shell.user_ns[name] = value

    @property
    def names(self) -> Mapping[str, Any]:
        """IPython's namespace."""
        names: dict[str, Any] = self._shell.user_ns
        return names

    def _display(self, event: DisplayData | UpdateDisplayData) -> None:
        options: dict[str, Any] = {"display_id": event.display_id} if event.display_id else {}
        if isinstance(event, UpdateDisplayData):
            options["update"] = True
        show: Any = display
        show(dict(event.data), raw=True, metadata=dict(event.metadata), **options)


class Extension:
    """Our magics in one IPython; nothing is started before one of them needs it."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._face = ShellFace(shell)
        self._standalone: Standalone | None = None

    @property
    def standalone(self) -> Standalone:
        """What runs the magics, made on first use."""
        if self._standalone is None:
            self._standalone = Standalone(AgentBayOptions(parent=self._shell), self._face)
        return self._standalone

    def register(self) -> None:
        """Make our magics known; those of IPython with the same names come back with `remove`."""
        for name in magics.names(""):
            self._shell.register_magic_function(self._line(name), "line", name)
            self._shell.set_hook("complete_command", self._complete, str_key=f"%{name}")
        for name in magics.names("%%"):
            if name != LOCAL:
                self._shell.register_magic_function(self._cell(name), "cell", name)
                self._shell.set_hook("complete_command", self._complete, str_key=f"%%{name}")
        live.publish(
            lambda: self.standalone.engine.manager,
            start=lambda: self.standalone.start(),
            panel=lambda: self.standalone.panel.view,
        )

    def remove(self) -> None:
        """End the sessions and take the magics away."""
        if self._standalone is not None:
            self._standalone.close()
            self._standalone = None
        for kind, start in (("line", ""), ("cell", "%%")):
            for name in magics.names(start):
                self._shell.magics_manager.magics[kind].pop(name, None)
        live.publish(None)

    def _line(self, name: str) -> Callable[[str], Any]:
        def line(text: str) -> Any:
            return self._run(f"%{name} {text}")

        line.__doc__ = magics.help_of(name, "%")
        return _as_typed(line)

    def _cell(self, name: str) -> Callable[[str, str], Any]:
        def cell(text: str, body: str) -> Any:
            return self._run(f"%%{name} {text}\n{body}")

        cell.__doc__ = magics.help_of(name)
        return _as_typed(cell)

    def _run(self, code: str) -> Any:
        error = self.standalone.run(code, self._shell.execution_count)
        return self._face.ended(error)

    def _complete(self, _shell: Any, event: Any) -> list[str]:
        text = event.text_until_cursor
        found = self.standalone.complete(text)
        if found is None:
            return []
        cut = len(text) - len(event.symbol) - found.start
        return [each[cut:] for each in found.texts] if cut >= 0 else []


def _as_typed(function: Callable[..., Any]) -> Callable[..., Any]:
    """IPython would put its own variables in for `$name` and `{name}`, which a kernel does not."""
    marked: Callable[..., Any] = no_var_expand(function)
    return marked


_loaded: dict[int, Extension] = {}


def load(shell: InteractiveShell) -> None:
    """Register the magics; where they are there already, say so."""
    if live.in_kernel() or "agentbay_remote" in sys.modules:
        sys.stdout.write(HERE + "\n")
        return
    extension = _loaded[id(shell)] = Extension(shell)
    extension.register()


def unload(shell: InteractiveShell) -> None:
    """Take the magics away again, and end the sessions."""
    extension = _loaded.pop(id(shell), None)
    if extension is not None:
        extension.remove()
