"""Items out of a notebook's session, and results into it, as typed data that is not read here."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from agentbay_kernel.errors import KernelError, ToolError
from agentbay_kernel.pool import pieces
from agentbay_kernel.typed import packing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentbay_kernel.events import CellError
    from agentbay_kernel.pool.batch import Outcome
    from agentbay_kernel.session import Files

Run = Callable[[str], Awaitable["CellError | None"]]
"""Runs code in the session."""
_WORK = "__import__('agentbay_work')"


async def items(run: Run, files: Files, expression: str) -> list[pieces.Value] | CellError:
    """The items of an expression, or the error that it raised."""
    path = _path()
    error = await run(f"{pieces.module()}{_WORK}.export(({expression}), {path!r})")
    if error is not None:
        return error
    header, parts = packing.unpack(await files.read(path))
    await files.remove(path)
    return [
        pieces.Value(str(kind), bytes(part))
        for kind, part in zip(header["kinds"], parts, strict=True)
    ]


async def assign(run: Run, files: Files, name: str, outcomes: Sequence[Outcome]) -> None:
    """Make the results, as far as they have come, a list in the session."""
    path = _path()
    found = [_kept(outcome) for outcome in outcomes]
    kinds = {"kinds": [kind for kind, _ in found]}
    await files.write(path, packing.pack(kinds, [data for _, data in found]))
    error = await run(f"{pieces.module()}{name} = {_WORK}.collect({path!r})")
    if error is not None:
        raise ToolError(f"The results were not put into {name}: {error.ename}: {error.evalue}")


def words(error: Exception) -> str:
    """An error in one line, without the traceback."""
    return error.message if isinstance(error, KernelError) else str(error)


def _kept(outcome: Outcome) -> tuple[str, bytes]:
    if isinstance(outcome, pieces.Value):
        return outcome.kind, outcome.data
    return ("missed", b"") if outcome is None else ("error", words(outcome).encode())


def _path() -> str:
    return f"/tmp/agentbay-{secrets.token_hex(8)}"
