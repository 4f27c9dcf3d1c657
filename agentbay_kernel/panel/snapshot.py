"""What is told of a kernel's session without asking anybody: the state of panel and Lab alike."""

from __future__ import annotations

import math
import time
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from agentbay_kernel import providers
from agentbay_kernel.errors import Exists, KernelError

if TYPE_CHECKING:
    from agentbay_kernel.places import Place, Places

STATES = ("none", "starting", "ready", "busy", "paused", "reconnecting", "ended")
FAULT = "This is a fault of agentbay-kernel; kernel.log has the traceback."
LEFT = "The session of before the restart is there; the next cell goes on in it, without its names."
PAUSED = "The session sleeps; the next cell wakes it."


def take(places: Places) -> dict[str, Any]:
    """The state of the current place's session; times are seconds since 1970, or None."""
    place = places.current
    manager = place.manager
    session, options = manager.session, manager.options
    named = len(list(places)) > 1
    return {
        "state": state_of(place),
        "provider": providers.choose(options).name,
        "session_id": session.session_id if session is not None else "",
        "name": place.name if named else "",
        "image": session.image if session is not None else options.image,
        "notebook": _notebook(place),
        "language": options.language,
        **_times(place),
        "running_since": manager.busy_since if session is not None else None,
        **_message(place),
    }


def state_of(place: Place) -> str:
    """One of STATES."""
    manager, bridge = place.manager, place.bridges.current
    if manager.session is None:
        if manager.state.value == "starting":
            return "starting"
        return "ended" if manager.ended is not None else "none"
    if manager.paused:
        return "paused"
    if bridge is not None and bridge.reconnecting:
        return "reconnecting"
    return "busy" if manager.busy else "ready"


def told(error: KernelError) -> dict[str, str]:
    """An error as a front end shows it; its `kind` is named where a front end can help."""
    message = " ".join(f"{text.rstrip('.')}." for text in (error.message, error.survived) if text)
    return {
        "kind": "exists" if isinstance(error, Exists) else "",
        "message": message,
        "next_step": error.next_step,
        "request_id": error.request_id,
    }


def fault(error: Exception) -> dict[str, str]:
    """What went wrong here, as a front end shows it; the traceback belongs into the log."""
    return told(KernelError(f"{type(error).__name__}. {FAULT}"))


def _times(place: Place) -> dict[str, float | None]:
    lifetime = place.manager.lifetime
    if lifetime is None:
        return {"started_at": None, "idle_ends_at": None, "life_ends_at": None}
    # The lifetime counts on a clock of its own.
    shift = time.time() - time.monotonic()
    moments = (lifetime.created, lifetime.idle_end, lifetime.hard_end)
    names = ("started_at", "idle_ends_at", "life_ends_at")
    return {
        name: round(moment + shift) if math.isfinite(moment) else None
        for name, moment in zip(names, moments, strict=True)
    }


def _notebook(place: Place) -> str:
    return PurePath(place.manager.identity.notebook).name


def _message(place: Place) -> dict[str, str]:
    """A message, and by which key a front end has it in other languages."""
    manager = place.manager
    if manager.session is not None:
        key = "paused" if manager.paused else ""
    elif manager.ended is not None:
        return {"message": str(manager.ended), "message_key": ""}
    else:
        key = "left" if manager.claimed else ""
    return {"message": {"paused": PAUSED, "left": LEFT}.get(key, ""), "message_key": key}
