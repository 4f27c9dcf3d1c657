"""The kernel's own magics: `%agentbay` and `%fs`, one family a file."""

from __future__ import annotations

from agentbay_kernel.introspection import Matches, complete_magic, magic_line
from agentbay_kernel.magics.registry import Context, help_page, run_command, subcommands

__all__ = ["Context", "complete", "help_of", "inspect", "run"]

CELL_HELP = {
    "local": (
        "%%local\n\nAs the first line of a cell: the cell runs in the kernel's own process on this "
        "computer.\n"
    )
}


async def run(magic: str, line: str, context: Context) -> str:
    """Run a line magic; the answer is a page of help, empty when there is none to show.

    Raises UsageError for words that it does not know, and KernelError as its work does.
    """
    _load()
    if line.rstrip().endswith("?"):
        return help_page(magic, line.rstrip("? ").strip())
    return await run_command(magic, line, context)


def help_of(magic: str) -> str:
    """The page of help of a cell magic."""
    return CELL_HELP[magic]


def inspect(code: str, cursor: int) -> str | None:
    """The page of help of the magic in whose line the cursor stands, None when it is not ours."""
    _load()
    found = magic_line(code, cursor)
    if found is None:
        return None
    sign, name, rest = found
    if sign == "%%":
        return CELL_HELP.get(name)
    known = subcommands()
    if name not in known:
        return None
    word = rest.split(" ")[0]
    return help_page(name, word if word in known[name] else "")


def complete(code: str, cursor: int) -> Matches | None:
    """Completions of a magic's name or subcommand at the cursor, else None."""
    _load()
    return complete_magic(code, cursor, subcommands(), list(CELL_HELP))


def _load() -> None:
    """Import the families on first use; each registers its commands."""
    from agentbay_kernel.magics import agentbay, fs, labels  # noqa: F401
