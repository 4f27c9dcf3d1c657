"""The section of the persistent contexts that are mounted in the session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import KernelError, UsageError
from agentbay_kernel.events import Stream
from agentbay_kernel.panel import words
from agentbay_kernel.panel.snapshot import told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentbay_kernel.contexts import Bound
    from agentbay_kernel.events import Event
    from agentbay_kernel.panel.model import Act, PanelModel
    from agentbay_kernel.session import ContextState

    Args = Mapping[str, Any]

EMPTY: dict[str, Any] = {"rows": None, "doing": {}, "failed": {}, "error": None}
VERBS = {"upload": "up", "download": "down"}
KNOWN = 100


async def read(model: PanelModel) -> dict[str, Any]:
    """One row a mount: where it is, and its last upload and download."""
    mounts = model.need().mounts
    bound, states = await asyncio.gather(mounts.list(), mounts.states())
    return {"rows": [_row(each, states) for each in bound]}


def _row(bound: Bound, states: Sequence[ContextState]) -> dict[str, Any]:
    own = [s for s in states if (s.context_id, s.path) == (bound.context_id, bound.path)]
    row: dict[str, Any] = {"name": bound.name, "path": bound.path, "auto": bound.auto_upload}
    for direction in VERBS:
        last = next((each for each in own if each.direction == direction), None)
        row[direction] = last and {
            "status": last.status,
            "error": last.error,
            "started": last.started,
            "finished": last.finished,
        }
    return row


async def sync(model: PanelModel, args: Args, _buffers: Sequence[bytes]) -> Any:
    """Upload or download a context now; the row tells of each step, and of a failure."""
    direction, path = words.text(args, "direction", "upload"), words.text(args, "path")
    if direction not in VERBS:
        raise UsageError(f"{direction!r} is no direction")
    if path in model.contexts["doing"]:
        raise UsageError("A transfer of this context is under way")
    options = ["--yes"] if direction == "download" and words.flag(args, "yes") else []
    return await _follow(model, path, direction, VERBS[direction], *options, path)


async def mount(model: PanelModel, args: Args, _buffers: Sequence[bytes]) -> Any:
    """Mount a context, made if there is none, in the running session or in a new one."""
    name, path = words.text(args, "name").strip(), words.text(args, "path").strip()
    return await _follow(model, path, "mount", "mount", "--", name, path)


async def context_names(model: PanelModel, _args: Args, _buffers: Sequence[bytes]) -> Any:
    """The names of the account's contexts, the first hundred."""
    provider = await model.manager.provider()
    return [each.name for each in (await provider.contexts.list(limit=KNOWN)).contexts]


async def _follow(model: PanelModel, path: str, what: str, *command: str) -> Any:
    def tell(event: Event) -> None:
        if isinstance(event, Stream):
            _doing(model, path, {"what": what, "step": event.text.strip(), "since": since})

    since = model.clock()
    failed = {key: value for key, value in model.contexts["failed"].items() if key != path}
    model.update("contexts", failed=failed)
    _doing(model, path, {"what": what, "step": "", "since": since})
    try:
        found = await model.ask("%sync", *command, emit=tell)
    except KernelError as error:
        _doing(model, path, None)
        await model.refresh("contexts")
        if what != "mount":
            model.update("contexts", failed={**model.contexts["failed"], path: told(error)})
        raise
    except BaseException:
        _doing(model, path, None)
        raise
    _doing(model, path, None)
    await model.refresh("contexts")
    return found


def _doing(model: PanelModel, path: str, step: Mapping[str, Any] | None) -> None:
    doing = {key: value for key, value in model.contexts["doing"].items() if key != path}
    model.update("contexts", doing={**doing, path: dict(step)} if step else doing)


ACTIONS: dict[str, Act] = {"sync": sync, "mount": mount, "context_names": context_names}
