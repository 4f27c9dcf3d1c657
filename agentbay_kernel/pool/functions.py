"""A function as the source that a session can run, and words for one that cannot go."""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

LET = "Write it with def, its imports inside, and give it what it needs as arguments"


def request(function: Callable[..., Any]) -> dict[str, Any]:
    """What the session is to run; raises UsageError for what has no source of its own."""
    if not isinstance(function, types.FunctionType):
        raise _refusal(function, "is no function that was written with def")
    if function.__name__ == "<lambda>":
        raise _refusal(function, "is a lambda")
    if function.__closure__:
        names = ", ".join(function.__code__.co_freevars)
        raise _refusal(function, f"uses {names} of the function around it")
    source = _source(function)
    return {"function": function.__name__, "source": source, "modules": _modules(function)}


def _source(function: types.FunctionType) -> str:
    try:
        source = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError):
        raise _refusal(function, "has no source: it was not written in a file or a cell") from None
    definition = tree.body[0] if len(tree.body) == 1 else None
    if not isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
        raise _refusal(function, "has no source of its own")
    if definition.decorator_list or hasattr(function, "__wrapped__"):
        raise _refusal(function, "has a decorator")
    return source


def _modules(function: types.FunctionType) -> dict[str, str]:
    """The modules that it uses under global names; anything else global cannot go with it."""
    modules = {}
    for name, value in inspect.getclosurevars(function).globals.items():
        if isinstance(value, types.ModuleType):
            modules[name] = value.__name__
        elif value is not function:
            raise _refusal(function, f"uses the global name {name}")
    return modules


def _refusal(function: object, why: str) -> UsageError:
    name = getattr(function, "__qualname__", "") or repr(function)
    return UsageError(f"{name} cannot be sent into a session: it {why}", next_step=LET)
