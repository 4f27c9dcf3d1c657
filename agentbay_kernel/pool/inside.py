"""Runs a piece of work in a session and answers with its value as typed data.

It is sent into the session as text, so it runs on Python 3.8 and knows no other module of ours but
the typed data's, which has come before it.
"""

from __future__ import annotations
import __future__

import base64
import inspect
import json
import linecache
import os
import tempfile
import traceback
from typing import Any, Dict, List, Tuple

INLINE = 1 << 18
"""Bytes that go with the answer; more is left in a file."""
Facts = Dict[str, Any]

_functions: Dict[str, Any] = {}


class Failed(Exception):
    """Raised with what an answer says of an error."""

    def __init__(self, error: Any, lines: List[str]) -> None:
        super().__init__(lines)
        self.facts = {"ename": type(error).__name__, "evalue": _text(error), "traceback": lines}


class Answer:
    """The value of the statement that asks for the work: its text is JSON."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def __repr__(self) -> str:
        return json.dumps(self._facts)


async def run(request: Facts) -> Answer:
    """Do the work of a request: a `cell` with its `name`, or a `function` with its `source`."""
    try:
        argument = _decoded(request["argument"])
        if "cell" in request:
            value = await _cell(request, argument)
        else:
            value = await _call(request, argument)
        return Answer(_encoded(value))
    except Failed as failed:
        return Answer(failed.facts)
    except BaseException as error:  # what cannot be read or written as typed data
        return Answer(Failed(error, traceback.format_exception_only(type(error), error)).facts)


async def _cell(request: Facts, item: Any) -> Any:
    """The value of a cell's last expression, None when it ends with none."""
    from IPython import get_ipython

    shell = get_ipython()
    code = request["cell"]
    shell.user_ns[request["name"]] = item
    shown: List[List[str]] = []
    quiet = {
        "_showtraceback": lambda etype, value, lines: shown.append(list(lines)),
    }
    with _Replaced(shell, quiet), _Replaced(shell.displayhook, {"compute_format_data": _nothing}):
        result = await _run_cell(shell, code)
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        raise Failed(error, shown[-1] if shown else [_text(error)])
    return result.result


async def _run_cell(shell: Any, code: str) -> Any:
    known: Facts = {"transformed_cell": code, "preprocessing_exc_tuple": None}
    try:
        known["transformed_cell"] = shell.transform_cell(code)
    except Exception:
        return shell.run_cell(code, store_history=False)
    if not shell.should_run_async(code, **known):
        return shell.run_cell(code, store_history=False)
    result = None
    try:
        result = await shell.run_cell_async(code, store_history=False, **known)
    finally:
        shell.events.trigger("post_execute")
        shell.events.trigger("post_run_cell", result)
    return result


async def _call(request: Facts, argument: Tuple[Any, Dict[str, Any]]) -> Any:
    """What a function returns, or awaits to."""
    words, named = argument
    try:
        value = _function(request)(*words, **named)
        return await value if inspect.isawaitable(value) else value
    except BaseException as error:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        # The first frame is this one.
        raise Failed(error, lines[:1] + lines[2:]) from None


def _function(request: Facts) -> Any:
    name, source = request["function"], request["source"]
    if source not in _functions:
        file = "<{} in the session>".format(name)
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        scope: Facts = {"__name__": "__main__"}
        for known, module in request["modules"].items():
            scope[known] = __import__(module, fromlist=["*"])
        flags = __future__.annotations.compiler_flag
        exec(compile(source, file, "exec", flags, dont_inherit=True), scope)
        _functions[source] = scope[name]
    return _functions[source]


def export(values: Any, path: str) -> None:
    """Write the items of an iterable to a file, each as typed data of its own."""
    import agentbay_typed
    from agentbay_typed.packing import pack

    kinds, parts = [], []
    for number, value in enumerate(values, 1):
        try:
            kind, data = agentbay_typed.encode(value)
        except TypeError as error:
            raise TypeError("Item {}: {}".format(number, error)) from None
        kinds.append(kind)
        parts.append(data)
    with open(path, "wb") as file:
        file.write(pack({"kinds": kinds}, parts))


def collect(path: str) -> List[Any]:
    """The values that a file holds; in the place of one that failed its exception stands."""
    import concurrent.futures

    import agentbay_typed
    from agentbay_typed.packing import unpack

    with open(path, "rb") as file:
        header, parts = unpack(file.read())
    os.unlink(path)
    values = []  # type: List[Any]
    for kind, part in zip(header["kinds"], parts):
        if kind == "error":
            values.append(RuntimeError(bytes(part).decode()))
        elif kind == "missed":
            values.append(concurrent.futures.CancelledError("not run"))
        else:
            values.append(agentbay_typed.decode(kind, part))
    return values


def _encoded(value: Any) -> Facts:
    import agentbay_typed

    kind, data = agentbay_typed.encode(value)
    if len(data) <= INLINE:
        return {"kind": kind, "data": base64.b64encode(data).decode()}
    handle, path = tempfile.mkstemp(prefix="agentbay-")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return {"kind": kind, "path": path, "size": len(data)}


def _decoded(facts: Facts) -> Any:
    import agentbay_typed

    if "path" not in facts:
        return agentbay_typed.decode(facts["kind"], base64.b64decode(facts["data"]))
    with open(facts["path"], "rb") as file:
        data = file.read()
    os.unlink(facts["path"])
    return agentbay_typed.decode(facts["kind"], data)


class _Replaced:
    """Puts other attributes into an object for a while."""

    def __init__(self, owner: Any, attributes: Facts) -> None:
        self._owner = owner
        self._attributes = attributes

    def __enter__(self) -> None:
        for name, value in self._attributes.items():
            setattr(self._owner, name, value)

    def __exit__(self, *_: Any) -> None:
        for name in self._attributes:
            delattr(self._owner, name)


def _nothing(_value: Any) -> Tuple[Facts, Facts]:
    return {}, {}


def _text(error: Any) -> str:
    try:
        return str(error)
    except Exception:
        return "its text cannot be made"
