"""Which notebook and kernel this process serves, for labels and the ledger's key."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import uuid
from dataclasses import dataclass, field, replace
from pathlib import PurePath

RESERVED = "agentbay-kernel."

_KERNEL_ID = re.compile(r"kernel-(?P<id>[0-9a-f]{8}-[0-9a-f-]{27})\.json$")
# VS Code writes a new file for every start, so its name recognises nothing.
_ANEW = re.compile(r"kernel-v\d[0-9a-f-]+\.json$")


@dataclass(slots=True)
class Identity:
    """A kernel's name for itself; `notebook` may become known only after the start.

    `place` names one of a kernel's several sessions, empty for the one that every kernel has.
    """

    kernel_id: str = ""
    notebook: str = ""
    place: str = ""
    own_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def key(self) -> str:
        """The ledger's key: the kernel id, which survives restarts, else the notebook's path."""
        return f"{self.kernel}#{self.place}" if self.place else self.kernel

    @property
    def kernel(self) -> str:
        """The part of the key that all sessions of one kernel share."""
        if self.kernel_id:
            return f"kernel:{self.kernel_id}"
        return f"notebook:{self.notebook}" if self.notebook else f"process:{self.own_id}"

    def named(self, place: str) -> Identity:
        """The same kernel's identity for another of its sessions."""
        return replace(self, place=place)

    def labels(self) -> dict[str, str]:
        """The reserved labels of a new session; the host only as a hash."""
        host = hashlib.sha256(platform.node().encode()).hexdigest()[:12]
        labels = {f"{RESERVED}id": uuid.uuid4().hex, f"{RESERVED}host": host}
        if self.notebook:
            labels[f"{RESERVED}notebook"] = PurePath(self.notebook).name
        return labels


def identify(connection_file: str) -> Identity:
    """The identity that the environment and the connection file's name tell."""
    found = _KERNEL_ID.search(connection_file)
    own_file = "" if _ANEW.search(connection_file) else connection_file
    return Identity(
        kernel_id=found["id"] if found else own_file,
        notebook=os.environ.get("JPY_SESSION_NAME", ""),
    )


def is_reserved(label: str) -> bool:
    """Whether a label is one of ours, hidden in listings and kept on replacement."""
    return label.startswith(RESERVED)
