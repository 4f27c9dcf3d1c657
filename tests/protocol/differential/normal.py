"""What may differ between two runs of one kernel, and nothing else, replaced by fixed words.

A rule replaces inside a text; none removes a message, joins two or changes their order. An id
becomes its number in the order of appearance, so that two ids that were swapped still differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_NUMBER = r"(?<![\d.])\d{1,9}(?:\.\d{1,9})?(?:e[+-]?\d{1,3})?"
_SPAN = rf"{_NUMBER}(?:min| h| d| ?[nmuµμ]?s)(?: {_NUMBER} ?[nmuµμ]?s)?"

_CLOCK = r"(?:\d{1,3}:)?\d\d:\d\d"
_RATE = r"[ \u2007](?:[ \u2007\d.]{1,9}[kMG]?|\?)(?:it/s|B/s|s/it|s/B)\](?: *(?=[\r\n\x1b]|$))?"


@dataclass(frozen=True)
class Rule:
    """A pattern, its replacement, and why two runs of bare ipykernel differ in it."""

    reason: str
    pattern: re.Pattern[str]
    word: str


def _rule(reason: str, pattern: str, word: str) -> Rule:
    return Rule(reason, re.compile(pattern), word)


RULES = (
    _rule("the address of an object", r"\b(at )0x[0-9a-f]{6,16}\b", r"\1ADDRESS"),
    _rule(
        "the kernel's pid in the name of a cell's file",
        r"(?<![\w.])/[\w./-]{0,200}?(/ipykernel_)\d+(/\d+\.py)",
        r"TEMP\1PID\2",
    ),
    _rule(
        "%timeit: the measured time and the loops it chose",
        rf"{_SPAN} ± {_SPAN} per loop \(mean ± std\. dev\. of (\d+) runs?, [\d,]+ loops? each\)",
        r"TIME per loop of \1 runs",
    ),
    _rule(
        "%timeit: whether one run was slow",
        r"The slowest run took \d+\.\d+ times longer than the fastest\. "
        r"This could mean that an intermediate result is being cached\.\n",
        "",
    ),
    _rule(
        "%time: processor time, whose parts are left out when they are zero",
        rf"(CPU times: )(?:user {_SPAN}, )?(?:sys: {_SPAN}, )?total: {_SPAN}",
        r"\1TIME",
    ),
    _rule("%time: elapsed time", rf"(Wall time: ){_SPAN}", r"\1TIME"),
    _rule("%run -t: elapsed time", r"(Wall time: +)\d{1,6}\.\d\d s\.", r"\1TIME"),
    _rule("%run -t: processor time", r"((?:User|System) {1,4}: +)\d{1,6}\.\d\d s\.", r"\1TIME"),
    _rule(
        "the address of an ExecutionResult or its ExecutionInfo, which IPython writes without 0x",
        r"(<Execution(?:Result|Info) object at )[0-9a-f]{9,16}(?=,)",
        r"\1ADDRESS",
    ),
    _rule(
        "tqdm: elapsed and remaining time, the rate, and the blanks over a longer text before",
        rf"\[{_CLOCK}(<|&lt;)(?:{_CLOCK}|\?),{_RATE}",
        r"[TIME\1TIME, RATE]",
    ),
    _rule("tqdm: the same of an unknown total", rf"\[{_CLOCK},{_RATE}", "[TIME, RATE]"),
)

ID = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?P<message>_\d+_\d+)?"
    r"(?![0-9A-Za-z])"
    r"|^[0-9a-f]{16}$"
)
"""A random id of a comm, a widget or a display, or a message's: the client's id, pid and count."""


class Normal:
    """Normalises one recording; the ids of all its parts are numbered together.

    The folder that the kernel worked in is told by the kernel itself.
    """

    def __init__(self, folder: str = "") -> None:
        self._folder = folder
        self._ids: dict[str, str] = {}

    def __call__(self, value: Any) -> Any:
        """The value with every text in it, keys included, as in any other run."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self(key): self(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self(item) for item in value]
        return value

    def text(self, text: str) -> str:
        """One text."""
        if self._folder:
            text = text.replace(self._folder, "FOLDER")
        for rule in RULES:
            text = rule.pattern.sub(rule.word, text)
        return ID.sub(self._numbered, text)

    def _numbered(self, found: re.Match[str]) -> str:
        kind = "message" if found["message"] else "id"
        return self._ids.setdefault(found[0], f"{kind}-{len(self._ids) + 1}")
