"""JSON and text of a session as values that a Jupyter message can carry."""

from __future__ import annotations

import json
from typing import Any

DEEPEST = 128
"""Levels of nesting; Jupyter's own serialisers recurse, twice for each."""


def parse(text: str) -> Any:
    """The value of a frame's JSON; raises ValueError for what no message of ours holds."""
    if not text.isascii():
        raise ValueError("not ASCII")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("too deep") from None
    if _may_be_deep(text) and _is_deep(value):
        raise ValueError("too deep")
    # A surrogate outside of a pair can only come from an escape. One character is looked for in a
    # tenth of the time that three take.
    escaped = "\\" in text and ("\\ud" in text or "\\uD" in text)
    return _mended(value) if escaped else value


def clean(text: str) -> str:
    """Text whose lone surrogates, which no message can carry, are replaced."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _refuse(constant: str) -> None:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _may_be_deep(text: str) -> bool:
    """Whether there are as many brackets of a kind as that many levels need at least."""
    return any(_has(text, each, DEEPEST // 2) for each in "[{")


def _has(text: str, character: str, count: int) -> bool:
    at = -1
    for _ in range(count):
        at = text.find(character, at + 1)
        if at < 0:
            return False
    return True


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _inside(each) if _is_container(inner)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _is_container(value: Any) -> bool:
    return isinstance(value, (dict, list))


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_mended(each) for each in value]
    if isinstance(value, dict):
        return {clean(key): _mended(each) for key, each in value.items()}
    return value
