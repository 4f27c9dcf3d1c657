"""Tables and facts as HTML with a plain twin that reads well in a terminal."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agentbay_kernel.events import DisplayData, Stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], note: str = "") -> DisplayData:
    """A table; every cell is escaped."""
    cells = [[_text(value) for value in row] for row in rows]
    return DisplayData(
        {"text/plain": _plain(headers, cells, note), "text/html": _html(headers, cells, note)}
    )


def facts(values: Mapping[str, object], note: str = "") -> DisplayData:
    """Names and values, one a line; empty values are left out."""
    rows = [(name, _text(value)) for name, value in values.items() if value not in ("", None)]
    width = max((len(name) for name, _ in rows), default=0)
    lines = [f"{name:{width}}  {value}" for name, value in rows]
    body = "".join(
        f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in rows
    )
    plain = "\n".join([*lines, *([note] if note else [])])
    return DisplayData({"text/plain": plain, "text/html": f"<table>{body}</table>{_note(note)}"})


def line(text: str) -> Stream:
    """One line of plain text."""
    return Stream("stdout", text + "\n")


def masked(url: str) -> str:
    """A link as it may stand in a saved notebook: its host and an ellipsis."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    return f"{host}/…" if host else "…"


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _plain(headers: Sequence[str], rows: Sequence[Sequence[str]], note: str) -> str:
    widths = [
        max(len(header), *(len(row[i]) for row in rows)) if rows else len(header)
        for i, header in enumerate(headers)
    ]
    lines = ["  ".join(header.ljust(width) for header, width in zip(headers, widths, strict=True))]
    lines += [
        "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join([text.rstrip() for text in lines] + ([note] if note else []))


def _html(headers: Sequence[str], rows: Sequence[Sequence[str]], note: str) -> str:
    head = "".join(
        f'<th scope="col" style="text-align:left">{escape(text)}</th>' for text in headers
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td style="text-align:left">{escape(text)}</td>' for text in row)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{_note(note)}"


def _note(note: str) -> str:
    return f"<p>{escape(note)}</p>" if note else ""
