"""Pydantic's models in an SDK, which become such when something is asked of them."""

from __future__ import annotations

import functools
import importlib
import types
from typing import Any

# What Python gives a class of its own.
_OWN = ("__dict__", "__weakref__")


class _Late(type):
    """The class of what stands for a model: whatever is asked of it, the model answers."""

    def __getattr__(cls, name: str) -> Any:
        return getattr(_model_of(cls), name)

    def __call__(cls, *arguments: Any, **fields: Any) -> Any:
        """One of the model."""
        return _model_of(cls)(*arguments, **fields)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _model_of(cls))


class BaseModel(metaclass=_Late):
    """Stands for pydantic's own, whose import would take a sixth of the SDK's."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """The model's schema, for a model that has one of these in it."""
        return handler.generate_schema(_model_of(cls))


@functools.cache
def _model_of(late: _Late) -> Any:
    if late is BaseModel:
        return importlib.import_module("pydantic").BaseModel
    own = {name: value for name, value in vars(late).items() if name not in _OWN}
    bases = tuple(_model_of(each) if isinstance(each, _Late) else each for each in late.__bases__)
    return types.new_class(late.__name__, bases, exec_body=lambda body: body.update(own))


class _Pydantic:
    """Stands for the package; all but its base of models is its own."""

    BaseModel = BaseModel

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("pydantic"), name)


PYDANTIC = _Pydantic()
