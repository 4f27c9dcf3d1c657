"""TLS contexts that read the computer's certificates when a connection first needs them."""

from __future__ import annotations

import ssl
import threading
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_lock = threading.Lock()


class _AnyContext(type(ssl.SSLContext)):  # type: ignore[misc]
    """Any context is one of ours to who asks, for others make theirs by the module itself."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, ssl.SSLContext)


class LateContext(ssl.SSLContext, metaclass=_AnyContext):
    """As its base, but what reads the default certificates waits for the first connection.

    Reading takes some 40 ms of CPU. A context that had none would trust no server.
    """

    _waiting: tuple[Callable[[], Any], ...] = ()

    def load_default_certs(self, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
        """Later."""
        load = super().load_default_certs
        self._waiting = (*self._waiting, lambda: load(purpose))

    def set_default_verify_paths(self) -> None:
        """Later."""
        self._waiting = (*self._waiting, super().set_default_verify_paths)

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """As the base, with all certificates read."""
        self._read()
        return super().wrap_bio(*arguments, **options)

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """As the base, with all certificates read."""
        self._read()
        return super().wrap_socket(*arguments, **options)

    def _read(self) -> None:
        with _lock:
            while self._waiting:  # one way to read them calls the other
                read, *rest = self._waiting
                self._waiting = tuple(rest)
                read()


def _with_late_contexts(function: Any) -> Any:
    """One of ssl's functions, with the defaults of this version, that makes late contexts."""
    names = {**vars(ssl), "SSLContext": LateContext}
    made = FunctionType(function.__code__, names, argdefs=function.__defaults__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


class LateSsl:
    """Stands for the module `ssl`, whose contexts are late."""

    SSLContext = LateContext
    create_default_context = staticmethod(_with_late_contexts(ssl.create_default_context))

    def __getattr__(self, name: str) -> Any:
        return getattr(ssl, name)


LATE_TLS = {"aiohttp.connector": {"ssl": LateSsl()}}
"""For `standing_in`: aiohttp reads the certificates twice where it is imported."""
