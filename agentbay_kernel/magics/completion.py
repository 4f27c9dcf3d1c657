"""Completion of a command's options and arguments, also with what only the session knows."""

from __future__ import annotations

import asyncio
import logging
import re
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import KernelError
from agentbay_kernel.introspection import Matches, magic_line
from agentbay_kernel.magics.registry import COMMANDS, Command, Context, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

log = logging.getLogger("agentbay_kernel.magics")

ANSWER_SECONDS = 1.0
_FLAGS = ("store_true", "store_false", "count")


@dataclass(frozen=True, slots=True)
class Typed:
    """A line up to the cursor: its whole words, and the one that is being typed.

    `length` is that of the last word as it stands there, with its quote.
    """

    words: Sequence[str]
    word: str
    quote: str
    length: int


async def complete_words(code: str, cursor: int, context: Context) -> Matches | None:
    """Completions of the word at the cursor in a line of one of our commands."""
    start = code.rfind("\n", 0, cursor) + 1
    line = magic_line(code[:cursor], cursor)
    if line is None:
        return None
    sign, magic, _ = line
    rest = re.sub(r"^\??%+\w+ ?", "", code[start:cursor])
    found = _command(sign + magic, rest)
    if found is None:
        return None
    command, rest = found
    typed = typed_words(rest)
    texts = [_quoted(text, typed.quote) for text in await _candidates(command, typed, context)]
    return Matches(texts, cursor - typed.length, cursor, True)


def _command(magic: str, line: str) -> tuple[Command, str] | None:
    name, space, rest = line.partition(" ")
    if (magic, name) in COMMANDS and name:
        return (COMMANDS[magic, name], rest) if space else None
    if any(each.magic == magic and each.name for each in COMMANDS.values()):
        return None
    return (find(magic, "")[0], line) if (magic, "") in COMMANDS else None


async def _candidates(command: Command, typed: Typed, context: Context) -> list[str]:
    if typed.word.startswith("-") and not typed.quote:
        found: Iterable[str] = command.options
    else:
        argument = _argument(command, typed.words)
        choices = argument.kwds.get("choices") if argument is not None else None
        completer = command.completers.get(argument.args[0]) if argument is not None else None
        if choices:
            found = map(str, choices)
        elif completer is not None:
            found = await _asked(completer(replace(context, words=typed.words), typed.word))
        else:
            found = ()
    return [text for text in dict.fromkeys(found) if text.startswith(typed.word)]


async def _asked(question: Any) -> Iterable[str]:
    try:
        found: Iterable[str] = await asyncio.wait_for(question, ANSWER_SECONDS)
    except (KernelError, TimeoutError) as error:
        log.info("no completion: %s", error)
        return ()
    return found


def _argument(command: Command, words: Sequence[str]) -> Any:
    """The declared argument that the next word belongs to, None when there is none left."""
    positional = [each for each in command.arguments if not each.args[0].startswith("-")]
    options = {word: each for each in command.arguments for word in each.args if word[0] == "-"}
    waiting, count = None, 0
    for word in words:
        if word in options:
            takes = options[word].kwds.get("action") not in _FLAGS
            waiting = options[word] if takes else None
        elif waiting is not None:
            waiting = waiting if waiting.kwds.get("nargs") in ("+", "*") else None
        else:
            count += 1
    if waiting is not None:
        return waiting
    for each in positional:
        if count == 0 or each.kwds.get("nargs") in ("+", "*"):
            return each
        count -= 1
    return None


def typed_words(text: str) -> Typed:
    """Split what was typed so far as a shell would, the last word perhaps with an open quote."""
    words, word, quote, start, inside = [], "", "", 0, False
    i = 0
    while i < len(text):
        char = text[i]
        if quote:
            quote = "" if char == quote else quote
            word += char if quote else ""
        elif char in "'\"":
            quote, inside = char, True
        elif char == "\\" and i + 1 < len(text):
            i, inside = i + 1, True
            word += text[i]
        elif char == " ":
            words += [word] if word or inside else []
            word, inside, start = "", False, i + 1
        else:
            word, inside = word + char, True
        i += 1
    return Typed(words, word, quote, len(text) - start)


def _quoted(text: str, quote: str) -> str:
    """A candidate as it must be typed; the quote of a folder stays open."""
    if not quote:
        if shlex.quote(text) == text or re.fullmatch(r"[\w@%+=:,./~*?\[\]-]+", text):
            return text
        quote = "'" if "'" not in text else '"'
    return quote + text + ("" if text.endswith("/") else quote)
