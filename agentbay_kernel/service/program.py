"""The start of the program: sockets first and announced, then what takes time to import."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import socket
import sys

from agentbay_kernel import __version__
from agentbay_kernel.config import ENGINES, data_dir, log_dir
from agentbay_kernel.late_tls import LATE_TLS
from agentbay_kernel.service import runtime
from agentbay_kernel.stand_ins import standing_in


def run(flags: list[str], ready_fd: int | None) -> None:
    """Become the service, unless one runs already."""
    os.umask(0o077)
    # The service is in no terminal's process group, but a user may start it in one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    arguments = _parser().parse_args(flags)
    sockets = (_listen(), _listen())
    address = _address(*sockets, engine=arguments.engine)
    if ready_fd is not None:
        # The client holds the lock. Its connections wait in the sockets' queues from here on.
        runtime.publish(address)
        os.write(ready_fd, b"1")
        os.close(ready_fd)
    else:
        _announce(address)
    with standing_in(LATE_TLS):
        from agentbay_kernel.service import app, logs

    logs.set_up(log_dir() / runtime.LOG_FILE)
    app.serve(arguments, address, sockets, data_dir())


def _announce(address: runtime.ServiceAddress) -> None:
    with runtime.locked(seconds=20) as got:
        other = runtime.read()
        if not got or other is not None:
            sys.exit("agentbay-kernel: a local service is running already")
        runtime.publish(address)


def _listen() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


def _address(
    api: socket.socket, browser: socket.socket, engine: str = "pipe"
) -> runtime.ServiceAddress:
    return runtime.ServiceAddress(
        pid=os.getpid(),
        started=runtime.start_time(os.getpid()) or 0,
        api_url=f"http://127.0.0.1:{api.getsockname()[1]}",
        browser_url=f"http://127.0.0.1:{browser.getsockname()[1]}",
        version=__version__,
        key="akl-" + secrets.token_urlsafe(32),
        engine=engine,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m agentbay_kernel.service", allow_abbrev=False)
    parser.add_argument("--linger-seconds", type=float, default=30.0)
    parser.add_argument("--memory-limit-mb", type=int, default=4096)
    parser.add_argument("--process-limit", type=int, default=256)
    parser.add_argument("--cpu-limit", type=float, default=0.0)
    parser.add_argument("--max-sessions", type=int, default=20)
    parser.add_argument("--engine", choices=ENGINES, default="pipe")
    return parser
