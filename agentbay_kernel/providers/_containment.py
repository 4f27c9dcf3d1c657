"""Imports an SDK without its side effects on files, streams, logs and proxies."""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import re
import sys
import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from agentbay_kernel.stand_ins import PutOff, standing_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger("agentbay_kernel.sdk")
# A program without logging would print the warnings.
log.addHandler(logging.NullHandler())

_direct: ContextVar[bool] = ContextVar("agentbay_kernel_direct", default=False)


@dataclass
class Library:
    """One SDK: its name, its module that sets up loguru, and what else is done at its import."""

    name: str
    logger: str
    stand_ins: Callable[[], Mapping[str, Mapping[str, Any]]]
    """What single modules find in place of what they import."""
    after: Callable[[], None]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _module: ModuleType | None = None

    def load(self) -> ModuleType:
        """The SDK, imported on the first call; takes about half a second then."""
        with self._lock:
            if self._module is None:
                self._module = self._import()
            return self._module

    def loaded(self) -> bool:
        """Whether `load` answers at once."""
        return self._module is not None

    def preload(self) -> threading.Thread:
        """Import the SDK in the background; an error shows when a session is asked for."""
        name = f"{self.name}-sdk-import"
        thread = threading.Thread(target=self._preload, name=name, daemon=True)
        thread.start()
        return thread

    def _preload(self) -> None:
        try:
            self.load()
        except Exception:
            log.warning("the SDK could not be imported ahead of its use", exc_info=True)

    def _import(self) -> ModuleType:
        if self.logger in sys.modules:
            # The user's own code was first: the SDK logs to that program's sinks already, and
            # would write our cells' code there.
            sys.modules["loguru"].logger.disable(self.name)
        found = {name: dict(given) for name, given in self.stand_ins().items()}
        loguru = SimpleNamespace(logger=Forward(self.logger))
        found.setdefault(self.logger, {})["loguru"] = loguru
        # A command line program, with what it prints in colour.
        found.setdefault("httpx", {})["_main"] = PutOff("httpx._main")
        # A fifth of the import's time would go into looking for garbage that modules are not.
        collecting = gc.isenabled()
        gc.disable()
        try:
            with standing_in(found):
                module = importlib.import_module(self.name)
        finally:
            if collecting:
                gc.enable()
        _patch_websockets()
        self.after()
        return module


class Forward:
    """Stands for the loguru logger: warnings reach Python's logging, the rest ends here.

    A message may hold code, outputs or keys after its first `:` or `=`; only what stands
    before, and where it was logged, is passed on.
    """

    def __init__(self, home: str) -> None:
        self._home = home

    def bind(self, **_: Any) -> Forward:
        return self

    def opt(self, *_: Any, **__: Any) -> Forward:
        return self

    def warning(self, message: Any, *_: Any, **__: Any) -> None:
        self._pass(logging.WARNING, message)

    def error(self, message: Any, *_: Any, **__: Any) -> None:
        self._pass(logging.ERROR, message)

    exception = critical = error

    def _pass(self, level: int, message: Any) -> None:
        frame = sys._getframe(2)
        while frame.f_back and frame.f_globals.get("__name__") == self._home:
            frame = frame.f_back
        where = f"{frame.f_globals.get('__name__')}:{frame.f_lineno}"
        head = re.split(r"[:=\n]", str(message), maxsplit=1)[0]
        error = sys.exception()
        kind = f" ({type(error).__name__})" if error is not None else ""
        log.log(level, "%s %s%s", where, _plain(head), kind)

    def __getattr__(self, _: str) -> Any:
        return _nothing


def _nothing(*_: Any, **__: Any) -> int:
    return 0


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m|[^\w\s.,()'/-]", "", text).strip()[:80]


@contextlib.contextmanager
def direct() -> Iterator[None]:
    """Within, and in this task alone, the SDK's own calls use no proxy of the environment."""
    token = _direct.set(True)
    try:
        yield
    finally:
        _direct.reset(token)


def is_direct() -> bool:
    """Whether this is within `direct`."""
    return _direct.get()


def _patch_websockets() -> None:
    """Make websockets, which sends even a loopback address through HTTP_PROXY, obey `direct`."""
    client: Any = importlib.import_module("websockets.asyncio.client")
    original = getattr(client, "get_proxy", None)
    if original is not None and not hasattr(original, "obeys"):

        def get_proxy(uri: Any) -> Any:
            return None if _direct.get() else original(uri)

        get_proxy.obeys = True  # type: ignore[attr-defined]
        client.get_proxy = get_proxy
