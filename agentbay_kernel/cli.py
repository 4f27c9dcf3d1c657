"""The console script `agentbay-kernel`: the quickstart, the local service, the kernelspec."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agentbay_kernel import languages
from agentbay_kernel.errors import KernelError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentbay_kernel.service.runtime import ServiceAddress

__all__ = ["main"]

QUICKSTART = "quickstart.ipynb"
NOT_RUNNING = 3
STOP_SECONDS = 10
NO_EXTENSION = (
    "The JupyterLab extension was not built at the installation: %agentbay panel shows "
    "the panel, the side bar does not. Install again where the npm registry can be reached."
)
PROVIDERS = ("auto", "agentbay", "agb", "local")


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code."""
    parser = _parser()
    options, rest = parser.parse_known_args(words)
    if rest and options.run is not _lab:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    try:
        code: int = options.run(options)
    except KernelError as error:
        print(f"agentbay-kernel: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agentbay-kernel", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    lab = commands.add_parser(
        "lab",
        help="open the quickstart notebook in JupyterLab",
        description="Copy the quickstart notebook into this folder, unless it is here, and open "
        "it in JupyterLab. Further arguments go to JupyterLab.",
    )
    lab.add_argument("--provider", choices=PROVIDERS, help="where the cells' sessions live")
    lab.set_defaults(run=_lab)
    _add_service(commands)
    doctor = commands.add_parser(
        "doctor",
        help="check the account, the connection and a session, and say what works",
        description="Make a session and a persistent context, use everything that a kernel uses, "
        "and remove both. Exit code 1 when something failed.",
    )
    doctor.add_argument("--provider", choices=PROVIDERS, help="where the session lives")
    doctor.set_defaults(run=_doctor)
    install = commands.add_parser("install", help="register the kernel with Jupyter")
    place = install.add_mutually_exclusive_group()
    place.add_argument("--user", action="store_true", help="for this user (the default)")
    place.add_argument("--prefix", help="below this folder, in share/jupyter/kernels")
    place.add_argument("--sys-prefix", action="store_true", help="in this Python environment")
    install.add_argument(
        "--language",
        choices=("python", *languages.LANGUAGES),
        default="python",
        help="register the kernel whose cells are in this language",
    )
    install.set_defaults(run=_install)
    return parser


def _add_service(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    service = commands.add_parser("service", help="the local service that sessions run in")
    verbs = service.add_subparsers(metavar="VERB", required=True)
    texts = {
        "start": (_service_start, "start it unless it runs"),
        "status": (_service_status, "show its address, sessions and log; exit code 3 without it"),
        "stop": (_service_stop, "end it and its sessions"),
        "env": (_service_env, 'print exports for both vendors\' SDKs: eval "$(... service env)"'),
    }
    for name, (run, text) in texts.items():
        verbs.add_parser(name, help=text).set_defaults(run=run)


def _lab(options: argparse.Namespace) -> int:
    from importlib.util import find_spec

    if find_spec("jupyterlab") is None:
        raise KernelError(
            "JupyterLab is not installed in this environment",
            next_step=f"{shlex.quote(sys.executable)} -m pip install 'agentbay-kernel[lab]'",
        )
    if not _has_extension():
        print(NO_EXTENSION, file=sys.stderr, flush=True)
    if options.provider:
        os.environ["AGENTBAY_KERNEL_PROVIDER"] = options.provider
    # A file as an argument would open only in a browser; the printed URL shall lead there too.
    page = f"--LabApp.default_url=/lab/tree/{_copy_quickstart().name}"
    words = [sys.executable, "-m", "jupyterlab", page, *options.rest]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        words.append("--allow-root")
    if not _has_browser():
        words.append("--no-browser")
        print("No browser here: open the URL below, or forward its port.", flush=True)
    os.execv(sys.executable, words)


def _has_extension() -> bool:
    from jupyter_core.paths import jupyter_path

    found = jupyter_path("labextensions", "agentbay-kernel", "package.json")
    return any(Path(each).is_file() for each in found)


def _copy_quickstart() -> Path:
    """The notebook in the current folder; one that is there already is left as it is."""
    target = Path.cwd() / QUICKSTART
    if not target.exists():
        target.write_bytes(_quickstart().read_bytes())
    return target


def _quickstart() -> Path:
    package = Path(__file__).parent
    # An editable install has the notebook only in its repository.
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / QUICKSTART).is_file():
            return folder / QUICKSTART
    raise KernelError("The quickstart notebook is not part of this installation")


def _has_browser() -> bool:
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))


