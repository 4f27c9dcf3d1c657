"""The Python of a session: an environment of its own, above the packages of the kernel's.

It is a virtual environment whose path goes on into the site folders of the environment that the
service runs in. pip installs into it, sees the packages below and never touches them.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import site
import sys
import sysconfig
from pathlib import Path

import agentbay_kernel

PLACE = "/opt/agentbay/env"

PACKAGE = Path(agentbay_kernel.__file__).resolve().parent

_PIP = '#!/bin/sh\nexec "$(dirname "$0")/python" -m pip "$@"\n'


def base_python() -> str:
    """The interpreter below every virtual environment."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def site_folders() -> list[str]:
    """The folders where the packages of the service's own environment are."""
    folders = site.getsitepackages()
    if site.ENABLE_USER_SITE:
        folders.insert(0, site.getusersitepackages())
    return [folder for folder in dict.fromkeys(folders) if os.path.isdir(folder)]


def make(place: Path, shown: str) -> None:
    """Make the environment on the host at `place`; the session sees it at `shown`."""
    scripts = place / "bin"
    scripts.mkdir(parents=True)
    for name in ("python", "python3", f"python3.{sys.version_info.minor}"):
        (scripts / name).symlink_to(base_python())
    for name in ("pip", "pip3"):
        (scripts / name).write_text(_PIP)
        (scripts / name).chmod(0o755)
    home = os.path.dirname(base_python())
    (place / "pyvenv.cfg").write_text(f"home = {home}\ninclude-system-site-packages = false\n")
    variables = {"base": str(place), "platbase": str(place)}
    for kind in ("purelib", "platlib"):
        Path(sysconfig.get_path(kind, "venv", variables)).mkdir(parents=True, exist_ok=True)
    packages = Path(sysconfig.get_path("purelib", "venv", variables))
    (packages / "_below.pth").write_text(_paths())
    config = Path(sys.prefix, "pip.conf")
    if config.is_file():
        shutil.copy(config, place / "pip.conf")


def bundled_pip() -> str | None:
    """The archive of pip that comes with Python, where the kernel's environment has no pip."""
    if importlib.util.find_spec("pip") is not None:
        return None
    import ensurepip

    folders = [
        Path(ensurepip.__file__).parent / "_bundled",
        Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or "/usr/share/python-wheels"),
    ]
    found = [wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"))]
    return str(found[0]) if found else None


def _paths() -> str:
    # `addsitedir` and not plain lines, so that the `.pth` files down there (editable installs)
    # count too
    lines = [f"import site; site.addsitedir({folder!r})" for folder in site_folders()]
    lines.append(str(PACKAGE.parent))
    pip = bundled_pip()
    return "\n".join([*lines, *([pip] if pip else [])]) + "\n"
