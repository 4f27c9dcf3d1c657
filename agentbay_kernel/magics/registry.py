"""How a magic's commands are declared, found, parsed and explained."""

from __future__ import annotations

import difflib
import json
import keyword
import re
import shlex
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from getpass import getpass
from inspect import getdoc
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.magic_arguments import argument, magic_arguments

from agentbay_kernel.errors import ToolError, UsageError

if TYPE_CHECKING:
    from agentbay_kernel.events import CellError, DisplayData, Emit, Event
    from agentbay_kernel.places import Places
    from agentbay_kernel.sessions import SessionManager

Run = Callable[["Context", Any], Awaitable[Any]]
Inside = Callable[[str, "Emit"], Awaitable["CellError | None"]]
Completer = Callable[["Context", str], Awaitable[Iterable[str]]]
"""Gives the words that may stand where the text is being typed; others are sorted out."""
Explain = Callable[["Context", str], Awaitable[str]]
"""Gives the help of what a command's first argument names."""

OUT = argument("-o", "--out", metavar="NAME", help="put the value into this name of the session")


@runtime_checkable
class RunsElsewhere(Protocol):
    """An `inside` that knows the other sessions of the notebook."""

    async def run_at(self, name: str, code: str) -> CellError | None:
        """Run the end of the cell in the place of a name."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a command works with: the kernel's session, and where its output goes.

    `keep` puts a value under a name into the namespace of %%local cells; `facts` say what stands
    between the kernel and the session's interpreter; `inside` runs code in that interpreter, where
    something may run. `places` are all sessions of the kernel by name; `put` takes the values of
    `-o` where they do not go into the session. `question` asks the user, hidden where it is true;
    `look_up` completes code in the session's interpreter; `words` are those before the one that is
    being completed; `names` are those of this computer, as %%local cells make them; `panel` gives
    what shows the notebook's panel.
    """

    manager: SessionManager
    emit: Emit
    keep: Callable[[str, Any], None]
    facts: Mapping[str, str] = field(default_factory=dict)
    inside: Inside | None = None
    places: Places | None = None
    put: Callable[[str, Any], None] | None = None
    question: Callable[[str, bool], Awaitable[str]] | None = None
    look_up: Callable[[str, int], Awaitable[Any]] | None = None
    words: Sequence[str] = ()
    names: Mapping[str, Any] = field(default_factory=dict)
    panel: Callable[[], Awaitable[DisplayData]] | None = None

    @classmethod
    def of(
        cls,
        places: Places,
        emit: Emit,
        keep: Callable[[str, Any], None],
        inside: Inside | None,
        **more: Any,
    ) -> Context:
        """What a command works with in the current one of a kernel's places."""
        place = places.current
        bridge = place.bridges.current
        return cls(
            place.manager,
            emit,
            keep,
            bridge.facts if bridge is not None else {},
            inside,
            places=places,
            look_up=partial(place.bridges.complete, aside=False),
            **more,
        )

    async def run(self, code: str, emit: Emit | None = None) -> CellError | None:
        """Run code in the session's interpreter, starting a session if need be.

        It is kept in no history. The error that ended it has been emitted. Raises UsageError where
        no code can run, as in plain IPython.
        """
        if self.inside is None:
            raise UsageError("This needs a notebook of the AgentBay kernel")
        return await self.inside(code, emit or self.emit)

    async def run_at(self, name: str, code: str) -> CellError | None:
        """Run the end of a cell's text as a user's cell in another of the notebook's sessions."""
        if not isinstance(self.inside, RunsElsewhere):
            raise UsageError("This needs a notebook of the AgentBay kernel")
        return await self.inside.run_at(name, code)

    @property
    def all_places(self) -> Places:
        """The sessions of the notebook by name."""
        if self.places is None:
            raise UsageError("This needs a notebook of the AgentBay kernel")
        return self.places

    async def ask_secret(self, prompt: str) -> str:
        """Ask the user for what nobody may read; kept in no history."""
        if self.question is not None:
            return await self.question(prompt, True)
        return await to_thread(getpass, prompt)

    async def assign(self, name: str, value: Any) -> None:
        """Put plain data, what JSON can say, into a name of the session."""
        if self.put is not None:
            self.put(name, value)
            return
        text = json.dumps(value)
        error = await self.run(f"{name} = __import__('json').loads({text!r})", _unheard)
        if error is not None:
            raise ToolError(f"The value was not put into {name}: {error.ename}: {error.evalue}")


