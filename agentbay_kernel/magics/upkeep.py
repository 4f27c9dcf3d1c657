"""`%agentbay env`, `metrics`, `extend`, `pause` and `resume`: looking after the session."""

from __future__ import annotations

import hashlib
import json
import re
import time
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import KernelError, ToolError, UsageError
from agentbay_kernel.magics import render
from agentbay_kernel.magics.registry import Context, argument, command

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agentbay_kernel.events import Event
    from agentbay_kernel.session import Session

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
HIDDEN = "•••"


async def _variable_names(context: Context, word: str) -> Iterable[str]:
    session = context.manager.session
    if session is None or "=" in word:
        return ()
    return [f"{name}=" for name in sorted(await session.machine.variables())]


@command(
    "agentbay",
    "env",
    argument("variables", nargs="*", metavar="NAME=VALUE", help="a - as VALUE asks for it"),
    argument("--secret", action="store_true", help="ask for the values of bare NAMEs, hidden"),
    complete={"variables": _variable_names},
)
async def env(context: Context, args: Any) -> Any:
    """Set environment variables for the session's interpreter, tools and shells, or list names.

    `NAME=-`, or NAME with --secret, asks for the value, which is shown and kept nowhere but in the
    session. Values are never listed. Programs that run already keep the environment they have.
    """
    names = _asked_for(args.variables, secret=args.secret)
    session = await context.manager.ensure()
    if not names:
        found = sorted(await session.machine.variables())
        context.manager.used()
        context.emit(render.table(("variable",), [(name,) for name in found]))
        return found
    values = {name: value if value is not None else "" for name, value in names.items()}
    hidden = [name for name, value in names.items() if value is None]
    for name in hidden:
        values[name] = await context.ask_secret(f"{name}: ")
        if not values[name]:
            raise UsageError(f"No value was given for {name}; nothing is set")
    try:
        await _set(context, session, values)
    except KernelError as error:
        raise _without(error, [values[name] for name in hidden]) from None
    context.manager.used()
    shown = {name: HIDDEN if name in hidden else values[name] for name in values}
    context.emit(render.facts(shown))
    return list(values)


def _asked_for(words: Iterable[str], *, secret: bool) -> dict[str, str | None]:
    """The variables by name, None for a value that the user is to be asked for."""
    found: dict[str, str | None] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name of a variable")
        if secret and equals and value != "-":
            raise UsageError(
                f"The value of {name} would stay in the notebook",
                next_step=f"%agentbay env {name}=- asks for it. Take it out of this cell",
            )
        if not equals and not secret:
            raise UsageError(f"{name} has no value", next_step=f"{name}=VALUE, or {name}=- to ask")
        found[name] = value if equals and value != "-" else None
    if secret and not found:
        raise UsageError("--secret needs the name of a variable")
    return found


async def _set(context: Context, session: Session, values: Mapping[str, str]) -> None:
    await session.machine.set_variables(values)
    if context.inside is None:
        return
    # Of a provider it is not known whether its tool reaches an interpreter that runs already.
    marks = {name: hashlib.sha256(value.encode()).hexdigest() for name, value in values.items()}
    has = (
        "assert all(__import__('hashlib').sha256(__import__('os').environ.get(name, '').encode())"
        f".hexdigest() == mark for name, mark in {marks!r}.items())"
    )
    if await context.run(has, _unheard) is None:
        return
    text = json.dumps(dict(values))
    give = f"__import__('os').environ.update(__import__('json').loads({text!r}))"
    if await context.run(give, _unheard) is not None:
        raise ToolError("The session's interpreter did not take the variables; its shells have")


def _without(error: KernelError, secrets: Iterable[str]) -> KernelError:
    text = error.message
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return type(error)(text, request_id=error.request_id)


def _unheard(_event: Event) -> None:
    pass


@command("agentbay", "metrics")
async def metrics(context: Context, _args: Any) -> Any:
    """Show what the session uses of its machine: processor, memory, disk and network."""
    session = await context.manager.ensure()
    found = dict(await session.machine.metrics())
    context.manager.used()
    context.emit(render.facts(_use(found)))
    return found


def _use(found: Mapping[str, float]) -> dict[str, object]:
    shown: dict[str, object] = {}
    if "cpu_used_pct" in found:
        cores = found.get("cpu_count", 0)
        shown["processor"] = f"{found['cpu_used_pct']:.1f} % of {cores:g} cores"
    for name, key in (("memory", "mem"), ("disk", "disk")):
        used, total = found.get(f"{key}_used"), found.get(f"{key}_total")
        if used is not None and total:
            part = 100 * used / total
            shown[name] = f"{used / 2**30:.2f} of {total / 2**30:.2f} GiB ({part:.0f} %)"
    for name, key in (("received", "rx"), ("sent", "tx")):
        rate = found.get(f"{key}_rate_kbyte_per_s", found.get(f"{key}_rate_KBps"))
        total = found.get(f"{key}_used_kbyte", found.get(f"{key}_used_KB"))
        if total is not None:
            shown[name] = f"{total / 1024:,.1f} MiB, now {rate or 0:,.1f} KiB a second"
    return shown


@command("agentbay", "extend")
async def extend(context: Context, _args: Any) -> Any:
    """Start the session's idle time anew, and tell what is left of its life."""
    session = await _own(context)
    await session.keep_alive()
    context.manager.used()
    lifetime = context.manager.lifetime
    assert lifetime is not None
    now = time.monotonic()
    values = {
        "session": session.session_id,
        "idle_minutes_left": round((lifetime.idle_end - now) / 60),
        "minutes_left": round((lifetime.hard_end - now) / 60),
    }
    shown = {
        "session": session.session_id,
        "ends when unused": f"in {values['idle_minutes_left']} min",
        "ends in any case": f"in {values['minutes_left']} min",
    }
    context.emit(render.facts(shown))
    return values


@command("agentbay", "pause")
async def pause(context: Context, _args: Any) -> Any:
    """Put the session to sleep, its names and files kept; the next cell resumes it.

    Its life goes on to count, its idle time does not. Not every account and image may pause.
    """
    session = await _own(context)
    await session.machine.pause()
    if context.manager.lifetime is not None:
        context.manager.lifetime.paused = True
        context.manager.on_change()
    context.emit(
        render.line(
            f"Session {session.session_id} is paused, its names and files are kept. The next cell "
            "that needs it resumes it."
        )
    )
    return session.session_id


@command("agentbay", "resume")
async def resume(context: Context, _args: Any) -> Any:
    """Wake the session that was paused."""
    session = await _own(context)
    await session.machine.resume()
    context.manager.used()
    context.emit(render.line(f"Session {session.session_id} runs."))
    return session.session_id


async def _own(context: Context) -> Session:
    """The kernel's session, awake; none is started."""
    if context.manager.session is None and not context.manager.claimed:
        raise UsageError("The kernel has no session", next_step="The first cell starts one")
    return await context.manager.ensure()
