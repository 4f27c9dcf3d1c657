"""Questions about the live namespace: completion, inspection, expressions, comms, widget states."""

from __future__ import annotations

from typing import Any, Dict

from IPython.core.completer import provisionalcompleter, rectify_completions
from IPython.utils.tokenutil import token_at_cursor

from .comms import Comms


class Answers:
    """Answers each question by the method of its name."""

    def __init__(self, shell: Any, comms: Comms) -> None:
        self._shell = shell
        self._comms = comms

    def complete(self, code: str, cursor: int) -> Dict[str, Any]:
        """The content of a `complete_reply`."""
        kernel: Any = getattr(self._shell, "kernel", None)
        if hasattr(kernel, "do_complete"):
            reply: Dict[str, Any] = kernel.do_complete(code, cursor)
            return reply
        with provisionalcompleter():
            raw = self._shell.Completer.completions(code, cursor)
            found = list(rectify_completions(code, raw))
        known = [
            {name: getattr(each, name) for name in ("start", "end", "text", "type", "signature")}
            for each in found
        ]
        return {
            "status": "ok",
            "matches": [each.text for each in found],
            "cursor_start": found[0].start if found else cursor,
            "cursor_end": found[0].end if found else cursor,
            "metadata": {"_jupyter_types_experimental": known},
        }

    def inspect(self, code: str, cursor: int, detail: int) -> Dict[str, Any]:
        """The content of an `inspect_reply`."""
        reply: Dict[str, Any] = {"status": "ok", "found": False, "data": {}, "metadata": {}}
        try:
            name = token_at_cursor(code, cursor)
            bundle = self._shell.object_inspect_mime(name, detail_level=detail)
        except KeyError:
            return reply
        if not self._shell.enable_html_pager:
            bundle.pop("text/html", None)
        return dict(reply, found=True, data=bundle)

    def expressions(self, texts: Dict[str, str]) -> Any:
        """The values of `user_expressions`."""
        return self._shell.user_expressions(texts)

    def comms(self) -> Dict[str, Any]:
        """The open comms by id."""
        return self._comms.open_ones()

    def states(self) -> Any:
        """The states of all widgets, None without ipywidgets."""
        return self._comms.states()
