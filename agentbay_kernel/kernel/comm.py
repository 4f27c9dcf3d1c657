"""Answers for comm targets that front ends open before any code has run."""

from __future__ import annotations

from typing import Any

import comm

CONTROL = "jupyter.widget.control"


def register_widget_control() -> None:
    """Answer JupyterLab's request for widget states; ipywidgets takes over when imported.

    Without a target ipykernel prints an error in the notebook, and Lab waits four seconds.
    """
    manager = comm.get_comm_manager()
    if CONTROL not in getattr(manager, "targets", {}):
        manager.register_target(CONTROL, _answer)


def _answer(opened: Any, _message: Any) -> None:
    def reply(message: dict[str, Any]) -> None:
        if message["content"]["data"].get("method") == "request_states":
            opened.send({"method": "update_states", "states": {}, "buffer_paths": []})

    opened.on_msg(reply)