def _service_start(_options: argparse.Namespace) -> int:
    return _print_status(_ensure())


def _service_status(_options: argparse.Namespace) -> int:
    from agentbay_kernel.service import runtime

    address = runtime.read()
    if address is None:
        print("The local service is not running. It starts with the first session.")
        return NOT_RUNNING
    return _print_status(address)


def _service_stop(_options: argparse.Namespace) -> int:
    from agentbay_kernel.service import runtime

    address = runtime.read()
    if address is None:
        print("The local service is not running.")
        return 0
    if not runtime.terminate(address.pid, STOP_SECONDS):
        raise ServiceError(
            f"The local service (pid {address.pid}) has not ended in {STOP_SECONDS} seconds",
            next_step=f"kill -9 {address.pid}",
        )
    print(f"The local service (pid {address.pid}) has ended, and its sessions with it.")
    return 0


def _service_env(_options: argparse.Namespace) -> int:
    address = _ensure()
    for vendor in ("AGENTBAY", "AGB"):
        print(f"export {vendor}_API_KEY={shlex.quote(address.key)}")
        print(f"export {vendor}_ENDPOINT={shlex.quote(address.api_url)}")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    import asyncio

    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.doctor import check, finding

    given = {"provider": options.provider} if options.provider else {}
    kernel = AgentBayOptions(**given)
    kernel.check()
    found = asyncio.run(check.run(kernel, lambda each: print(each.line, flush=True)))
    print(check.failures(found))
    return int(any(each.state == finding.FAILED for each in found))


def _ensure() -> ServiceAddress:
    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.service import runtime

    options = AgentBayOptions()
    options.check()
    try:
        return runtime.ensure(**options.of_service())
    except runtime.NotStarted as error:
        raise ServiceError(str(error)) from error


def _print_status(address: ServiceAddress) -> int:
    from agentbay_kernel.config import log_dir
    from agentbay_kernel.service.runtime import LOG_FILE

    facts = {
        "pid": address.pid,
        "address": address.api_url,
        "sessions": _count_sessions(address),
        "isolation": _isolation(),
        "engine": address.engine,
        "log": log_dir() / LOG_FILE,
    }
    for name, value in facts.items():
        print(f"{name:11}{value}")
    return 0


def _count_sessions(address: ServiceAddress) -> int:
    """How many sessions the service has now."""
    import requests

    with requests.Session() as http:
        # A proxy of the environment would not reach this computer's loopback.
        http.trust_env = False
        answer = http.post(
            address.api_url,
            params={"Action": "ListSession"},
            data={"Authorization": f"Bearer {address.key}", "Labels": "{}"},
            timeout=10,
        )
    return int(answer.json().get("TotalCount") or 0)


def _isolation() -> str:
    """What a session that starts now is isolated by, found by a try."""
    import tempfile

    from agentbay_kernel.service import isolation

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "session"
        isolation.prepare(root)
        return isolation.choose(root, {}).note


def _install(options: argparse.Namespace) -> int:
    import json
    import shutil
    import tempfile

    from jupyter_client.kernelspec import KernelSpecManager

    prefix = sys.prefix if options.sys_prefix else options.prefix
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "agentbay"
        shutil.copytree(Path(__file__).parent / "kernelspec", made)
        spec = json.loads((made / "kernel.json").read_text())
        # Outside of an environment's own folders a bare `python` would be any interpreter.
        spec["argv"][0] = sys.executable
        name, changes = languages.kernelspec(options.language)
        spec["argv"] += changes.pop("argv", [])
        (made / "kernel.json").write_text(json.dumps({**spec, **changes}, indent=2) + "\n")
        place = KernelSpecManager().install_kernel_spec(
            str(made), name, user=prefix is None, prefix=prefix
        )
    print(f"The kernel is registered in {place}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
