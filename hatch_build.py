"""Builds the JupyterLab extension and puts it into the wheel."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatch_jupyter_builder import npm_builder
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = "labextension"
BUILT = "agentbay_kernel/labextension"
SHARE = "share/jupyter/labextensions/agentbay-kernel"
TARGETS = ("package.json", "static/style.js", "static/third-party-licenses.json")
INSTALLERS = ("pip", "uv")
LACKS = """
agentbay-kernel: the JupyterLab extension was NOT built ({reason}).
Kernel, magics and panel are installed and work without it. Once the npm registry can be reached,
install again to get it.
"""


class LabExtensionHook(BuildHookInterface):
    """Builds with npm's packages; Node.js comes with the build requirements.

    An installation goes on without the extension when that fails, and says so. A wheel is built
    with it or not at all: it may be for others.
    """

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the extension, or take the one that a source distribution brings."""
        root = Path(self.root)
        if self.target_name != "wheel":
            return
        if not ((root / "PKG-INFO").exists() and _is_built(root)):
            try:
                _build(root, version)
            except Exception as error:
                installer = next(_installers(), None)
                if installer is None and version != "editable":
                    raise
                _say(LACKS.format(reason=_reason(error)), installer)
                return
        build_data["shared_data"] |= {
            BUILT: SHARE,
            f"{SOURCE}/install.json": f"{SHARE}/install.json",
        }


def _build(root: Path, version: str) -> None:
    npm_builder(
        "wheel",
        version,
        path=str(root / SOURCE),
        npm=["jlpm"],
        build_cmd="build:prod",
        editable_build_cmd="build",
    )
    if not _is_built(root):
        raise FileNotFoundError(f"{BUILT} is not whole")


def _is_built(root: Path) -> bool:
    return all((root / BUILT / name).is_file() for name in TARGETS[:2])


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"`jlpm {' '.join(error.cmd[1:])}` failed"
    return str(error)


def _installers() -> Iterator[int]:
    """Those above this process that install for this computer, such as `pip install`."""
    process = os.getppid()
    while process > 1:
        try:
            words = Path(f"/proc/{process}/cmdline").read_text(errors="replace").split("\0")
            parent = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            words, parent = _ask_ps(process)
        names = [Path(word).name for word in words]
        if "install" in names and any(name.startswith(INSTALLERS) for name in names):
            yield process
        process = parent


def _ask_ps(process: int) -> tuple[list[str], int]:
    """A process's words and its parent, where there is no /proc."""
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        command = ["ps", "-o", "ppid=,command=", "-p", str(process)]
        parent, *words = subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.split()
        return words, int(parent)
    return [], 0


def _say(text: str, installer: int | None) -> None:
    """Say it in the build's own log, which pip hides, and where pip itself writes."""
    sys.stderr.write(text)
    sys.stderr.flush()
    with contextlib.suppress(OSError):
        if installer is not None:
            path = f"/proc/{installer}/fd/2"
            # What is written to a file from two sides would be overwritten.
            if not stat.S_ISREG(os.stat(path).st_mode):
                with open(path, "a") as shown:
                    shown.write(text)
