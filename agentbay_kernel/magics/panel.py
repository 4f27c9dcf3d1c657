"""`%agentbay panel`: the panel of the notebook's sessions, below the cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import UsageError
from agentbay_kernel.magics.registry import command

if TYPE_CHECKING:
    from agentbay_kernel.magics.registry import Context


@command("agentbay", "panel")
async def panel(context: Context, _args: Any) -> Any:
    """Show the panel: the session's state, link, labels, contexts, meters and files, and actions.

    It is live while it is seen, also while a cell runs, and starts no session by itself. Where no
    front end can show it, as in a saved notebook, it says what was true when it was shown.
    """
    if context.panel is None:
        raise UsageError("There is no panel without a notebook")
    context.emit(await context.panel())
    return None
