"""Starts the local service: `python -m agentbay_kernel.service`."""

from __future__ import annotations

import os
import sys


def _detach() -> None:
    """Leave the client's process tree, which may be killed as a whole."""
    if os.fork():
        os._exit(0)


def main() -> None:
    """Run the service until it leaves."""
    ready = [text for text in sys.argv[1:] if text.startswith("--ready-fd=")]
    if ready:
        _detach()
    from agentbay_kernel.service import program

    flags = [text for text in sys.argv[1:] if text not in ready]
    program.run(flags, int(ready[0].partition("=")[2]) if ready else None)


if __name__ == "__main__":
    main()
