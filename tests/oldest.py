"""The oldest versions that are supported: IPython of a session, and AGB's SDK of this computer.

`python -m tests.oldest` installs them where there is a network; tests that run without one use them
then.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

PACKAGES = ("ipython==7.34.0", "ipykernel>=6,<7", "setuptools<81")
PLACE = Path(sys.prefix) / "oldest-ipython"
AGB = "agbcloud-sdk==0.9.0"
AGB_PLACE = Path(sys.prefix) / "oldest-agb"


def python() -> Path:
    """The environment's interpreter; it is made first when it is not there."""
    found, complete = PLACE / "bin" / "python", PLACE / "complete"
    if not complete.exists():
        venv.create(PLACE, with_pip=True, clear=True)
        subprocess.run([found, "-m", "pip", "install", "-q", *PACKAGES], check=True)
        complete.write_text("\n".join(PACKAGES))
    return found


def agb() -> Path:
    """A folder for PYTHONPATH with AGB's oldest SDK, whose own needs are installed already."""
    complete = AGB_PLACE / "complete"
    if not complete.exists():
        words = ("-m", "pip", "install", "-q", "--no-deps", "--upgrade", "--target", AGB_PLACE)
        subprocess.run([sys.executable, *words, AGB], check=True)
        complete.write_text(AGB)
    return AGB_PLACE


if __name__ == "__main__":
    python()
    agb()
