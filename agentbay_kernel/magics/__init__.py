"""The kernel's own magics: `%agentbay` and `%fs`, one family a file."""

from __future__ import annotations

from agentbay_kernel.introspection import Matches, complete_magic
from agentbay_kernel.magics.registry import Context, help_page, run_command, subcommands

__all__ = ["Context", "complete", "run"]


async def run(magic: str, line: str, context: Context) -> str:
    """Run a line magic; the answer is a page of help, empty when there is none to show.

    Raises UsageError for words that it does not know, and KernelError as its work does.
    """
    _load()
    if line.rstrip().endswith("?"):
        return help_page(magic, line.rstrip("? ").strip())
    return await run_command(magic, line, context)


def complete(code: str, cursor: int) -> Matches | None:
    """Completions of a magic's name or subcommand at the cursor, else None."""
    _load()
    return complete_magic(code, cursor, subcommands())


def _load() -> None:
    """Import the families on first use; each registers its commands."""
    from agentbay_kernel.magics import agentbay, fs, labels  # noqa: F401
