"""The environment variables of a session: a list of allowed ones, never the service's own."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agentbay_kernel.service import layer
from agentbay_kernel.service.workers.paths import HOME

if TYPE_CHECKING:
    from collections.abc import Mapping

ALLOWED = re.compile(
    r"TZ|LANG|LANGUAGE|LC_[A-Z]+"
    r"|(HTTP|HTTPS|ALL|FTP|NO)_PROXY|(http|https|all|ftp|no)_proxy"
    r"|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE|NODE_EXTRA_CA_CERTS|GIT_SSL_CAINFO"
    r"|PIP_[A-Z_]+"
)
"""Proxies and indexes keep their user and password, without which they would not answer."""

REFUSED = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|PIP_(USER|TARGET|PREFIX|ROOT|PYTHON|LOG|SRC)")

FILES = re.compile(r"SSL_CERT_FILE|(REQUESTS|CURL)_CA_BUNDLE|NODE_EXTRA_CA_CERTS|GIT_SSL_CAINFO")

PROGRAMS = ("node", "Rscript", "java")

SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def allowed(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of the service that a session may have."""
    return {
        name: value
        for name, value in environ.items()
        if ALLOWED.fullmatch(name) and not REFUSED.search(name)
    }


def make(prefix: str, more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a session whose root is seen at `prefix`."""
    place = prefix + layer.PLACE
    folders = [f"{place}/bin", os.path.dirname(sys.executable), *program_folders(), *SYSTEM_PATH]
    return {
        "LANG": "C.UTF-8",
        **allowed(os.environ),
        "PATH": os.pathsep.join(dict.fromkeys(filter(None, folders))),
        "HOME": prefix + HOME,
        "USER": "agentbay",
        "LOGNAME": "agentbay",
        "SHELL": "/bin/bash",
        "TERM": "xterm-256color",
        "TMPDIR": f"{prefix}/tmp",
        "VIRTUAL_ENV": place,
        **more,
    }


def program_folders() -> list[str]:
    """Where the programs of the other languages are."""
    return [os.path.dirname(found) for name in PROGRAMS if (found := shutil.which(name))]


def program_paths() -> list[str]:
    """What a sandbox must see for them: the programs, and the trees of R and of the JDK."""
    paths = []
    for name in PROGRAMS:
        if found := shutil.which(name):
            real = os.path.realpath(found)
            paths += [found, real]
            if name != "node" and len(Path(real).parts) > 3:
                paths.append(os.path.dirname(os.path.dirname(real)))
    return paths


def named_paths(environ: Mapping[str, str], *texts: str) -> list[str]:
    """The existing files and folders that pip and TLS are told to use, to be made visible."""
    words = [value for name, value in environ.items() if FILES.fullmatch(name)]
    for text in (*(v for n, v in environ.items() if n.startswith("PIP_")), *texts):
        words += re.split(r"[\s=,]+", text)
    paths = [word.removeprefix("file://") for word in words]
    return [path for path in paths if len(Path(path).parts) > 2 and os.path.exists(path)]
