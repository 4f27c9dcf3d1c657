"""How a session is kept apart: the `bwrap` command line, or a private folder and why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentbay_kernel.service import environment, layer
from agentbay_kernel.service.workers.paths import HOME, WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOUNTS = "/run/agentbay/mounts"
"""Where a sandbox sees the folder `mounts` of its root."""

PROBE_SECONDS = 20

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_SYSTEM_CPUS = "/sys/devices/system/cpu"
_ETC = [
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "fonts",
    "gai.conf",
    "host.conf",
    "inputrc",
    "java-17-openjdk",
    "java-21-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "pip.conf",
    "pki/ca-trust",
    "pki/tls/certs",
    "pki/tls/cert.pem",
    "pki/tls/openssl.cnf",
    "profile",
    "protocols",
    "bash.bashrc",
    "R",
    "resolv.conf",
    "services",
    "ssl/cert.pem",
    "ssl/certs",
    "ssl/openssl.cnf",
    "timezone",
    "xdg",
]
_TOO_WIDE = ("/", "/home", "/root", "/etc", "/var", "/tmp", "/opt", "/run", "/proc", "/dev")

_probed: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Box:
    """Where and how the processes of one session run."""

    command: list[str]
    """What stands before the interpreter's command."""
    prefix: str
    """What stands before a session's path when its processes use it."""
    note: str
    """The isolation as it is told to the user."""
    bound: Mapping[str, str]
    """Where the processes find the host folder of each initial mount."""


def prepare(root: Path) -> None:
    """Make the folders of a session on the host."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    root.chmod(0o700)
    tree = root / "fs"
    for path in (WORKSPACE, HOME, "/tmp", "/etc", "/run/agentbay"):
        (tree / path[1:]).mkdir(parents=True, mode=0o700)
    (root / "mounts").mkdir(mode=0o700, exist_ok=True)
    (root / "shm").mkdir(mode=0o700)
    layer.make(tree / layer.PLACE[1:], layer.PLACE)
    _write_accounts(tree / "etc")
    for source in (Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"):
        if source.is_file():
            target = tree / HOME[1:] / ".config/pip"
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / "pip.conf")
            break


def choose(root: Path, mounts: Mapping[str, Path], *, wanted: str = "auto") -> Box:
    """A sandbox where one can be made, else a folder; `wanted` may insist on `folder`."""
    if wanted == "folder":
        return _folder(root, mounts, "as asked for")
    for path in filter(os.path.islink, _SYSTEM):
        (root / "fs" / path[1:]).symlink_to(os.readlink(path))
    command = bwrap_command(root, mounts)
    reason = _too_wide() or _probe(command)
    if reason:
        return _folder(root, mounts, reason)
    return Box(command, "", "bwrap", {path: path for path in mounts})


def bwrap_command(root: Path, mounts: Mapping[str, Path]) -> list[str]:
    """The command line of a sandbox for one session.

    The root is a folder on disk and not the usual tmpfs, so that what the session writes costs no
    memory; of the host there is only what is bound here.
    """
    words = [shutil.which("bwrap") or "bwrap", "--die-with-parent", "--new-session"]
    words += ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    words += ["--unshare-cgroup-try", "--disable-userns", "--cap-drop", "ALL"]
    words += ["--uid", "1000", "--gid", "1000", "--hostname", "agentbay"]
    words += ["--bind", str(root / "fs"), "/"]
    for path in _SYSTEM:
        if os.path.isdir(path) and not os.path.islink(path):
            words += ["--ro-bind", path, path]
    for path in _visible(root):
        words += ["--ro-bind-try", path, path]
    words += ["--proc", "/proc", "--dev", "/dev", "--bind", str(root / "shm"), "/dev/shm"]
    words += ["--bind", str(root / "mounts"), MOUNTS]
    for path, source in mounts.items():
        words += ["--bind", str(source), path]
    return [*words, "--chdir", WORKSPACE, "--"]


def _visible(root: Path) -> list[str]:
    configs = [Path("/etc/pip.conf"), *(root / "fs").glob("**/pip.conf")]
    texts = [config.read_text(errors="replace") for config in configs if config.is_file()]
    python = os.path.realpath(layer.base_python())
    paths = [
        *(f"/etc/{name}" for name in _ETC),
        _SYSTEM_CPUS,
        *_prefixes(),
        python,
        *layer.site_folders(),
        *filter(None, [layer.bundled_pip()]),
        str(layer.PACKAGE),
        *environment.named_paths(environment.allowed(os.environ), *texts),
        *environment.program_paths(),
    ]
    return _outermost(path for path in paths if os.path.exists(path))


def _prefixes() -> list[str]:
    given = (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)
    return [*given, *map(os.path.realpath, given)]


def _outermost(paths: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for path in sorted(set(map(os.path.normpath, paths))):
        if not any(path == one or path.startswith(one + os.sep) for one in (*_SYSTEM, *kept)):
            kept.append(path)
    return kept


def _too_wide() -> str:
    wide = {*_TOO_WIDE, str(Path.home()), *map(str, Path.home().parents)}
    for prefix in _prefixes():
        if prefix in wide:
            return f"Python's prefix {prefix} holds more than Python"
    return ""


def _probe(command: list[str]) -> str:
    """Why a sandbox cannot be made, or nothing; asked once in the life of the service."""
    if "reason" not in _probed:
        _probed["reason"] = _try(command)
    return _probed["reason"]


def _try(command: list[str]) -> str:
    if shutil.which("bwrap") is None:
        return "bwrap (bubblewrap) is not installed"
    import_it = "import agentbay_kernel.service.workers.records"
    words = [*command, f"{layer.PLACE}/bin/python", "-P", "-c", import_it]
    env = environment.make("", {})
    try:
        done = subprocess.run(words, env=env, capture_output=True, timeout=PROBE_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bwrap does not start: {error}"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return "" if done.returncode == 0 else f"bwrap failed: {said[-1] if said else 'no reason'}"


def _folder(root: Path, mounts: Mapping[str, Path], reason: str) -> Box:
    tree = root / "fs"
    for path, source in mounts.items():
        place = tree / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_dir():
            place.rmdir()
        place.symlink_to(source)
    note = f"folder (not isolated from this computer: {reason}; the session's / is {tree})"
    return Box([], str(tree), note, {path: str(source) for path, source in mounts.items()})


def _write_accounts(etc: Path) -> None:
    (etc / "passwd").write_text(
        "root:x:0:0:root:/root:/usr/sbin/nologin\n"
        f"agentbay:x:1000:1000::{HOME}:/bin/bash\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    )
    (etc / "group").write_text("root:x:0:\nagentbay:x:1000:\nnogroup:x:65534:\n")
    hosts = Path("/etc/hosts")
    known = hosts.read_text() if hosts.is_file() else "127.0.0.1 localhost\n"
    (etc / "hosts").write_text(f"{known}\n127.0.0.1 agentbay\n")
