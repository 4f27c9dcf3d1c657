"""Runs the kernel's cells in the live shell, and tells their reply.

A cell comes with a header: a first line of the mark and JSON. In an interpreter without these hooks
that line is a syntax error, so that nothing of such a cell runs.

Header: `id` the request's message id, `n` the execution count, `store` and `silent` as in an
execute request, `stdin` whether input may be asked for, `ue` user expressions, `cell` the cell's
id, `meta` its metadata, `missed` numbers and texts of cells that did not come here, `typed` the
whole cell of which this is a piece, `start` what front ends would have run in this interpreter when
they started.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import sys
from typing import Any, Dict, Iterable, Optional, Tuple

from IPython.core.interactiveshell import InteractiveShell

from . import interrupt, parents
from .displays import Displays, text_of
from .drain import Drain
from .outbox import Outbox
from .patches import Patches
from .stdin import Stdin

Header = Dict[str, Any]

BEFORE = "Stopped before the cell began."


class Cells:
    """Wraps the shell's ways to run a cell; a cell without a header runs as ever."""

    def __init__(self, shell: Any, outbox: Outbox, displays: Displays, stdin: Stdin) -> None:
        self._shell = shell
        self._outbox = outbox
        self._displays = displays
        self._stdin = stdin
        self._drain = Drain(outbox)
        # Of IPython's own method: an ipykernel's passes on whatever it gets.
        self._takes = inspect.signature(InteractiveShell.run_cell).parameters
        self._run = shell.run_cell
        self._run_async = shell.run_cell_async
        self._transform = shell.transform_cell
        self._store = shell.history_manager.store_inputs
        self._typed = ""
        self._unseen = False
        self.inbox: Any = None

    def install(self, patches: Patches) -> None:
        """Put the wrappers in place."""
        patches.set(self._shell, "transform_cell", self.transform_cell)
        patches.set(self._shell, "run_cell", self.run_cell)
        patches.set(self._shell, "run_cell_async", self.run_cell_async)
        patches.set(self._shell.history_manager, "store_inputs", self._store_inputs)

    def transform_cell(self, raw_cell: str) -> str:
        """The cell as Python, without its header."""
        header, code = self._split(raw_cell)
        if header is not None and self._outbox.run is None:
            # What IPython prints about a rewritten line belongs to this cell.
            self._outbox.parents.set(self._parent(header, code))
        transformed: str = self._transform(code)
        return transformed

    def run_cell(
        self,
        raw_cell: str,
        store_history: bool = False,
        silent: bool = False,
        *rest: Any,
        **more: Any,
    ) -> Any:
        """Run a synchronous cell to its end and tell its reply."""
        header, code = self._split(raw_cell)
        if header is None:
            return self._foreign(lambda: self._run(raw_cell, store_history, silent, *rest, **more))
        if self._outbox.run is not None:
            return self._run(code, store_history, silent, *rest, **more)
        stopped = self._begin(header, code)
        try:
            known = self._known(header, more)
            result = stopped or self._run(code, header["store"], header["silent"], **known)
            self._reply(header, result)
            return result
        finally:
            self._outbox.end()

    async def run_cell_async(
        self,
        raw_cell: str,
        store_history: bool = False,
        silent: bool = False,
        *rest: Any,
        **more: Any,
    ) -> Any:
        """Run an awaiting cell to its end and tell its reply."""
        header, code = self._split(raw_cell)
        if header is None or self._outbox.run is not None:
            return await self._foreign_async(
                self._run_async(raw_cell, store_history, silent, *rest, **more)
            )
        stopped = self._begin(header, code)
        try:
            known = self._known(header, more)
            for name in ("transformed_cell", "preprocessing_exc_tuple"):
                known[name] = more.get(name)
            with interrupt.cancelling():
                result = stopped or await self._run_async(
                    code, header["store"], header["silent"], **known
                )
                cancelled = isinstance(result.error_in_exec, asyncio.CancelledError)
                if cancelled and interrupt.has_cancelled():
                    result.error_in_exec = KeyboardInterrupt()
            self._reply(header, result)
            return result
        finally:
            # Its caller still runs the hooks that come after a cell, as those that draw figures.
            asyncio.get_running_loop().call_soon(self._outbox.end)

    async def run_first(self, text: str) -> None:
        """Run the cell that came together with these modules."""
        code = self._split(text)[1]
        problem = None
        try:
            transformed = self._transform(code)
        except Exception:
            transformed, problem = code, sys.exc_info()
        known = {"transformed_cell": transformed, "preprocessing_exc_tuple": problem}
        if not self._shell.should_run_async(code, **known):
            with interrupt.allowed():
                self.run_cell(text)
            return
        result = None
        try:
            result = await self.run_cell_async(text, **known)
        finally:
            self._shell.events.trigger("post_execute")
            self._shell.events.trigger("post_run_cell", result)

    def _split(self, text: str) -> Tuple[Optional[Header], str]:
        mark = self._outbox.mark
        if not text.startswith(mark):
            return None, text
        line, _, code = text.partition("\n")
        header: Header = json.loads(line[len(mark) :])
        return header, code

    def _foreign(self, run: Any) -> Any:
        """Run code of another client, whose output is for that client as it is."""
        if self._outbox.run is not None:
            return run()  # the user's own call of `run_cell`
        self._outbox.plain = True
        try:
            return run()
        finally:
            self._outbox.plain = False

    async def _foreign_async(self, running: Any) -> Any:
        if self._outbox.run is not None or self._unseen:
            return await running
        self._outbox.plain = True
        try:
            return await running
        finally:
            self._outbox.plain = False

    def _begin(self, header: Header, code: str) -> Any:
        """Begin a cell; gives its result if a Stop came before its own code could run."""
        parent = self._parent(header, code)
        self._outbox.parents.set(parent)
        stopped = self._start(header.get("start") or ())
        self._stdin.allowed = bool(header.get("stdin"))
        self._displays.begin()
        self._typed = str(header.get("typed") or "") if header["store"] else ""
        self._shell.execution_count = header["n"]
        if header["store"]:
            self._align(header)
        self._outbox.begin(parent)
        for message in self.inbox.late.take() if self.inbox is not None else ():
            self._outbox.send(message)
        if stopped is not None:
            self._displays.show_stop(BEFORE)
        return stopped

    def _start(self, texts: Iterable[str]) -> Any:
        """Run code of front ends; its result only if a Stop ended it, which the cell is told."""
        for text in texts:
            self._stdin.allowed = False
            with interrupt.allowed():
                result = contextvars.copy_context().run(self._run_unseen, text)
            self._shell.payload_manager.clear_payload()
            if isinstance(result.error_in_exec, KeyboardInterrupt):
                result.error_in_exec = KeyboardInterrupt(BEFORE)
                return result
        return None

    def _run_unseen(self, text: str) -> Any:
        self._outbox.parents.set_here(parents.make(parents.UNSEEN, "execute_request"))
        self._unseen = True
        try:
            return self._run(text, False, True)
        finally:
            self._unseen = False

    def _parent(self, header: Header, code: str) -> parents.Parent:
        """The request as libraries find it; an inner kernel's own is given the cell as typed."""
        kernel: Any = getattr(self._shell, "kernel", None)
        inner = kernel.get_parent() if hasattr(kernel, "get_parent") else {}
        content = inner.get("content") if not inner.get("agentbay") else None
        if isinstance(content, dict) and str(content.get("code", "")).startswith(self._outbox.mark):
            content["code"] = code
        asked = {
            "code": code,
            "silent": header["silent"],
            "store_history": header["store"],
            "user_expressions": header.get("ue") or {},
            "allow_stdin": bool(header.get("stdin")),
            "stop_on_error": True,
        }
        return parents.make(header["id"], "execute_request", asked)

    def _known(self, header: Header, more: Dict[str, Any]) -> Dict[str, Any]:
        """Arguments that this version of IPython takes besides the code."""
        known: Dict[str, Any] = {}
        if "cell_id" in self._takes and header.get("cell"):
            known["cell_id"] = header["cell"]
        if "cell_meta" in self._takes:
            known["cell_meta"] = header.get("meta") or {}
        if "shell_futures" in more:
            known["shell_futures"] = more["shell_futures"]
        return known

    def _align(self, header: Header) -> None:
        """Let `In[n]` be the notebook's cell n, though not every cell comes here."""
        manager, count = self._shell.history_manager, header["n"]
        missed = dict(header.get("missed") or ())
        both = (manager.input_hist_parsed, manager.input_hist_raw)
        for number in range(min(map(len, both)), count):
            if number in missed:
                self._store(number, self._python(missed[number]), missed[number])
            for lines in both:
                lines.extend([""] * (number + 1 - len(lines)))
        for lines in both:
            del lines[count:]

    def _store_inputs(self, line_num: int, source: str, source_raw: Any = None) -> None:
        """Keep a cell of which only a piece came here as the user typed it."""
        typed, self._typed = self._typed, ""
        if typed:
            source, source_raw = self._python(typed), typed
        self._store(line_num, source, source_raw)

    def _python(self, text: str) -> str:
        try:
            transformed: str = self._transform(text)
        except Exception:
            return text
        return transformed

    def _reply(self, header: Header, result: Any) -> None:
        self._drain()
        payloads = self._shell.payload_manager
        reply = {"status": "ok", "payload": payloads.read_payload(), "user_expressions": {}}
        reply["threads"] = self.inbox is not None and self.inbox.living.any()
        payloads.clear_payload()
        error = result.error_before_exec or result.error_in_exec
        if error is not None or self._displays.failed:
            lines = self._displays.traceback
            reply.update(
                status="error", ename=type(error).__name__, evalue=text_of(error), traceback=lines
            )
        elif header.get("ue"):
            reply["user_expressions"] = self._shell.user_expressions(header["ue"])
        self._outbox.emit("reply", reply, parent=self._outbox.run)
