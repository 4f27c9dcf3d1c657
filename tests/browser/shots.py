"""Pictures of what the tests see, kept where AGENTBAY_KERNEL_TEST_SHOTS names a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

VARIABLE = "AGENTBAY_KERNEL_TEST_SHOTS"
# Taken when this module is read: no test sees variables that begin with our names.
FOLDER = os.environ.get(VARIABLE)


def take(seen: Page | Locator, name: str, otherwise: Path) -> Path:
    """A picture of a page or a part of it, in `otherwise` where no folder is named."""
    folder = Path(FOLDER) if FOLDER else otherwise
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    seen.screenshot(path=path, animations="disabled")
    return path
