"""What the panel says where nothing can be live: in a terminal, a saved notebook, an export."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any

from agentbay_kernel.panel.strings import of_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentbay_kernel.panel.model import PanelModel


TOLD = ("labels", "contexts")
"""The sections that it tells of."""


def bundle(model: PanelModel) -> dict[str, str]:
    """The panel as text and as HTML, with the moment at which that was true."""
    words = of_environment()
    rows = _rows(model, words)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(model.clock()))
    title, note = words["title"], words["static"].replace("{when}", when)
    return {"text/plain": _plain(title, rows, note), "text/html": _html(title, rows, note)}


def _rows(model: PanelModel, words: Mapping[str, str]) -> list[tuple[str, str]]:
    now, header = model.clock(), model.header
    rows = [
        (words["state"], words[f"state_{header['state']}"]),
        (words["provider"], header["provider"]),
        (words["session"], header["session_id"]),
        (words["name"], header["name"]),
        (words["image"], header["image"]),
        (words["notebook"], header["notebook"]),
        (words["age"], _span(header["started_at"], now, words, past=True)),
        (words["idle_left"], _span(header["idle_ends_at"], now, words)),
        (words["life_left"], _span(header["life_ends_at"], now, words)),
        (words["message"], header["message"]),
        (words["labels"], ", ".join(_labels(model.labels))),
        (words["contexts"], ", ".join(_contexts(model.contexts))),
    ]
    return [(name, value) for name, value in rows if value]


def _labels(section: Mapping[str, Any]) -> list[str]:
    return [f"{key}={value}" for key, value in sorted((section["labels"] or {}).items())]


def _contexts(section: Mapping[str, Any]) -> list[str]:
    return [f"{row['name']} {row['path']}" for row in section["rows"] or []]


def _span(moment: float | None, now: float, words: Mapping[str, str], *, past: bool = False) -> str:
    if moment is None:
        return ""
    minutes = max(0, int((now - moment if past else moment - now) / 60))
    hours, minutes = divmod(minutes, 60)
    return (
        words["hours"].format(h=hours, m=minutes) if hours else words["minutes"].format(m=minutes)
    )


def _plain(title: str, rows: list[tuple[str, str]], note: str) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join([title, *(f"{name:{width}}  {value}" for name, value in rows), note])


def _html(title: str, rows: list[tuple[str, str]], note: str) -> str:
    body = "".join(
        f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return (
        f'<table><caption style="text-align:left">{escape(title)}</caption>'
        f"<tbody>{body}</tbody></table><p>{escape(note)}</p>"
    )
