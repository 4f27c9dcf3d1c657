"""From a frame's JSON to one of our events: whatever a session sends becomes these, or nothing.

Code in a session is untrusted and can forge any frame. Each message is checked field by field, and
every kind that is not listed here is dropped.
"""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentbay_kernel.events import (
    CellError,
    ClearOutput,
    CommMessage,
    DisplayData,
    Event,
    ExecuteResult,
    Stream,
    UpdateDisplayData,
)

Json = Mapping[str, Any]


class Malformed(ValueError):
    """Raised for a message that is none of the known, or is not shaped like it."""


@dataclass(frozen=True, slots=True)
class InputRequest:
    """Code in the session asks; `place` is a file there that takes the answer."""

    number: str
    prompt: str
    password: bool
    place: str


@dataclass(frozen=True, slots=True)
class Reply:
    """How a cell ended, in the words of an `execute_reply`; `payload` is not checked yet.

    `threads`: some that user code has started live on.
    """

    ok: bool
    error: CellError | None = None
    payload: tuple[Json, ...] = ()
    user_expressions: Json = field(default_factory=dict)
    threads: bool = False


@dataclass(frozen=True, slots=True)
class Hello:
    """Facts of a hooked interpreter.

    `control` is its socket, `relay` the program that joins a terminal to it.
    `loop`: comms and completion work between cells and while one awaits; `comm`: it has comms.
    """

    python: str
    ipython: str
    executable: str
    control: str
    relay: str
    inner_kernel: bool
    loop: bool
    comm: bool

    @property
    def folder(self) -> str:
        """Where its socket and the answers to prompts are."""
        return posixpath.dirname(self.control)


def to_event(message: Json) -> Event:
    """The event of a display, stream, error or comm message; raises Malformed for any other."""
    kind = message.get("t")
    make = _MAKERS.get(kind) if isinstance(kind, str) else None
    if make is None:
        raise Malformed(f"no such message: {kind[:40] if isinstance(kind, str) else type(kind)}")
    return make(message, _mapping(message, "c"))


def to_input(content: Json) -> InputRequest:
    """What an `input_request` asks."""
    return InputRequest(
        _text(content, "id"),
        _text(content, "prompt"),
        content.get("password") is True,
        _text(content, "file"),
    )


def to_reply(content: Json) -> Reply:
    """What a `reply` tells."""
    ok = content.get("status") == "ok"
    payload = content.get("payload")
    return Reply(
        ok,
        None if ok else _error({}, content),
        tuple(each for each in payload if isinstance(each, dict))
        if isinstance(payload, list)
        else (),
        _optional(content, "user_expressions"),
        content.get("threads") is True,
    )


def to_hello(content: Mapping[str, Any]) -> Hello:
    """The hello in a frame's content; raises Malformed."""
    texts = ("python", "ipython", "executable", "control", "relay")
    flags = ("inner_kernel", "loop", "comm")
    if not all(isinstance(content.get(name), str) for name in texts):
        raise Malformed("hello")
    known: dict[str, Any] = {name: content[name] for name in texts}
    known |= {name: content.get(name) is True for name in flags}
    return Hello(**known)


def _stream(_: Json, content: Json) -> Event:
    name = content.get("name")
    if name not in ("stdout", "stderr"):
        raise Malformed("stream")
    return Stream("stdout" if name == "stdout" else "stderr", _text(content, "text"))


def _display(_: Json, content: Json) -> Event:
    shown = _optional(content, "transient").get("display_id")
    name = shown if isinstance(shown, str) else None
    return DisplayData(_mapping(content, "data"), _optional(content, "metadata"), name)


def _update(_: Json, content: Json) -> Event:
    name = _text(_optional(content, "transient"), "display_id")
    if not name:
        raise Malformed("display_id")
    return UpdateDisplayData(_mapping(content, "data"), name, _optional(content, "metadata"))


def _result(_: Json, content: Json) -> Event:
    return ExecuteResult(_mapping(content, "data"), _optional(content, "metadata"))


def _clear(_: Json, content: Json) -> Event:
    return ClearOutput(content.get("wait") is True)


def _error(_: Json, content: Json) -> CellError:
    lines = content.get("traceback")
    lines = lines if isinstance(lines, list) else []
    return CellError(
        _text(content, "ename"),
        _text(content, "evalue"),
        tuple(line for line in lines if isinstance(line, str)),
    )


def _comm(message: Json, content: Json) -> Event:
    kind = message["t"]
    packed = message.get("b", [])
    if not isinstance(packed, list):
        raise Malformed("buffers")
    module = content.get("target_module")
    return CommMessage(
        kind,
        _text(content, "comm_id"),
        _optional(content, "data"),
        _text(content, "target_name") if kind == "comm_open" else "",
        module if isinstance(module, str) else None,
        _optional(message, "m"),
        tuple(_bytes(each) for each in packed),
    )


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, TypeError):
        raise Malformed("a buffer") from None


def _text(content: Json, name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str):
        raise Malformed(name)
    return value


def _mapping(content: Json, name: str) -> Json:
    value = content.get(name)
    if not isinstance(value, dict):
        raise Malformed(name)
    return value


def _optional(content: Json, name: str) -> Json:
    value = content.get(name)
    return value if isinstance(value, dict) else {}


_MAKERS: dict[str, Callable[[Json, Json], Event]] = {
    "stream": _stream,
    "display_data": _display,
    "update_display_data": _update,
    "execute_result": _result,
    "clear_output": _clear,
    "error": _error,
    "comm_open": _comm,
    "comm_msg": _comm,
    "comm_close": _comm,
}
