"""Remembers cells as IPython does, without its writing to disk while they start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from agentbay_kernel.engine import Cell

WRITE_SECONDS = 0.5
MOST_UNWRITTEN = 1000


class History:
    """The cells of one kernel, in IPython's history manager."""

    def __init__(self, shell: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._shell = shell
        self._loop = loop
        self._due = False

    def remember(self, cell: Cell) -> None:
        """Store and count a cell before it runs.

        IPython would have it written at once, and a commit to disk takes longer than many a cell;
        here that is done `WRITE_SECONDS` later, or when the history is asked for.
        """
        manager = self._shell.history_manager
        size = manager.db_cache_size
        manager.db_cache_size = max(size, MOST_UNWRITTEN)
        try:
            manager.store_inputs(cell.count, self.python(cell.code), cell.code)
        finally:
            manager.db_cache_size = size
        for lines in (manager.input_hist_parsed, manager.input_hist_raw):
            lines.extend([""] * (cell.count + 1 - len(lines)))
        self._shell.execution_count = cell.count + 1
        if not self._due and len(manager.db_input_cache) >= size:
            self._due = True
            self._loop.call_soon_threadsafe(self._loop.call_later, WRITE_SECONDS, self._write)

    def python(self, code: str) -> str:
        """A cell without IPython's own syntax."""
        try:
            return str(self._shell.transform_cell(code))
        except Exception:  # as IPython's own errors in the transformers of input
            return code

    def _write(self) -> None:
        self._due = False
        # There is none where the history is off or kept in memory.
        flag = getattr(self._shell.history_manager, "save_flag", None)
        if flag is not None:
            flag.set()
