"""Changes to live objects that can be taken back."""

from __future__ import annotations

from typing import Any, Callable, List

_ABSENT = object()


class Patches:
    """Remembers what stood in the place of each attribute that was set."""

    def __init__(self) -> None:
        self._undoings: List[Callable[[], Any]] = []

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Give an object, module or class an attribute of its own."""
        own = vars(owner).get(name, _ABSENT)
        shown = getattr(owner, name, _ABSENT)
        _put(owner, name, value)
        if name not in vars(owner):  # a trait or a property keeps it elsewhere
            self._undoings.append(lambda: setattr(owner, name, shown))
        elif own is _ABSENT:
            self._undoings.append(lambda: _drop(owner, name))
        else:
            self._undoings.append(lambda: _put(owner, name, own))

    def wrap(self, owner: Any, name: str, new: Any, off: Callable[[], bool]) -> None:
        """Let `new` stand in for a method, except while `off` says so."""
        former = getattr(owner, name, None)

        def method(*args: Any, **kwargs: Any) -> Any:
            return (former if off() and former else new)(*args, **kwargs)

        self.set(owner, name, method)

    def undo(self) -> None:
        """Put everything back, the newest first; what the user's code removed stays so."""
        while self._undoings:
            try:
                self._undoings.pop()()
            except (AttributeError, KeyError):
                pass


def _put(owner: Any, name: str, value: Any) -> None:
    try:
        setattr(owner, name, value)
    except AttributeError:  # a file's methods are read-only, but its own dictionary comes first
        vars(owner)[name] = value


def _drop(owner: Any, name: str) -> None:
    try:
        delattr(owner, name)
    except AttributeError:
        del vars(owner)[name]
