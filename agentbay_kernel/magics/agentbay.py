"""`%agentbay`: the kernel's session and the others of the account."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from agentbay_kernel import providers
from agentbay_kernel.magics import render
from agentbay_kernel.magics.registry import Context, command

if TYPE_CHECKING:
    from agentbay_kernel.session import Session, SessionInfo

SECRET = ("ticket", "auth", "token", "connection", "password", "secret", "credential")
"""Parts of the names of facts whose values are credentials."""


@command("agentbay")
async def status(context: Context, _args: Any) -> Any:
    """Show what the kernel's cells run in: provider, session, times and capabilities."""
    manager, places = context.manager, list(context.places or ())
    choice = providers.choose(manager.options)
    values: dict[str, object] = {
        "provider": f"{choice.name} ({choice.reason})",
        "engine": providers.engine(manager.options),
        "state": manager.state.value,
    }
    if len(places) > 1 and context.places is not None:
        values["name"] = context.places.current.name
        values["sessions"] = ", ".join(each.name for each in places)
    if manager.session is not None:
        values |= _session_facts(manager.session)
        values |= context.facts or {"bridge": "none yet: the first cell brings it"}
    if manager.lifetime is not None:
        left = (manager.lifetime.end - time.monotonic()) / 60
        values["time left"] = f"{max(0, left):.0f} min unless used"
    if manager.cleared is not None:
        values["after the restart"] = manager.cleared.how
    note = "" if manager.session else "The first cell that needs a session starts one."
    context.emit(render.facts(values, note))
    return values


def _session_facts(session: Session) -> dict[str, object]:
    can = session.capabilities
    able = {"streaming": can.stream, "terminal": can.pty, "shell": can.shell}
    return {
        "session": session.session_id,
        "image": session.image,
        "isolation": session.isolation,
        "can": ", ".join(name for name, yes in able.items() if yes),
        "cannot": "; ".join(f"{name}: {why}" for name, why in can.reasons.items() if why),
    }


@command("agentbay", "info")
async def info(context: Context, _args: Any) -> Any:
    """Show all that the provider tells of the session: resource, image, network, configuration.

    Links are credentials and show as their hosts; tickets, tokens and codes are masked.
    """
    session = await context.manager.ensure()
    found = await session.info()
    context.manager.used()
    values = _info_facts(found)
    context.emit(render.facts(values))
    return values


def _info_facts(found: SessionInfo) -> dict[str, object]:
    values: dict[str, object] = {
        "session": found.session_id,
        "status": found.status,
        "image": found.image,
        "resource link": render.masked(found.resource_url) if found.resource_url else "",
    }
    values |= {name: _shown(name, value) for name, value in found.desktop.items()}
    values |= {name: _shown(name, value) for name, value in found.details.items()}
    values["request id"] = found.request_id
    return values


def _shown(name: str, value: str) -> str:
    """A fact as it may stand in a saved notebook."""
    if value and any(word in name.lower() for word in SECRET):
        return "•••"
    return render.masked(value) if "://" in value else value
