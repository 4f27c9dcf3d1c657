"""Which request the code that runs now belongs to, as ipykernel decides it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Dict, Optional

Parent = Dict[str, Any]
UNSEEN = "agentbay-unseen"
"""The request of code whose output nobody shall see."""


class Parents:
    """The parent of the running context; a thread without one belongs to the last request."""

    def __init__(self) -> None:
        self._own: ContextVar[Parent] = ContextVar("agentbay_parent")
        self.last: Parent = {}

    def get(self) -> Parent:
        """The parent of what runs now."""
        try:
            return self._own.get()
        except LookupError:
            return self.last

    def set(self, parent: Parent) -> None:
        """What runs from now on, here and in threads without a parent, belongs to `parent`."""
        self._own.set(parent)
        self.last = parent

    def set_here(self, parent: Parent) -> None:
        """What runs in this context or thread belongs to `parent`."""
        self._own.set(parent)


def make(request: str, kind: str, content: Optional[Dict[str, Any]] = None) -> Parent:
    """A parent as libraries know it from ipykernel; `agentbay` marks it as ours."""
    header = {
        "msg_id": request,
        "msg_type": kind,
        "session": "",
        "username": "",
        "version": "5.3",
        "date": "",
    }
    return {
        "agentbay": True,
        "header": header,
        "msg_id": request,
        "msg_type": kind,
        "parent_header": {},
        "metadata": {},
        "content": content or {},
    }


def id_of(parent: Parent) -> str:
    """The message id of a parent, empty when there is none."""
    return str(parent.get("header", {}).get("msg_id", ""))
