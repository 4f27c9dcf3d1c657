"""The service's log: request ids, actions and codes, never keys, code or output."""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SIZE = 2_000_000


class _Handler(RotatingFileHandler):
    def doRollover(self) -> None:
        """Rotate, and let what else the process prints follow into the new file."""
        super().doRollover()
        if self.stream is not None:
            for descriptor in (1, 2):
                os.dup2(self.stream.fileno(), descriptor)


def set_up(path: Path) -> None:
    """Send the service's log to a file."""
    handler = _Handler(path, maxBytes=_SIZE, backupCount=2, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("agentbay_kernel.service").setLevel(logging.INFO)
