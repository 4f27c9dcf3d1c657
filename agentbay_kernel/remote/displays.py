"""Displays, results, errors and payloads of the live IPython shell, turned into messages."""

from __future__ import annotations

import threading
from typing import Any, Dict, List, Optional

from IPython.core import page

from .frames import plain
from .outbox import Outbox
from .patches import Patches

_IOPUB = frozenset({
    "display_data", "update_display_data", "execute_result", "clear_output", "error",
    "comm_open", "comm_msg", "comm_close",
})  # fmt: skip


class Displays:
    """Replaces what the shell shows its displays, results and errors with."""

    def __init__(self, shell: Any, outbox: Outbox, patches: Patches) -> None:
        self._shell = shell
        self._outbox = outbox
        self._patches = patches
        self._result: Dict[str, Any] = {}
        self._hooks = threading.local()
        self.traceback: List[str] = []
        self._failed = False

    def begin(self) -> None:
        """A cell starts."""
        self.traceback, self._failed, self._result = [], False, {}

    def show_stop(self, text: str) -> None:
        """Show a Stop that no code of the cell has seen."""
        self.traceback = ["\x1b[31mKeyboardInterrupt\x1b[39m: " + text]
        error = {"ename": "KeyboardInterrupt", "evalue": text, "traceback": self.traceback}
        self._outbox.emit("error", error)

    @property
    def failed(self) -> bool:
        """Whether the cell's value could not be shown, which ends it as an error."""
        return self._failed or getattr(self._shell, "_last_traceback_during_displayhook", False)

    def install(self) -> None:
        """Hook the one door that an ipykernel has, or else each place of a bare shell."""
        kernel = getattr(self._shell, "kernel", None)
        if getattr(kernel, "session", None) is not None:
            self._through_session(kernel)
        else:
            self._through_shell()
        self._payloads()

    def _through_session(self, kernel: Any) -> None:
        send = kernel.session.send

        def sending(stream: Any, message: Any, content: Any = None, *rest: Any, **more: Any) -> Any:
            ready = isinstance(message, dict)
            kind = message["header"]["msg_type"] if ready else message
            shell_stream = getattr(kernel, "shell_stream", None)
            if self._outbox.plain or kind not in _IOPUB or stream is shell_stream:
                return send(stream, message, content, *rest, **more)
            buffers = more.get("buffers")
            metadata = more.get("metadata")
            if ready:
                content, metadata = message["content"], message.get("metadata")
                buffers = buffers or message.get("buffers")
            if kind == "error":
                self.traceback = list(content.get("traceback") or [])
            self._outbox.emit(kind, content, buffers=buffers, metadata=metadata)
            return message

        self._patches.set(kernel.session, "send", sending)

    def _through_shell(self) -> None:
        publisher, hook = self._shell.display_pub, self._shell.displayhook
        for name in ("publish", "clear_output", "register_hook", "unregister_hook"):
            self._patches.wrap(publisher, name, getattr(self, f"_{name}"), self._plain)
        for name in ("start", "write_output_prompt", "write_format_data", "finish"):
            long = name if name.startswith("write") else f"{name}_displayhook"
            self._patches.wrap(hook, long, getattr(self, f"_{name}"), self._plain)
        self._patches.wrap(self._shell, "_showtraceback", self._show_error, self._plain)

    def _plain(self) -> bool:
        return self._outbox.plain

    def _register_hook(self, hook: Any) -> None:
        self._own_hooks().append(hook)

    def _unregister_hook(self, hook: Any) -> bool:
        hooks = self._own_hooks()
        found = hook in hooks
        if found:
            hooks.remove(hook)
        return found

    def _own_hooks(self) -> List[Any]:
        if not hasattr(self._hooks, "hooks"):
            self._hooks.hooks = []
        found: List[Any] = self._hooks.hooks
        return found

    def _publish(
        self,
        data: Any,
        metadata: Any = None,
        *_: Any,
        transient: Any = None,
        update: bool = False,
        **__: Any,
    ) -> None:
        content = {
            "data": _encoded(data),
            "metadata": metadata or {},
            "transient": transient or {},
        }
        self._hooked("update_display_data" if update else "display_data", content)

    def _clear_output(self, wait: bool = False) -> None:
        self._hooked("clear_output", {"wait": wait})

    def _hooked(self, kind: str, content: Dict[str, Any]) -> None:
        """Emit, unless a hook that the user's code registered takes the message."""
        message: Optional[Dict[str, Any]] = {
            "header": {"msg_type": kind},
            "msg_type": kind,
            "parent_header": self._outbox.parents.get().get("header", {}),
            "metadata": {},
            "content": content,
        }
        for hook in self._own_hooks():
            message = hook(message)
            if message is None:
                return
        assert message is not None
        self._outbox.emit(kind, message["content"])

    def _start(self) -> None:
        self._result = {}

    def _write_output_prompt(self) -> None:
        self._result["execution_count"] = self._shell.displayhook.prompt_count

    def _write_format_data(self, data: Any, metadata: Any = None) -> None:
        self._result.update(data=_encoded(data), metadata=metadata or {})

    def _finish(self) -> None:
        result, self._result = self._result, {}
        if result.get("data"):
            self._outbox.emit("execute_result", result)

    def _show_error(self, kind: Any, value: Any, lines: Any) -> None:
        self.traceback = self._shell._last_traceback = list(lines)
        self._failed = self._failed or bool(self._result)
        self._outbox.emit(
            "error",
            {"ename": kind.__name__, "evalue": text_of(value), "traceback": self.traceback},
        )

    def _payloads(self) -> None:
        def write(**payload: Any) -> None:
            self._shell.payload_manager.write_payload(payload)

        def set_next_input(text: str, replace: bool = False) -> None:
            write(source="set_next_input", text=text, replace=replace)

        def show(strg: Any, start: int = 0, screen_lines: int = 0, pager_cmd: Any = None) -> None:
            data = strg if isinstance(strg, dict) else {"text/plain": strg}
            write(source="page", data=data, start=max(0, start))

        self._patches.set(self._shell, "set_next_input", set_next_input)
        self._patches.set(self._shell, "ask_exit", lambda: None)
        self._shell.set_hook("show_in_pager", page.as_hook(show), 99)


def _encoded(data: Any) -> Dict[str, Any]:
    """A MIME bundle whose bytes are base64 texts."""
    return {k: plain(v) if isinstance(v, bytes) else v for k, v in data.items()}


def text_of(value: Any) -> str:
    """An exception's text, also when its `__str__` fails."""
    try:
        return str(value)
    except Exception:
        return "<unprintable {} object>".format(type(value).__name__)
