"""The tools of a session by their names on the wire."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.workers import shell, watch
from agentbay_kernel.service.workers.failure import ToolError
from agentbay_kernel.service.workers.files import Files
from agentbay_kernel.service.workers.metrics import Metrics
from agentbay_kernel.service.workers.objects import Objects
from agentbay_kernel.service.workers.paths import WORKSPACE, Paths

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from agentbay_kernel.service.workers.children import Children


class Tools:
    """Runs tools; `root` and `allowed` are those of `Paths`, `env` is what `set_env` changes.

    `paths` and `workspace` are for what else works on the session's files.
    """

    def __init__(
        self,
        children: Children,
        root: str,
        allowed: Iterable[str],
        env: dict[str, str],
        pids: Callable[[], Iterable[int]],
        memory: int,
    ) -> None:
        self._children = children
        self.paths = paths = Paths(root, allowed)
        self.workspace = paths.real(WORKSPACE)
        self._env = env
        self._pids = pids
        self._files = Files(paths)
        self._objects = Objects(paths)
        self._changes = watch.Changes(paths)
        self._metrics = Metrics(self.workspace, memory)
        self._own: dict[str, Callable[..., Awaitable[str]]] = {
            "shell": self._shell,
            "set_env": self._set_env,
            "get_env": self._get_env,
            "get_metrics": self._get_metrics,
            "get_file_change": self._get_file_change,
        }

    async def call(self, tool: str, args: dict[str, Any]) -> str:
        """Run one tool; raises ToolError."""
        if tool in self._own:
            return await self._own[tool](**_fitting(self._own[tool], args))
        place = self._objects if tool.startswith("oss_") else self._files
        method = None if tool.startswith("_") else getattr(place, tool, None)
        if method is None:
            raise ToolError(f"The local service has no tool {tool}")
        answer: str = await asyncio.to_thread(method, **_fitting(method, args))
        return answer

    def folder(self, path: str | None) -> str:
        """Where to start a process that is to start at `path`, else in the workspace."""
        return self.paths.real(path) if path else self.workspace

    async def follow(self, path: str, report: Callable[[list[watch.Change]], None]) -> None:
        """Report changes below a folder until cancelled."""
        await watch.follow(self.paths, path, report)

    async def _shell(
        self,
        command: str,
        timeout_ms: int = 50_000,
        cwd: str | None = None,
        envs: dict[str, str] | None = None,
    ) -> str:
        return await shell.run(
            self._children,
            command,
            cwd=self.folder(cwd),
            env={**self._env, **(envs or {})},
            seconds=timeout_ms / 1000,
        )

    async def _set_env(self, envs: list[dict[str, str]]) -> str:
        self._env.update({entry["key"]: str(entry["value"]) for entry in envs})
        return f"Set {len(envs)} variables"

    async def _get_env(self, keys: list[str] | None = None) -> str:
        wanted = self._env if not keys else {key: self._env.get(key, "") for key in keys}
        return json.dumps(wanted)

    async def _get_metrics(self) -> str:
        return self._metrics.report(self._pids())

    async def _get_file_change(self, path: str) -> str:
        return json.dumps(await asyncio.to_thread(self._changes.since_last, path))


def _fitting(function: Callable[..., Any], args: dict[str, Any]) -> dict[str, Any]:
    known = inspect.signature(function).parameters
    missing = [name for name, one in known.items() if one.default is one.empty and name not in args]
    if missing:
        raise ToolError(f"Missing argument: {', '.join(missing)}")
    return {name: value for name, value in args.items() if name in known and value is not None}
