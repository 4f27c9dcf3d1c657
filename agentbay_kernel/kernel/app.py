"""ipykernel's application with our kernel in it."""

from __future__ import annotations

import logging
import logging.handlers
from typing import Any

from ipykernel.kernelapp import IPKernelApp
from traitlets import default

from agentbay_kernel.config import AgentBayOptions, log_dir
from agentbay_kernel.kernel import overhead
from agentbay_kernel.kernel.kernel import AgentBayKernel

LOG_BYTES = 4 << 20


class AgentBayKernelApp(IPKernelApp):
    """ipykernel's application with our kernel in it."""

    name = "agentbay-kernel"
    classes = [*IPKernelApp.classes, AgentBayKernel, AgentBayOptions]

    @default("kernel_class")
    def _default_kernel_class(self) -> Any:
        return AgentBayKernel


def launch() -> None:
    """Run the kernel until it is shut down."""
    _log_to_file()
    overhead.leave_out_debugger()
    AgentBayKernelApp.launch_instance()


def _log_to_file() -> None:
    """Send this package's log to `kernel.log` in the log folder."""
    handler = logging.handlers.RotatingFileHandler(
        log_dir() / "kernel.log", maxBytes=LOG_BYTES, backupCount=2, delay=True
    )
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    )
    logger = logging.getLogger("agentbay_kernel")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