@dataclass(frozen=True, slots=True)
class Done:
    """What a magic left behind: a page of help to show, or the error of the code that it ran."""

    page: str = ""
    error: CellError | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a magic, whose name has its sign; the bare magic's own name is empty."""

    magic: str
    name: str
    run: Run
    doc: str
    arguments: Sequence[Any] = ()
    completers: Mapping[str, Completer] = field(default_factory=dict)
    split: Callable[[str], list[str]] = shlex.split
    explain: Explain | None = None

    @property
    def words(self) -> str:
        """How a user types it."""
        return f"{self.magic} {self.name}".rstrip()

    @property
    def summary(self) -> str:
        """The first line of its help."""
        return self.doc.partition("\n")[0]

    @property
    def options(self) -> list[str]:
        """The words that begin with a dash."""
        return [word for each in self.arguments for word in each.args if word.startswith("-")]


COMMANDS: dict[tuple[str, str], Command] = {}


def command(
    magic: str,
    name: str = "",
    *arguments: Any,
    complete: Mapping[str, Completer] | None = None,
    split: Callable[[str], list[str]] = shlex.split,
    explain: Explain | None = None,
) -> Callable[[Run], Run]:
    """Register a coroutine function as a command; its docstring is the help.

    It is called with a Context and the parsed arguments, and returns its value as plain data (what
    JSON can say), which `-o NAME` puts into the session. `magic` may have its sign: `%%name` is a
    cell magic, which finds the lines below its first in `args.body` and returns the CellError of
    what it ran, or None. `arguments` are IPython `argument(...)`s in the order in which they are
    shown; `complete` maps one's first word, as `session` or `--label`, to what completes it.
    `split` takes a line apart; `explain` gives the help of `NAME WORD?`.
    """
    sign = magic if magic.startswith("%") else f"%{magic}"
    if not sign.startswith("%%"):
        arguments = (*arguments, OUT)

    def register(run: Run) -> Run:
        # IPython's decorator puts the arguments' help in the docstring's place.
        doc = getdoc(run) or ""
        for one in reversed(arguments):
            run = one(run)
        run = magic_arguments(f"{sign.lstrip('%')} {name}".rstrip())(run)
        COMMANDS[sign, name] = Command(
            sign, name, run, doc, arguments, complete or {}, split, explain
        )
        return run

    return register


async def run_command(magic: str, line: str, context: Context, body: str | None = None) -> Done:
    """Run the command that `line` names; help is the answer, not an output."""
    found, rest = find(magic, line)
    if rest.split()[:1] in (["-h"], ["--help"]):
        return Done(page=help_page(magic, found.name))
    arguments = _parsed(found, rest)
    if body is not None:
        arguments.body = body
        return Done(error=await found.run(context, arguments))
    name = arguments.out
    if name is not None and (not name.isidentifier() or keyword.iskeyword(name)):
        raise UsageError(f"-o {name}: that is no name of a variable")
    value = await found.run(context, arguments)
    if name is not None:
        await context.assign(name, value)
    return Done()


async def value_of(magic: str, name: str, words: Sequence[str], context: Context) -> Any:
    """The value of one of our commands by its words, which nobody need quote."""
    found = COMMANDS[magic, name]
    return await found.run(context, _parsed(found, words))


