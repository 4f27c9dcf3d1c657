"""The panel as a widget: the model's sections mirrored, and requests of its page answered."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anywidget
from comm import get_comm_manager
from traitlets import Dict, List, Unicode

from agentbay_kernel.panel import sections, static, strings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentbay_kernel.panel.model import PanelModel
    from agentbay_kernel.panel.requests import Requests

PARTS = (
    "dom",
    "format",
    "talk",
    "fields",
    "session",
    "data",
    "files",
    "copies",
    "account",
    "panel",
)
"""The pieces of the page's code, put together in this order into one module."""
LOOKS = ("base", "head", "said", "fields", "sections", "data", "files")
"""The pieces of its style sheet, in the order in which later rules count."""
OPEN = ["link", "labels", "contexts", "meters"]


def _source(name: str) -> str:
    return (files("agentbay_kernel.panel") / "front" / name).read_text("utf-8")


class PanelView(anywidget.AnyWidget):
    """Mirrors a model's sections; whatever a page asks goes to `requests`, and so do its clicks.

    `sections` are those that are unfolded: they stay so when the page is loaded anew.
    """

    _esm = "\n".join(_source(f"{name}.js") for name in PARTS)
    _css = "\n".join(_source(f"{name}.css") for name in LOOKS)

    words = Dict(strings.ALL).tag(sync=True)
    sections = List(Unicode(), OPEN).tag(sync=True)
    header = Dict().tag(sync=True)
    link = Dict().tag(sync=True)
    labels = Dict().tag(sync=True)
    contexts = Dict().tag(sync=True)
    meters = Dict().tag(sync=True)
    files = Dict().tag(sync=True)
    account = Dict().tag(sync=True)

    def __init__(self, model: PanelModel, requests: Requests) -> None:
        self._model, self._requests = model, requests
        super().__init__(**{_mine(name): getattr(model, name) for name in sections.NAMES})
        model.observe(self._mirror, list(sections.NAMES))
        self.on_msg(self._heard)

    @property
    def closed(self) -> bool:
        """Whether no page can show it any more: the user's code or a page has closed it."""
        return self.comm is None or self.comm.comm_id not in get_comm_manager().comms

    def close(self) -> None:
        """Mirror the model no more."""
        if self.comm is not None:
            self._model.unobserve(self._mirror, list(sections.NAMES))
        super().close()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """The live view, and what is true now for whoever cannot show it."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {**static.bundle(self._model), "application/vnd.jupyter.widget-view+json": view}

    def _mirror(self, change: Any) -> None:
        setattr(self, _mine(change.name), change.new)

    def _heard(self, _widget: Any, content: Any, buffers: Sequence[Any]) -> None:
        self._requests.take(content, buffers or (), self._answer)

    def _answer(self, reply: dict[str, Any], buffers: Sequence[bytes]) -> None:
        self.send(reply, list(buffers) or None)


def _mine(section: str) -> str:
    """A section's trait here; `sessions` would be taken for what is unfolded."""
    return "account" if section == "sessions" else section
