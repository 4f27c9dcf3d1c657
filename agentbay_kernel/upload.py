"""Send the notebook's folder to a new session, when the user has asked for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentbay_kernel.session import Session

MEGABYTE = 1 << 20
SKIPPED = {"__pycache__", "node_modules"}


async def send_folder(session: Session, folder: Path, target: str, limit_mb: int) -> str:
    """Send every file that is not hidden; the answer says what was sent, or why nothing was."""
    files = list(_files(folder))
    size = sum(path.stat().st_size for path in files)
    if size > limit_mb * MEGABYTE:
        return (
            f"The notebook's folder was not sent: its {len(files)} files have "
            f"{size / MEGABYTE:.0f} MB, the option upload_limit_mb allows {limit_mb}."
        )
    from agentbay_kernel import transfer

    for path in files:
        remote = f"{target}/{path.relative_to(folder).as_posix()}"
        await transfer.put(session, path, remote, force=True)
    return f"{len(files)} files of the notebook's folder were sent to {target}."


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in SKIPPED]
        for name in names:
            path = Path(root, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path
