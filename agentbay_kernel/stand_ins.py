"""Lets single modules of a library find stand-ins for some of what they import."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import CodeType, ModuleType


@contextlib.contextmanager
def standing_in(stand_ins: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """What these modules find in place of what they import, if they are imported in here."""
    finder: Any = Finder(stand_ins)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class Finder:
    """Finds the modules that have stand-ins, by the names of what these stand for."""

    def __init__(self, stand_ins: Mapping[str, Mapping[str, Any]]) -> None:
        self._stand_ins = stand_ins

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec of such a module; None for any other, and where there is none."""
        if name not in self._stand_ins:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None:
            return None
        loader = _Loader(spec.loader, self._stand_ins[name])
        found: Any = importlib.util.spec_from_loader(name, loader, origin=spec.origin)
        found.has_location = spec.has_location  # gives the module its __file__
        found.submodule_search_locations = spec.submodule_search_locations
        return found


class _Loader(importlib.abc.Loader):
    """Runs the module's own source; no other module or thread ever sees what stands in."""

    def __init__(self, loader: Any, stand_ins: Mapping[str, Any]) -> None:
        self._loader = loader
        self._stand_ins = stand_ins

    def create_module(self, spec: Any) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        code: CodeType = self._loader.get_code(module.__name__)
        module.__dict__["__builtins__"] = _builtins(self._stand_ins)
        exec(code, module.__dict__)


def finding(function: FunctionType, stand_ins: Mapping[str, Any]) -> FunctionType:
    """A copy of a function which finds the stand-ins where it imports; its module does not."""
    names = {**function.__globals__, "__builtins__": _builtins(stand_ins)}
    code, defaults = function.__code__, function.__defaults__
    copy = FunctionType(code, names, function.__name__, defaults, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _builtins(stand_ins: Mapping[str, Any]) -> dict[str, Any]:
    def import_(name: str, *rest: Any) -> Any:
        return stand_ins.get(name) or builtins.__import__(name, *rest)

    return {**vars(builtins), "__import__": import_}


class PutOff:
    """Stands for a module, and what is in it, of which parts are only called; imported then."""

    def __init__(self, name: str, *path: str) -> None:
        self._name = name
        self._path = path

    def __getattr__(self, name: str) -> PutOff:
        return PutOff(self._name, *self._path, name)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Import it and call what it is."""
        return self._found()(*arguments, **options)

    def _found(self) -> Any:
        found: Any = importlib.import_module(self._name)
        for part in self._path:
            if not hasattr(found, part):  # a module that nobody has imported yet
                importlib.import_module(f"{found.__name__}.{part}")
            found = getattr(found, part)
        return found
