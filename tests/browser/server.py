"""A Jupyter server of the tests' own, with JupyterLab and Notebook 7, and nothing of the user's."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import psutil
import pytest
import requests

from tests import kernels

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOREIGN = ("AGENTBAY_", "AGB_", "JPY_", "JUPYTER", "IPYTHON", "VSCODE_", "XDG_")
_RUNTIME = "AGENTBAY_KERNEL_RUNTIME_DIR"
_FOLDERS = {
    "HOME": "",
    "TMPDIR": "tmp",
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "run",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "AGENTBAY_KERNEL_DATA_DIR": "agentbay/data",
    _RUNTIME: "agentbay/run",
    "AGENTBAY_KERNEL_LOG_DIR": "agentbay/log",
}
# No dialog of the front end's own may come between a test and its notebook.
_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@dataclass(frozen=True)
class Server:
    """A running server; notebooks live in `folder`."""

    url: str
    folder: Path
    log: Path

    def write(self, name: str, kernel: str, cells: list[str]) -> None:
        """Put a notebook with these cells into the server's folder."""
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(source) for source in cells]
        notebook.metadata["kernelspec"] = {
            "name": kernel,
            "display_name": kernel,
            "language": "python",
        }
        nbformat.write(notebook, self.folder / name)

    def shut_kernels_down(self) -> None:
        """End every kernel, as closing a notebook and its kernel does."""
        for kernel in requests.get(f"{self.url}/api/kernels", timeout=10).json():
            requests.delete(f"{self.url}/api/kernels/{kernel['id']}", timeout=60)


def surroundings(home: Path) -> dict[str, str]:
    """The environment of a server that shares nothing with the user's."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith(_FOREIGN)}
    for name, folder in _FOLDERS.items():
        path = home / folder
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment[name] = str(path)
    if "JUPYTER_PATH" in os.environ:
        environment["JUPYTER_PATH"] = os.environ["JUPYTER_PATH"]
    return environment | {
        "AGENTBAY_KERNEL_PROVIDER": "local",
        "AGENTBAY_KERNEL_LINGER_SECONDS": "5",
    }


@contextlib.contextmanager
def running(home: Path) -> Iterator[Server]:
    """A server that ends with its kernels, its service and whatever those had started."""
    environment = surroundings(home)
    for name, values in _SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    folder, log, port = home / "notebooks", home / "server.log", _free_port()
    folder.mkdir()
    with log.open("w") as sink:
        process = subprocess.Popen(
            _command(folder, port),
            stdout=sink,
            stderr=sink,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
        server = Server(f"http://127.0.0.1:{port}", folder, log)
        try:
            kernels.wait_for(lambda: _answers(server, process), "a server that answers", 60)
            yield server
        finally:
            _end(process, server)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv(
                    "AGENTBAY_KERNEL_RUNTIME_DIR", environment["AGENTBAY_KERNEL_RUNTIME_DIR"]
                )
                kernels.stop_service()


def _command(folder: Path, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *("--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"),
        f"--ServerApp.root_dir={folder}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(server: Server, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, server.log.read_text()[-4000:]
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(f"{server.url}/api/status", timeout=5).ok
    return False


def _end(process: subprocess.Popen[bytes], server: Server) -> None:
    """Ask for an orderly end; a process that outlives it is a failure, and is ended too."""
    started = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    with contextlib.suppress(requests.RequestException):
        server.shut_kernels_down()
    process.terminate()
    process.wait(30)
    try:
        kernels.wait_for(lambda: all(kernels.has_ended(each.pid) for each in started), "their end")
    finally:
        for each in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
