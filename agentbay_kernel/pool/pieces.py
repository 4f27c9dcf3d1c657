"""One piece of work for a pool's session: its text for there, its value or error from there."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import secrets
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from agentbay_kernel import typed
from agentbay_kernel.errors import KernelError, RemoteError
from agentbay_kernel.events import CellError, ExecuteResult
from agentbay_kernel.typed.source import loader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentbay_kernel.events import Emit, Event
    from agentbay_kernel.pool.pool import Member
    from agentbay_kernel.session import Session

INLINE = 1 << 18
_MODULE = "agentbay_work"
_INSTALL = """\
exec("import sys, types\\nmodule = types.ModuleType({module!r})\\n\
sys.modules[{module!r}] = module\\n\
exec(compile(TEXT, {module!r}, 'exec', dont_inherit=True), module.__dict__)", {{"TEXT": {text!r}}})
"""
_RUN = "await __import__({module!r}).run({request!r})"


def module() -> str:
    """Text after which an interpreter has `agentbay_work`, the module `inside`."""
    return f"{loader()}\n{_install()}"


@dataclass(frozen=True, slots=True)
class Value:
    """Typed data as its bytes, which need not be read here."""

    kind: str
    data: bytes

    @classmethod
    def of(cls, value: Any) -> Value:
        """The typed data of a value; raises typed.NotTyped."""
        return cls(*typed.encode(value))

    def read(self) -> Any:
        """The value; raises typed.BadData."""
        return typed.decode(self.kind, self.data)


async def perform(
    member: Member, session: Session, request: Mapping[str, Any], argument: Value, emit: Emit
) -> Value:
    """Have a request done in a session and give its value; output goes to `emit`.

    Raises RemoteError for what the work itself raised, and what `Session.run_code` raises.
    """
    text = _RUN.format(
        module=_MODULE, request={**request, "argument": await _sent(session, argument)}
    )
    if "ready" not in member.notes:
        text = f"{module()}{text}"
    answers: list[ExecuteResult] = []
    errors: list[CellError] = []

    def sort(event: Event) -> None:
        if isinstance(event, ExecuteResult):
            answers.append(event)
        elif isinstance(event, CellError):
            errors.append(event)
        else:
            emit(event)

    await session.run_code(text, sort)
    if errors or not answers:
        # The interpreter has ended, and what was sent into it is gone.
        member.notes.pop("ready", None)
        error = errors[-1] if errors else CellError("ExecutionError", "There was no answer", ())
        raise RemoteError(error.ename, error.evalue, error.traceback)
    member.notes["ready"] = True
    return await _value(session, answers[-1])


async def _sent(session: Session, value: Value) -> dict[str, Any]:
    if len(value.data) <= INLINE:
        return {"kind": value.kind, "data": base64.b64encode(value.data).decode()}
    path = f"/tmp/agentbay-{secrets.token_hex(8)}"
    await session.files.write(path, value.data)
    return {"kind": value.kind, "path": path}


async def _value(session: Session, answer: ExecuteResult) -> Value:
    try:
        facts = json.loads(str(answer.data.get("text/plain", "")))
        if "ename" in facts:
            lines = tuple(str(line).rstrip("\n") for line in facts["traceback"])
            raise RemoteError(str(facts["ename"]), str(facts["evalue"]), lines)
        if "path" not in facts:
            return Value(str(facts["kind"]), base64.b64decode(facts["data"], validate=True))
        kind, path, size = str(facts["kind"]), str(facts["path"]), int(facts["size"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise RemoteError("BadAnswer", "The session's answer cannot be read", ()) from error
    data = await session.files.read(path)
    with contextlib.suppress(KernelError):
        await session.files.remove(path)
    if len(data) != size:
        raise RemoteError("BadAnswer", f"Of {size} bytes {len(data)} have come", ())
    return Value(kind, data)


@cache
def _install() -> str:
    text = (resources.files("agentbay_kernel") / "pool" / "inside.py").read_text(encoding="utf-8")
    return _INSTALL.format(module=_MODULE, text=text)
