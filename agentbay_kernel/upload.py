"""Send the notebook's folder to a new session, when the user has asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from agentbay_kernel.session import Session

MEGABYTE = 1 << 20


async def send_folder(session: Session, folder: Path, target: str, limit_mb: int) -> str:
    """Send every file that is not hidden; the answer says what was sent, or why nothing was."""
    from agentbay_kernel import transfer

    size = sum(path.stat().st_size for path in transfer.walk(folder))
    if size > limit_mb * MEGABYTE:
        return (
            f"The notebook's folder was not sent: it has {size / MEGABYTE:.0f} MB, and the option "
            f"upload_limit_mb allows {limit_mb}."
        )
    copies = await transfer.push(session, folder, target, force=True)
    return f"{len(copies)} files of the notebook's folder were sent to {target}."
