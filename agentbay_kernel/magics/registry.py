"""How a magic's commands are declared, found, parsed and explained."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import getdoc
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.magic_arguments import argument, magic_arguments

from agentbay_kernel.errors import UsageError

if TYPE_CHECKING:
    from agentbay_kernel.events import Emit
    from agentbay_kernel.sessions import SessionManager

Run = Callable[["Context", Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Context:
    """What a command works with: the kernel's session, and where its output goes.

    `keep` puts a value under a name into the namespace of %%local cells; `facts` say what stands
    between the kernel and the session's interpreter.
    """

    manager: SessionManager
    emit: Emit
    keep: Callable[[str, Any], None]
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a magic; the empty name is what the bare magic does."""

    magic: str
    name: str
    run: Run
    doc: str

    @property
    def words(self) -> str:
        """How a user types it."""
        return f"%{self.magic} {self.name}".rstrip()

    @property
    def summary(self) -> str:
        """The first line of its help."""
        return self.doc.partition("\n")[0]


COMMANDS: dict[tuple[str, str], Command] = {}


def command(magic: str, name: str = "", *arguments: Any) -> Callable[[Run], Run]:
    """Register a coroutine function as a command; its docstring is the help.

    `arguments` are IPython `argument(...)`s in the order in which they are shown.
    """

    def register(run: Run) -> Run:
        # IPython's decorator puts the arguments' help in the docstring's place.
        doc = getdoc(run) or ""
        for one in reversed(arguments):
            run = one(run)
        run = magic_arguments(f"{magic} {name}".rstrip())(run)
        COMMANDS[magic, name] = Command(magic, name, run, doc)
        return run

    return register


async def run_command(magic: str, line: str, context: Context) -> str:
    """Run the command that `line` names; help is the answer, not an output."""
    found, rest = find(magic, line)
    if rest.split()[:1] in (["-h"], ["--help"]):
        return help_page(magic, found.name)
    try:
        # IPython's own splitting leaves the quotes in the words.
        arguments = found.run.parser.parse_args(shlex.split(rest))  # type: ignore[attr-defined]
    except (IPythonUsageError, ValueError) as error:
        raise UsageError(
            f"{found.words}: {error}", next_step=f"{found.words}? shows how it is used"
        ) from error
    await found.run(context, arguments)
    return ""


def find(magic: str, line: str) -> tuple[Command, str]:
    """The command and the rest of its line; raises UsageError, naming the nearest."""
    name, _, rest = line.strip().partition(" ")
    if (magic, name) in COMMANDS:
        return COMMANDS[magic, name], rest
    if name in ("-h", "--help", "help") and (magic, "") in COMMANDS:
        return COMMANDS[magic, ""], "-h"
    known = subcommands()[magic]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean %{magic} {near[0]}" if near else f"It offers: {', '.join(known)}"
    raise UsageError(f"%{magic} has no command {name!r}", next_step=hint)


def subcommands() -> dict[str, Sequence[str]]:
    """The names of each magic's commands, in the order of their declaration."""
    names: dict[str, list[str]] = {}
    for magic, name in COMMANDS:
        names.setdefault(magic, [])
        if name:
            names[magic].append(name)
    return dict(names)


def help_page(magic: str, name: str = "") -> str:
    """The help of one command, or of the whole magic."""
    if name:
        found, _ = find(magic, name)
        text = str(found.run.parser.format_help())  # type: ignore[attr-defined]
        return text.removeprefix("::").strip() + "\n"
    lines = [f"%{magic}", ""]
    own = [each for each in COMMANDS.values() if each.magic == magic]
    own.sort(key=lambda each: each.name != "")
    width = max(len(each.words) for each in own)
    lines += [f"  {each.words:{width}}  {each.summary}" for each in own]
    return "\n".join([*lines, "", f"%{magic} COMMAND? explains a command.", ""])


__all__ = [
    "COMMANDS",
    "Command",
    "Context",
    "argument",
    "command",
    "find",
    "help_page",
    "run_command",
    "subcommands",
]
