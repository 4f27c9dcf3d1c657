"""The interpreter's comms: their messages leave as frames, the front end's are handed to them."""

from __future__ import annotations

import base64
import importlib.abc
import importlib.util
import sys
from typing import Any, Dict, List, Optional

from traitlets import TraitError

from .outbox import Outbox
from .patches import Patches

CONTROL = "jupyter.widget.control"
CONTROL_VERSION = "1.0.0"


class Comms:
    """Stands in for ipykernel's comm manager where there is none."""

    def __init__(self, shell: Any, outbox: Outbox, patches: Patches) -> None:
        self._shell = shell
        self._outbox = outbox
        self._patches = patches
        self.manager: Any = None

    def install(self) -> None:
        """Use the ipykernel's manager, or make `comm` send through our frames."""
        try:
            import comm
            from comm import base_comm
        except ImportError:
            return  # without the package nothing can open a comm
        if "ipykernel.comm.comm" in sys.modules and hasattr(self._shell, "kernel"):
            self.manager = comm.get_comm_manager()
            return

        class Comm(base_comm.BaseComm):
            publish_msg = self._publisher()

        manager = self.manager = base_comm.CommManager()
        self._patches.set(comm, "create_comm", Comm)
        self._patches.set(comm, "get_comm_manager", lambda: manager)
        finder = _WhenImported("ipykernel.comm.comm", self._publisher())
        sys.meta_path.insert(0, finder)

    def _publisher(self) -> Any:
        outbox, shell = self._outbox, self._shell

        def publish_msg(
            self: Any,
            msg_type: str,
            data: Any = None,
            metadata: Any = None,
            buffers: Any = None,
            **keys: Any,
        ) -> None:
            if getattr(self, "kernel", 0) is None:
                _give_kernel(self, shell.kernel)
            content = dict(data={} if data is None else data, comm_id=self.comm_id, **keys)
            outbox.emit(msg_type, content, buffers=buffers, metadata=metadata)

        return publish_msg

    def handle(self, message: Dict[str, Any]) -> None:
        """Give a message of the front end to its comm."""
        buffers = [memoryview(base64.b64decode(each)) for each in message.get("buffers", ())]
        try:
            if self.manager is not None:
                handler = getattr(self.manager, message["header"]["msg_type"])
                handler(None, None, dict(message, buffers=buffers))
        finally:
            # An update of a display that cannot be: all that the message caused is before it.
            end = {"data": {}, "transient": {"display_id": message["header"]["msg_id"]}}
            self._outbox.emit("update_display_data", end)

    def open_ones(self) -> Dict[str, Dict[str, str]]:
        """The open comms and their targets, as `comm_info_reply` lists them."""
        comms = getattr(self.manager, "comms", None) or {}
        return {key: {"target_name": each.target_name} for key, each in dict(comms).items()}

    def states(self) -> Optional[Dict[str, Any]]:
        """All widgets' states, as ipywidgets gives them to a page that was loaded again."""
        asked = states_of(self.manager)
        if asked is None:
            return None
        packed = [base64.b64encode(each).decode() for each in asked["buffers"]]
        return dict(asked, buffers=packed)


def _give_kernel(comm: Any, kernel: Any) -> None:
    """Fill the attribute that ipywidgets looks at before it sends."""
    try:
        comm.kernel = kernel
    except TraitError:
        # An ipykernel's comm takes an ipykernel's kernel only.
        comm._trait_values["kernel"] = kernel


def states_of(manager: Any) -> Optional[Dict[str, Any]]:
    """What ipywidgets, if it is there, answers to a page that asks for all states.

    A dictionary with `data`, the answer's message, and its `buffers`.
    """
    open_control = (getattr(manager, "targets", None) or {}).get(CONTROL)
    if open_control is None:
        return None
    asked = _Listener()
    open_control(asked, {"content": {"data": {}}, "metadata": {"version": CONTROL_VERSION}})
    asked.hear({"content": {"data": {"method": "request_states"}}, "buffers": []})
    return asked.answer


class _Listener:
    """A comm that keeps what is sent on it, for one question."""

    comm_id = "agentbay-states"

    def __init__(self) -> None:
        self.answer: Optional[Dict[str, Any]] = None
        self._handler: Any = None

    def on_msg(self, handler: Any) -> None:
        """Remember who answers."""
        self._handler = handler

    def hear(self, message: Dict[str, Any]) -> None:
        """Let it answer."""
        if self._handler is not None:
            self._handler(message)

    def send(self, data: Any = None, metadata: Any = None, buffers: Any = None) -> None:
        """Keep the answer."""
        kept: List[Any] = list(buffers or ())
        self.answer = {"data": data, "buffers": kept}


class _WhenImported(importlib.abc.MetaPathFinder):
    """Lets `from ipykernel.comm import Comm` give comms that send through our frames."""

    def __init__(self, name: str, publish: Any) -> None:
        self._name = name
        self._publish = publish

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """Load the module as ever, then give its comms our way to send."""
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return None
        execute, publish = spec.loader.exec_module, self._publish

        def exec_module(module: Any) -> None:
            execute(module)
            module.BaseComm.publish_msg = publish

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
