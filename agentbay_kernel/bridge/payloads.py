"""Which payloads of a session's reply reach the front end."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from agentbay_kernel.cells import CELL_MAGICS, LINE_MAGICS
from agentbay_kernel.events import Stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agentbay_kernel.events import Emit

log = logging.getLogger("agentbay_kernel.bridge")

# At the start of a line as a front end may break it, also behind an assignment.
_OURS = re.compile(r"(?:[^=]*=)?\W*%(?:{})(?!\w)".format("|".join((*LINE_MAGICS, *CELL_MAGICS))))


def admitted(payloads: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A `page` and a `set_next_input` at most, the last of each as IPython has it, checked."""
    kept: dict[str, dict[str, Any]] = {}
    for payload in payloads:
        checked = _checked(payload)
        if checked is not None:
            kept.pop(checked["source"], None)
            kept[checked["source"]] = checked
    return list(kept.values())


def refused(payloads: Iterable[Mapping[str, Any]]) -> list[str]:
    """The sources of those that are not admitted, in short, each once."""
    names = [str(each.get("source"))[:40] for each in payloads if _checked(each) is None]
    return list(dict.fromkeys(names))


def passed(payloads: Iterable[Mapping[str, Any]], emit: Emit) -> list[dict[str, Any]]:
    """Those that are admitted; of the others the user hears in a line."""
    payloads = tuple(payloads)
    names = refused(payloads)
    if names:
        log.warning("payloads of the session that are not let through: %s", names)
        shown = ", ".join(names[:3])
        emit(Stream("stderr", f"[not let through from the session: {shown}]\n"))
    return admitted(payloads)


def _checked(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    source, text, data = payload.get("source"), payload.get("text"), payload.get("data")
    if source == "page" and isinstance(data, dict):
        start = payload.get("start")
        whole = isinstance(start, int) and not isinstance(start, bool)
        return {"source": source, "data": data, "start": start if whole else 0}
    if source == "set_next_input" and isinstance(text, str) and not _has_ours(text):
        return {"source": source, "text": text, "replace": payload.get("replace") is True}
    return None


def _has_ours(text: str) -> bool:
    """Whether one of our magics is in it, which would run on the user's computer."""
    return any(_OURS.match(line) for line in text.splitlines())
