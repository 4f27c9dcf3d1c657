"""The one line that helps when a cell misses a file of this computer, or a package for widgets."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from agentbay_kernel.events import CellError

_MISSING = re.compile(r"No such file or directory: ['\"](?P<name>[^'\"]+)['\"]")
PACKAGES = ("ipywidgets", "tqdm", "matplotlib", "pandas", "plotly")
_MODULE = re.compile(r"No module named ['\"](?P<name>[\w.]+)['\"]")


def with_hint(error: CellError, folder: Path | None) -> CellError:
    """The error with a line added when what it misses exists in `folder` on this computer."""
    path = _missed(error, folder) if folder is not None else None
    if folder is None or path is None:
        return _with_package(error)
    shown = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
    quoted = f'"{shown}"' if " " in shown else shown
    line = f"{shown} is on this computer, not in the session. Send it there: %fs put {quoted}"
    return dataclasses.replace(error, traceback=(*error.traceback, line))


def _with_package(error: CellError) -> CellError:
    """A line for packages whose display needs a partner in the front end, which is there."""
    found = _MODULE.search(error.evalue)
    name = found["name"].split(".")[0] if found and error.ename == "ModuleNotFoundError" else ""
    if name not in PACKAGES:
        return error
    line = f"{name} is not installed in the session. Install it there: %pip install {name}"
    return dataclasses.replace(error, traceback=(*error.traceback, line))


def _missed(error: CellError, folder: Path) -> Path | None:
    if error.ename == "FileNotFoundError" and (found := _MISSING.search(error.evalue)):
        return _existing(folder / found["name"])
    if error.ename == "ModuleNotFoundError" and (found := _MODULE.search(error.evalue)):
        top = found["name"].split(".")[0]
        return _existing(folder / f"{top}.py") or _existing(folder / top / "__init__.py", up=True)
    return None


def _existing(path: Path, *, up: bool = False) -> Path | None:
    try:
        return (path.parent if up else path) if path.exists() else None
    except OSError:
        return None
