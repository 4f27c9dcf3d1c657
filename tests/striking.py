"""Interrupts wherever one may strike some Python code, one after the other."""

from __future__ import annotations

import dis
import itertools
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOKS = {"RESUME", "CALL", "CALL_KW", "CALL_FUNCTION_EX", "JUMP_BACKWARD"}
"""After these instructions CPython looks for signals."""


def everywhere(call: Callable[[], Any]) -> Iterator[int]:
    """Call again and again, struck by a KeyboardInterrupt one place later each time.

    Gives the number of places before the strike, after each call that was struck.
    """
    for before in itertools.count():
        try:
            _struck(call, before)
        except KeyboardInterrupt:
            yield before
        else:
            return


def _struck(call: Callable[[], Any], before: int) -> None:
    places = itertools.count()

    def enter(frame: Any, _event: str, _argument: Any) -> Any:
        frame.f_trace_opcodes = True
        former = ""

        def look(frame: Any, event: str, _argument: Any) -> Any:
            nonlocal former
            if event == "opcode":
                if former in LOOKS and next(places) == before:
                    raise KeyboardInterrupt
                former = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            return look

        return look

    tracing = sys.gettrace()
    sys.settrace(enter)
    try:
        call()
    finally:
        sys.settrace(tracing)