def _parsed(found: Command, rest: str | Sequence[str]) -> Any:
    try:
        # IPython's own splitting leaves the quotes in the words.
        words = found.split(rest) if isinstance(rest, str) else list(rest)
        return found.run.parser.parse_args(words)  # type: ignore[attr-defined]
    except (IPythonUsageError, ValueError) as error:
        raise UsageError(
            f"{found.words}: {error}{_nearest_option(found, str(error))}",
            next_step=f"{found.words}? shows how it is used",
        ) from error


def _nearest_option(found: Command, complaint: str) -> str:
    unknown = re.search(r"unrecognized arguments: .*?(--?\w[\w-]*)", complaint)
    near = difflib.get_close_matches(unknown[1], found.options, n=1) if unknown else []
    return f". Did you mean {near[0]}" if near else ""


def find(magic: str, line: str) -> tuple[Command, str]:
    """The command and the rest of its line; raises UsageError, naming the nearest."""
    name, _, rest = line.strip().partition(" ")
    if (magic, name) in COMMANDS:
        return COMMANDS[magic, name], rest
    known = [each.name for each in COMMANDS.values() if each.magic == magic and each.name]
    if not known:
        return COMMANDS[magic, ""], line.strip()
    if name in ("-h", "--help", "help") and (magic, "") in COMMANDS:
        return COMMANDS[magic, ""], "-h"
    if name.startswith("-") and (magic, "") in COMMANDS:
        return COMMANDS[magic, ""], line.strip()
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {magic} {near[0]}" if near else f"It offers: {', '.join(known)}"
    raise UsageError(f"{magic} has no command {name!r}", next_step=hint)


def arrange(families: Sequence[str]) -> None:
    """Put the commands into their families' order, whichever was imported first."""

    def place(command: Command) -> int:
        name = command.run.__module__.rpartition(".")[2]
        return families.index(name) if name in families else len(families)

    known = sorted(COMMANDS.items(), key=lambda item: place(item[1]))
    COMMANDS.clear()
    COMMANDS.update(known)


def subcommands() -> dict[str, Sequence[str]]:
    """The names of each line magic's commands, in the order of their declaration."""
    names: dict[str, list[str]] = {}
    for magic, name in COMMANDS:
        if not magic.startswith("%%"):
            names.setdefault(magic[1:], [])
            if name:
                names[magic[1:]].append(name)
    return dict(names)


def cell_magics() -> list[str]:
    """The names of the cell magics."""
    return list(dict.fromkeys(magic[2:] for magic, _ in COMMANDS if magic.startswith("%%")))


def is_cell_magic(name: str) -> bool:
    """Whether `%%name` is one of ours."""
    return name in cell_magics()


def help_page(magic: str, name: str = "") -> str:
    """The help of one command, or of the whole magic, whose name has its sign."""
    own = [each for each in COMMANDS.values() if each.magic == magic]
    if name or len(own) == 1:
        found = find(magic, name)[0] if name else own[0]
        text = str(found.run.parser.format_help())  # type: ignore[attr-defined]
        sign = magic[: len(magic) - len(magic.lstrip("%"))]
        return sign + text.removeprefix("::").strip().lstrip("%") + "\n"
    own.sort(key=lambda each: each.name != "")
    width = max(len(each.words) for each in own)
    lines = [magic, "", *(f"  {each.words:{width}}  {each.summary}" for each in own)]
    return "\n".join([*lines, "", f"{magic} COMMAND? explains a command.", ""])


async def explained(magic: str, line: str, context: Context) -> str:
    """The help of a line that ends in a question mark, also of what its argument names."""
    found, rest = find(magic, line) if line else (None, "")
    if found is not None and found.explain is not None and rest.strip():
        return await found.explain(context, rest.strip())
    return help_page(magic, line)


def _unheard(_event: Event) -> None:
    pass


__all__ = [
    "COMMANDS",
    "Command",
    "Completer",
    "Context",
    "Done",
    "argument",
    "arrange",
    "cell_magics",
    "command",
    "explained",
    "find",
    "help_page",
    "is_cell_magic",
    "run_command",
    "subcommands",
    "value_of",
]
