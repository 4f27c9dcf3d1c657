"""Which code is a front end's own probe, and what it gets without a session.

A session costs money, so only a user's cell may create one. `silent` and `store_history` do not
mark a probe reliably (nbval and Voilà run real cells without history); the code itself does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from importlib import metadata

from agentbay_kernel.events import (
    CellError,
    DisplayData,
    Event,
    ExecuteResult,
    Stream,
    UpdateDisplayData,
)


class Route(Enum):
    """Where a request's code runs."""

    SESSION = "in the session, which is created if need be"
    ALIVE = "in the session if one is alive, else it gets the probe's answer"
    LOCAL = "in the kernel process"
    NOWHERE = "nowhere: the probe's answer is enough"


@dataclass(frozen=True, slots=True)
class Probe:
    """A front end's code: how to recognise it, where it runs, its answer without a session."""

    pattern: re.Pattern[str]
    route: Route
    answer: tuple[Event, ...] = ()


def _stdout(text: str) -> tuple[Event, ...]:
    return (Stream("stdout", text),)


def _widgets_version() -> str:
    try:
        return metadata.version("ipywidgets")
    except metadata.PackageNotFoundError:
        return ""


_BACKGROUND = r"def __jupyter_exec_background__\(\)"
_VARIABLE = re.compile(r"_VSCODE_get(?:Variable|DataFrame)\(\"\w+\", \w+, (?P<name>[\w.]+)")
_WIDGETS_MARK = "e976ee50-99ed-4aba-9b6b-9dcd5634d07d:IPyWidgets:"

# Recorded from vscode-jupyter 2026.6, jupyterlab-variableinspector 3.2.4 and PyCharm.
PROBES = (
    Probe(
        re.compile(_BACKGROUND + r".*get_ipython\(\)\.kernel\.do_(complete|inspect)\(", re.DOTALL),
        Route.LOCAL,
    ),
    Probe(re.compile(_BACKGROUND, re.DOTALL), Route.ALIVE),
    # Executing this one here would import ipywidgets and take over its comm targets.
    Probe(re.compile(re.escape(_WIDGETS_MARK)), Route.NOWHERE),
    Probe(re.compile(r"__vsc_print_nbextension_widgets\(\)"), Route.NOWHERE, _stdout("[]\n")),
    # VS Code takes any version it sees here for a promise to debug.
    Probe(re.compile(r"import ipykernel\n.*5dc3a68c-e34e-4080-9c3e-2a532b2ccb4d"), Route.NOWHERE),
    Probe(re.compile(r"_VSCODE_getVariable\(\"types\""), Route.ALIVE, _stdout("[]\n")),
    Probe(_VARIABLE, Route.ALIVE),
    Probe(re.compile(r"_VSCODE_getVariable\(|_VSCODE_getDataFrame\(|_VSCODE_pandas"), Route.ALIVE),
    Probe(
        re.compile(r"^_jupyterlab_variableinspector_dict_list\(\)\s*$"),
        Route.ALIVE,
        (ExecuteResult({"text/plain": "'[]'"}),),
    ),
    Probe(re.compile(r"_jupyterlab_variableinspector_"), Route.ALIVE),
    Probe(re.compile(r"^# pydev_util_command|pydev_jupyter_"), Route.LOCAL),
    Probe(
        re.compile(
            r"_VSCODE_|__VSCODE_|__vscode_|__vsc_|_VSCode_|import vscode as "
            r"|\A%config Completer\.use_jedi = \w+\s*\Z"
        ),
        Route.LOCAL,
    ),
)

_LEAVING = frozenset({"exit", "quit", "exit()", "quit()"})
_NOTEBOOK = re.compile(r"__vsc_ipynb_file__\s*=\s*(?:r?[\"'])(?P<path>.+?)[\"']\s*$", re.MULTILINE)
# What of the start-up code that runs elsewhere a user's cells would find in an ipykernel.
_LASTING = {
    "notebook": re.compile(r"^__vsc_ipynb_file__\s*=.*$", re.MULTILINE),
    "completer": re.compile(r"^%config Completer\.use_jedi = \w+$", re.MULTILINE),
    "plots": re.compile(
        r"^try:\n    import matplotlib\n(?:    .*\n)*?except:\n    print\(.*\)$", re.MULTILINE
    ),
    "inspector": re.compile(r"\A(?s:.*)^def _jupyterlab_variableinspector_(?s:.*)\Z", re.MULTILINE),
    "inspector's settings": re.compile(r"\A_jupyterlab_variableinspector_changesettings\(.*\)\Z"),
}
LONGEST = 1 << 17
_BACKGROUND_ID = re.compile(r"application/vnd\.vscode\.bg\.execution\.\d+")


def route(
    code: str, *, silent: bool, store_history: bool, allow_stdin: bool
) -> tuple[Route, tuple[Event, ...]]:
    """Where `code` runs, and the events that answer it when it runs nowhere."""
    if not code.strip():
        return Route.NOWHERE, ()
    if leaves(code):
        return Route.ALIVE, ()
    if store_history and not silent:
        return Route.SESSION, ()
    for probe in PROBES:
        if probe.pattern.search(code):
            return probe.route, _answer(probe, code)
    if silent:
        return Route.ALIVE, ()
    # An unknown interactive probe asks for stdin; nbval's and Voilà's real cells do not.
    return (Route.ALIVE if allow_stdin else Route.SESSION), ()


def leaves(code: str) -> bool:
    """Whether code is the words with which a user leaves a console."""
    return code.strip() in _LEAVING


def notebook_path(code: str) -> str | None:
    """The notebook's path, which VS Code tells a kernel only in a start-up probe."""
    found = _NOTEBOOK.search(code)
    return found["path"].replace("\\\\", "\\") if found else None


def lasting(code: str) -> dict[str, str]:
    """What of a front end's own code belongs to the user's interpreter too, by its kind."""
    if len(code) > LONGEST:
        return {}
    found = {kind: pattern.search(code) for kind, pattern in _LASTING.items()}
    return {kind: match[0] for kind, match in found.items() if match}


def _answer(probe: Probe, code: str) -> tuple[Event, ...]:
    if _WIDGETS_MARK in code:
        version = _widgets_version()
        return _stdout(f"{_WIDGETS_MARK}{version}\n") if version else ()
    if probe.pattern is _VARIABLE and (variable := _VARIABLE.search(code)):
        text = f"name '{variable['name']}' is not defined"
        return (CellError("NameError", text, (f"NameError: {text}",)),)
    background = _BACKGROUND_ID.search(code)
    if background and probe.route is Route.ALIVE:
        mime = background[0]
        return (
            DisplayData({mime: ""}, display_id=mime),
            UpdateDisplayData({f"{mime}.result": "[]"}, display_id=mime),
        )
    return probe.answer
