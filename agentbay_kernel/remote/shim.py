"""What libraries look for at the shell of an ipykernel, where there is none."""

from __future__ import annotations

import pdb
import sys
from types import SimpleNamespace
from typing import Any

from IPython.core import debugger

from .outbox import Outbox
from .parents import Parent
from .patches import Patches


def install(shell: Any, outbox: Outbox, manager: Any, patches: Patches) -> None:
    """Give the shell parents of ours, and a `kernel` when it has none."""
    parents = outbox.parents
    former = getattr(shell, "set_parent", None)

    def set_parent(parent: Parent) -> None:
        # An Output widget sets the parent that it was given before: ours must not reach an inner
        # kernel, whose own messages would leave the run that waits for them.
        if parent.get("agentbay"):
            parents.set(parent)
        elif former is not None:
            former(parent)

    patches.set(shell, "set_parent", set_parent)
    patches.set(shell, "get_parent", parents.get)
    if getattr(shell, "kernel", None) is None:
        _give_kernel(shell, outbox, manager, patches)
    _give_debugger(patches)


def _give_debugger(patches: Patches) -> None:
    """Let `breakpoint()` and pdb be IPython's debugger, which a Stop can end."""
    interruptible = getattr(debugger, "InterruptiblePdb", None)
    if interruptible is not None:
        patches.set(debugger, "Pdb", interruptible)
        patches.set(pdb, "Pdb", interruptible)
        patches.set(pdb, "set_trace", debugger.set_trace)
    # An ipykernel's is debugpy's, which does nothing where no debugger can come.
    patches.set(sys, "breakpointhook", sys.__breakpointhook__)


def _give_kernel(shell: Any, outbox: Outbox, manager: Any, patches: Patches) -> None:
    def send(socket: Any, message: Any, content: Any = None, *_: Any, **more: Any) -> None:
        if isinstance(message, dict):
            message, content = message["header"]["msg_type"], message["content"]
        outbox.emit(
            message, content or {}, buffers=more.get("buffers"), metadata=more.get("metadata")
        )

    kernel = SimpleNamespace(
        shell=shell,
        comm_manager=manager,
        iopub_socket=None,
        get_parent=lambda *_: outbox.parents.get(),
        session=SimpleNamespace(send=send, session="agentbay"),
        send_response=lambda socket, kind, content=None, *_, **more: send(socket, kind, content),
    )
    patches.set(shell, "kernel", kernel)
    if not hasattr(type(shell), "parent_header"):
        patches.set(type(shell), "parent_header", property(lambda self: outbox.parents.get()))
