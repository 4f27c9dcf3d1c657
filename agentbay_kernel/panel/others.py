"""The section of the account's sessions, and of those that crashed kernels left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import UsageError
from agentbay_kernel.magics import leftovers
from agentbay_kernel.magics.labels import parse_labels
from agentbay_kernel.panel import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentbay_kernel.panel.model import Act, PanelModel
    from agentbay_kernel.session import SessionSummary

    Args = Mapping[str, Any]

LIMIT = 10
MOST = 100
EMPTY: dict[str, Any] = {
    "rows": None,
    "filter": "",
    "leftovers": False,
    "tokens": [],
    "next": "",
    "total": None,
    "error": None,
}


async def read(model: PanelModel) -> dict[str, Any]:
    """The page that is open."""
    now = model.sessions
    chosen = {name: now[name] for name in ("filter", "leftovers", "tokens")}
    found = await _page(model, **chosen)
    same = all(model.sessions[name] == value for name, value in chosen.items())
    return found if same else {}


async def sessions(model: PanelModel, args: Args, _buffers: Sequence[bytes]) -> Any:
    """One page of the account's sessions as rows, and the token of the next; changes no section."""
    labels = args.get("labels") or {}
    if isinstance(labels, str):
        labels = parse_labels(labels.split())
    limit = min(MOST, words.number(args, "limit", LIMIT) or LIMIT)
    provider = await model.manager.provider()
    found = await provider.list(dict(labels), limit=limit, token=words.text(args, "token", ""))
    rows = [_row(model, each) for each in found.sessions]
    return {"rows": rows, "next": found.next_token, "total": found.total}


async def show_sessions(model: PanelModel, args: Args, _buffers: Sequence[bytes]) -> Any:
    """Open a page of the section: filtered by labels, the next or the one before."""
    text, left = words.text(args, "filter", ""), words.flag(args, "leftovers")
    now = model.sessions
    same = (now["filter"], now["leftovers"]) == (text, left)
    tokens = [*now["tokens"]] if same else []
    turn = words.text(args, "turn", "")
    if turn == "next" and same and now["next"]:
        tokens.append(now["next"])
    elif turn == "back" and tokens:
        tokens.pop()
    found = await _page(model, filter=text, leftovers=left, tokens=tokens)
    model.update("sessions", **found, error=None)
    return {"rows": len(found["rows"])}


async def _page(
    model: PanelModel, *, filter: str, leftovers: bool, tokens: Sequence[str]
) -> dict[str, Any]:
    chosen = {"filter": filter, "leftovers": leftovers, "tokens": [*tokens]}
    if leftovers:
        rows = await _left(model)
        return {**chosen, "rows": rows, "next": "", "total": len(rows)}
    parse_labels(filter.split())
    token = tokens[-1] if tokens else ""
    return {**chosen, **await sessions(model, {"labels": filter, "token": token}, ())}


async def _left(model: PanelModel) -> list[dict[str, Any]]:
    found = await leftovers.find(model.context())
    return [{**_row(model, each.session), "left": each.known_by} for each in found]


def _row(model: PanelModel, found: SessionSummary) -> dict[str, Any]:
    place = model.places.holding(found.session_id)
    return {
        "session_id": found.session_id,
        "status": found.status,
        "image": found.image,
        "name": place.name if place is not None and len(list(model.places)) > 1 else "",
        "current": place is model.places.current,
        "left": "",
    }


async def attach(model: PanelModel, args: Args, _buffers: Sequence[bytes]) -> Any:
    """Run cells in another session of the account; one that this notebook has is chosen."""
    session_id = words.text(args, "session_id")
    if model.manager.busy:
        raise UsageError(
            "A cell is running in the current session", next_step="Wait for its end, or Stop it"
        )
    held = model.places.holding(session_id)
    if held is not None:
        model.places.use(held.name)
    else:
        await model.ask("%agentbay", "attach", "--", session_id)
    if model.sessions["rows"] is not None:
        await model.refresh("sessions")
    return {"session_id": session_id}


ACTIONS: dict[str, Act] = {
    "sessions": sessions,
    "show_sessions": show_sessions,
    "attach": attach,
}
