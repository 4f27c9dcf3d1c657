"""Who wants to know that something about a kernel's sessions has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Changes:
    """Tells its listeners, on the kernel's loop, that something is different; never what."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def listen(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Tell `heard` from now on; what is returned ends that."""
        self._listeners.append(heard)
        return lambda: self._listeners.remove(heard) if heard in self._listeners else None

    def __call__(self) -> None:
        """Something has changed."""
        for heard in [*self._listeners]:
            heard()
