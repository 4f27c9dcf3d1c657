"""Where the session's paths are: themselves in a sandbox, below a private folder without one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agentbay_kernel.service.workers.failure import ToolError, explain

if TYPE_CHECKING:
    from collections.abc import Iterable

WORKSPACE = "/workspace"
HOME = "/home/agentbay"


class Paths:
    """Maps the session's paths to real ones and keeps them inside.

    `root` is empty in a sandbox, where the mount namespace confines. Else it is the private
    folder, and a path that leads out of it or of the `allowed` folders is refused.
    """

    def __init__(self, root: str, allowed: Iterable[str] = ()) -> None:
        self._root = root
        self._allowed = [os.path.realpath(folder) for folder in (root, *allowed)] if root else []

    def real(self, path: str, *, follow: bool = True) -> str:
        """The real path; with `follow` false its last part may be a link that leads anywhere."""
        path = os.path.normpath(os.path.join(WORKSPACE, self._expand(path)))
        if not self._root:
            return path
        inside = path == self._root or path.startswith(self._root + os.sep)
        real = path if inside else self._root + path
        self._confine(real if follow else os.path.dirname(real), path)
        return real

    def folder(self, path: str) -> str:
        """The real path of a folder that is there."""
        real = self.real(path)
        if not os.path.isdir(real):
            raise ToolError(f"No such folder: {path}")
        return real

    def link(self, path: str, folder: str) -> None:
        """Let a path lead into one more folder."""
        real = self.real(path, follow=False)
        try:
            os.makedirs(os.path.dirname(real), exist_ok=True)
            if os.path.isdir(real) and not os.path.islink(real):
                os.rmdir(real)
            os.symlink(folder, real)
        except OSError as error:
            raise explain(error, path) from error
        if self._root:
            self._allowed.append(os.path.realpath(folder))

    def _expand(self, path: str) -> str:
        if not path or "\0" in path:
            raise ToolError("A path is missing")
        return HOME + path[1:] if path == "~" or path.startswith("~/") else path

    def _confine(self, real: str, path: str) -> None:
        target = os.path.realpath(real)
        if not any(target == one or target.startswith(one + os.sep) for one in self._allowed):
            raise ToolError(f"The path leads out of the session: {path}")
