"""An environment with the oldest IPython and ipykernel that a session may have.

`python -m tests.oldest` makes it where there is a network; tests that run without one use it then.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

PACKAGES = ("ipython==7.34.0", "ipykernel>=6,<7", "setuptools<81")
PLACE = Path(sys.prefix) / "oldest-ipython"


def python() -> Path:
    """The environment's interpreter; it is made first when it is not there."""
    found, complete = PLACE / "bin" / "python", PLACE / "complete"
    if not complete.exists():
        venv.create(PLACE, with_pip=True, clear=True)
        subprocess.run([found, "-m", "pip", "install", "-q", *PACKAGES], check=True)
        complete.write_text("\n".join(PACKAGES))
    return found


if __name__ == "__main__":
    python()
