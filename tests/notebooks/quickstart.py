"""The quickstart notebook: where it is, and what its executed cells must show."""

from __future__ import annotations

import base64
from pathlib import Path

PATH = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"


class Executed:
    """An executed notebook's outputs, found by the tags of their cells."""

    def __init__(self, made):
        self.made = made

    def outputs(self, tag):
        cells = [cell for cell in self.made.cells if tag in cell.metadata.get("tags", ())]
        assert len(cells) == 1, tag
        return cells[0].outputs

    def text(self, tag):
        """The streams and plain texts of one cell."""
        return "".join(
            output.get("text") or output.get("data", {}).get("text/plain", "")
            for output in self.outputs(tag)
        )

    def data(self, tag, mime):
        """The first payload of a MIME type."""
        return next(
            output["data"][mime] for output in self.outputs(tag) if mime in output.get("data", {})
        )

    def errors(self):
        """The names of all errors in the notebook."""
        return [
            output["ename"]
            for cell in self.made.cells
            for output in cell.get("outputs", ())
            if output["output_type"] == "error"
        ]


def check(made):
    """Assert every value that the notebook must have produced."""
    done = Executed(made)
    assert done.errors() == ["KeyError"]
    assert done.text("kept") == "24"
    assert "<table" in done.data("table", "text/html")
    assert "south" in done.data("table", "text/plain")
    assert base64.b64decode(done.data("figure", "image/png")).startswith(b"\x89PNG")
    assert done.text("fetched") == "highest level: 4.0 m\n"
    assert "report.txt" in done.text("listing")
    assert done.text("installed") == "9.84"
    assert "tides" in done.text("labels")
    assert "1 of 1" in done.text("labels")
    assert "…" in done.text("link")
    assert done.text("body") == "200 <h1>Tides</h1><p>served from the session</p>\n"
    assert "loop" in done.text("timing")
