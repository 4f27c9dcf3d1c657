"""The other languages of a session: their names, and whether a cell in one is whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentbay_kernel import cells

Completeness = Literal["complete", "incomplete", "invalid"]

_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Language:
    """`magic` is its cell magic; `info` is what a front end is told, to highlight and to export.

    `comment` begins one to the end of a line, `blocks` says whether there are /* */; `quotes` begin
    and end strings, those of `lines` may hold several lines; `goes_on` ends an unfinished line.
    """

    name: str
    title: str
    magic: str
    info: Mapping[str, Any]
    comment: str
    blocks: bool
    quotes: tuple[str, ...]
    lines: tuple[str, ...]
    goes_on: tuple[str, ...]


_R_GOES_ON = ("+", "-", "*", "/", "^", "~", "=", "<-", "<<-", "|>", "&", "|", ",", "%", "<", ">")
_JS_GOES_ON = ("+", "-", "*", "/", "=", "=>", ".", ",", "&&", "||", "??", "?", ":")

LANGUAGES = {
    "r": Language(
        "r",
        "R",
        "r",
        {
            "name": "R",
            "mimetype": "text/x-r-source",
            "file_extension": ".r",
            "pygments_lexer": "r",
            "codemirror_mode": "r",
            "nbconvert_exporter": "script",
        },
        comment="#",
        blocks=False,
        quotes=('"', "'", "`"),
        lines=('"', "'", "`"),
        goes_on=_R_GOES_ON,
    ),
    "java": Language(
        "java",
        "Java",
        "java",
        {
            "name": "java",
            "mimetype": "text/x-java-source",
            "file_extension": ".jshell",
            "pygments_lexer": "java",
            "codemirror_mode": "text/x-java",
            "nbconvert_exporter": "script",
        },
        comment="//",
        blocks=True,
        quotes=('"""', '"', "'"),
        lines=('"""',),
        goes_on=("+", "=", ".", ",", "&&", "||", "?", ":", "->"),
    ),
    "javascript": Language(
        "javascript",
        "JavaScript",
        "node",
        {
            "name": "javascript",
            "mimetype": "application/javascript",
            "file_extension": ".js",
            "pygments_lexer": "javascript",
            "codemirror_mode": "javascript",
            "nbconvert_exporter": "script",
        },
        comment="//",
        blocks=True,
        quotes=("`", '"', "'"),
        lines=("`",),
        goes_on=_JS_GOES_ON,
    ),
}


def parser(name: str) -> Callable[[str], list[cells.Segment]]:
    """What splits the cells of a kernel whose language it is."""
    from agentbay_kernel import cells

    found = LANGUAGES.get(name)
    return cells.parse if found is None else partial(cells.parse_as, found.magic)


def info_of(name: str) -> Mapping[str, Any]:
    """What of `kernel_info` a language changes; nothing for Python."""
    return {"language_info": dict(LANGUAGES[name].info)} if name in LANGUAGES else {}


def kernelspec(name: str) -> tuple[str, dict[str, Any]]:
    """The name of a language's kernelspec, and how it differs from Python's."""
    if name not in LANGUAGES:
        return "agentbay", {}
    language = LANGUAGES[name]
    return f"agentbay-{name}", {
        "argv": [f"--AgentBayOptions.language={name}"],
        "display_name": f"AgentBay ({language.title})",
        "language": language.info["name"],
    }


def is_complete(name: str, code: str) -> Mapping[str, Any] | None:
    """The content of an `is_complete_reply`; None for Python, which knows better."""
    language = LANGUAGES.get(name)
    if language is None:
        return None
    status = _completeness(language, code)
    indent = {"indent": "  "} if status == "incomplete" else {}
    return {"status": status, **indent}


def _completeness(language: Language, code: str) -> Completeness:
    if code.startswith("%"):
        return "complete"
    depth, last = _scan(language, code)
    if depth < 0:
        return "invalid"
    goes_on = last.endswith(language.goes_on) and not last.endswith(("++", "--"))
    return "incomplete" if depth or goes_on else "complete"


def _scan(language: Language, code: str) -> tuple[int, str]:
    """How many brackets and strings are open, below 0 for a wrong one, and the last line's code."""
    stack: list[str] = []
    bare = ""
    at = 0
    while at < len(code):
        if quote := next((each for each in language.quotes if code.startswith(each, at)), ""):
            end = _end_of_string(code, at + len(quote), quote, lines=quote in language.lines)
            if end < 0:
                return (1 if quote in language.lines else -1), bare
            at, bare = end, bare + "_"
        elif language.blocks and code.startswith("/*", at):
            end = code.find("*/", at + 2)
            if end < 0:
                return 1, bare
            at = end + 2
        elif code.startswith(language.comment, at):
            end = code.find("\n", at)
            at = len(code) if end < 0 else end
        else:
            char = code[at]
            if char in _PAIRS.values():
                stack.append(char)
            elif char in _PAIRS and (not stack or stack.pop() != _PAIRS[char]):
                return -1, bare
            at, bare = at + 1, bare + char
    return len(stack), bare.rstrip().rpartition("\n")[2]


def _end_of_string(code: str, at: int, quote: str, *, lines: bool) -> int:
    """Behind the end of a string, below 0 when it has none."""
    while at < len(code):
        if code[at] == "\\":
            at += 2
        elif code.startswith(quote, at):
            return at + len(quote)
        elif code[at] == "\n" and not lines:
            return -1
        else:
            at += 1
    return -1
