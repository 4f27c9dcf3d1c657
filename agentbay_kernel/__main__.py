"""Start the kernel: `python -m agentbay_kernel -f CONNECTION_FILE`."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the kernel until it is shut down."""
    # Modules leave no garbage to look for; the kernel collects again once its loop runs.
    gc.disable()
    from agentbay_kernel.kernel import app

    app.launch()


if __name__ == "__main__":
    main()
