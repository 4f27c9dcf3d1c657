"""Changes to live objects that can be taken back."""

from __future__ import annotations

from typing import Any, Callable, List, Tuple

_ABSENT = object()


class Patches:
    """Remembers what stood in the place of each attribute that was set."""

    def __init__(self) -> None:
        self._former: List[Tuple[Any, str, Any]] = []

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Give an object, module or class an attribute of its own."""
        self._former.append((owner, name, vars(owner).get(name, _ABSENT)))
        _put(owner, name, value)

    def wrap(self, owner: Any, name: str, new: Any, off: Callable[[], bool]) -> None:
        """Let `new` stand in for a method, except while `off` says so."""
        former = getattr(owner, name, None)

        def method(*args: Any, **kwargs: Any) -> Any:
            return (former if off() and former else new)(*args, **kwargs)

        self.set(owner, name, method)

    def undo(self) -> None:
        """Put everything back, the newest first."""
        while self._former:
            owner, name, former = self._former.pop()
            if former is _ABSENT:
                delattr(owner, name)
            else:
                _put(owner, name, former)


def _put(owner: Any, name: str, value: Any) -> None:
    try:
        setattr(owner, name, value)
    except AttributeError:
        vars(owner)[name] = value
    except Exception:  # a trait that validates: the instance's own dictionary comes first anyway
        vars(owner)[name] = value
