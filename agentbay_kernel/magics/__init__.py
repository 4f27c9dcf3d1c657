"""The kernel's own magics, one family a file."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from agentbay_kernel.introspection import Matches, complete_magic, in_magic, magic_line
from agentbay_kernel.magics import completion
from agentbay_kernel.magics.registry import (
    Context,
    Done,
    arrange,
    cell_magics,
    explained,
    help_page,
    is_cell_magic,
    run_command,
    subcommands,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Context", "Done", "complete", "help_of", "inspect", "names", "run", "value"]

FAMILIES = (
    "agentbay",
    "sessions",
    "listing",
    "labels",
    "languages",
    "variables",
    "jobs",
    "links",
    "tools",
    "upkeep",
    "leftovers",
    "account",
    "doctor",
    "bench",
    "fs",
    "fs_copy",
    "fs_change",
    "fs_show",
    "sync_mounts",
    "sync",
    "sync_files",
    "sync_folder",
    "parallel",
    "panel",
)
LOCAL_HELP = (
    "%%local\n\nAs the first line of a cell: the cell runs in the kernel's own process on this "
    "computer.\n"
)


async def run(magic: str, line: str, context: Context, body: str | None = None) -> Done:
    """Run a line magic, or with a `body` a cell magic.

    Raises UsageError for words that it does not know, and KernelError as its work does.
    """
    _load()
    sign = "%" if body is None else "%%"
    if line.rstrip().endswith("?"):
        return Done(page=await explained(sign + magic, line.rstrip("? ").strip(), context))
    return await run_command(sign + magic, line, context, body)


def help_of(magic: str, sign: str = "%%") -> str:
    """The page of help of a magic, a cell magic unless the sign says otherwise."""
    _load()
    return LOCAL_HELP if magic == "local" else help_page(f"{sign}{magic}")


def names(sign: str = "") -> list[str]:
    """The names of the line magics, with the sign `%%` those of the cell magics."""
    _load()
    return cell_magics() if sign == "%%" else list(subcommands())


def inspect(code: str, cursor: int) -> str | None:
    """The page of help of the magic in whose line the cursor stands, None when it is not ours."""
    found = magic_line(code, cursor)
    if found is None:
        return None
    _load()
    sign, name, rest = found
    if sign == "%%":
        return help_of(name) if name == "local" or is_cell_magic(name) else None
    known = subcommands()
    if name not in known:
        return None
    word = rest.split(" ")[0]
    return help_page(f"%{name}", word if word in known[name] else "")


async def value(magic: str, name: str, words: Sequence[str], context: Context) -> Any:
    """The value of a line command, as `value("%agentbay", "list", ["--all"], context)`."""
    _load()
    return await value_of(magic, name, words, context)


async def complete(code: str, cursor: int, context: Context) -> Matches | None:
    """Completions of a magic's name or words at the cursor, None where it is not ours.

    What the provider or the session must be asked for comes in bounded time or not at all; nothing
    is started for it.
    """
    if not in_magic(code, cursor):
        return None
    _load()
    found = complete_magic(code, cursor, subcommands(), ["local", *cell_magics()])
    if found is None or found.texts or not found.alone:
        return found
    return await completion.complete_words(code, cursor, context) or found


@cache
def _load() -> None:
    """Import the families on first use; each registers its commands."""
    for name in FAMILIES:
        import_module(f"{__name__}.{name}")
    arrange(FAMILIES)
