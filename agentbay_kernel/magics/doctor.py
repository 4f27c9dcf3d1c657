"""`%agentbay doctor`: does everything work."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from agentbay_kernel.events import DisplayData, UpdateDisplayData
from agentbay_kernel.magics import render
from agentbay_kernel.magics.registry import Context, command

if TYPE_CHECKING:
    from agentbay_kernel.doctor.finding import Finding

HEADERS = ("check", "result", "time", "what was seen")


@command("agentbay", "doctor")
async def doctor(context: Context, _args: Any) -> Any:
    """Check everything that a kernel needs, from the key to a context, in a session of its own.

    It makes a session and a persistent context, uses them and removes them, also when it is
    stopped; the kernel's own session is left alone. `agentbay-kernel doctor` is the same in a
    terminal.
    """
    from agentbay_kernel.doctor import check

    name, rows = uuid.uuid4().hex, []

    def tell(finding: Finding) -> None:
        rows.append(finding.row)
        shown = render.table(HEADERS, rows)
        if len(rows) == 1:
            context.emit(DisplayData(shown.data, display_id=name))
        else:
            context.emit(UpdateDisplayData(shown.data, name))

    found = await check.run(context.manager.options, tell)
    context.emit(render.line(check.failures(found)))
    return [asdict(each) for each in found]
