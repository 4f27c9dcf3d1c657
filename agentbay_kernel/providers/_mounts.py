"""The contexts that are mounted in one AgentBay session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agentbay_kernel.contexts import Bound
from agentbay_kernel.errors import NotSupported, ProviderError, UsageError
from agentbay_kernel.providers import _containment
from agentbay_kernel.providers._gateway import watch
from agentbay_kernel.session import ContextState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agentbay_kernel.contexts import Direction, MountPolicy
    from agentbay_kernel.providers._calls import Caller
    from agentbay_kernel.providers._gateway import Trace
    from agentbay_kernel.session import Mount

    Ask = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[tuple[Any, Trace]]]


class SdkMounts:
    """Drives the SDK's context manager of the session, but waits for nothing by itself."""

    def __init__(self, sdk: Any, caller: Caller, ask: Ask) -> None:
        self._sdk = sdk
        self._caller = caller
        self._ask = ask

    async def list(self) -> Sequence[Bound]:
        """Which contexts are mounted, and where."""
        manager = self._sdk.context
        if not hasattr(manager, "list_bindings"):
            raise NotSupported("This version of the SDK does not say what is mounted")
        result, _ = await self._ask("The mounts were not given", manager.list_bindings)
        return [_bound(item) for item in result.bindings]

    async def states(self) -> Sequence[ContextState]:
        """The last upload and download of each."""
        result, _ = await self._ask("The contexts' state was not given", self._sdk.context.info)
        return [_state(item) for item in result.context_status_data]

    async def add(self, mount: Mount) -> Bound:
        """Mount a context in the running session."""
        sdk = self._sdk
        if not hasattr(sdk.context, "bind"):
            raise NotSupported("This version of the SDK mounts contexts in new sessions only")
        wish = await context_sync(self._caller, sdk.agent_bay, mount)
        await self._ask(
            f"The context {mount.context} was not mounted",
            lambda: sdk.context.bind(wish, wait_for_completion=False),
        )
        return Bound(wish.context_id, mount.context, mount.path, mount.policy.auto_upload)

    async def start(self, direction: Direction, bound: Bound | None = None) -> None:
        """Begin the upload or download of one mounted context, or of all."""
        caller = self._caller
        chosen = {"context_id": bound.context_id, "path": bound.path} if bound else {}
        what = f"Nothing was {direction}ed"
        with watch() as trace:
            try:
                # Without a poll of its own the SDK's answer is the same for success and failure.
                await self._sdk.context.sync(mode=direction, max_retries=0, **chosen)
            except Exception as error:
                raise caller.error(what, trace, str(error)) from None
        if trace.failure is not None:
            raise caller.failure(what, trace.failure)


async def context_sync(caller: Caller, client: Any, mount: Mount) -> Any:
    """The SDK's own description of a mount, its context made if there is none."""
    sdk = _containment.load()
    try:
        policy = sync_policy(sdk, mount.policy)
    except ValueError as error:
        raise UsageError(f"The policy cannot be used: {error}") from None
    result, trace = await caller.ask(
        f"The context {mount.context} was not opened",
        lambda: client.context.get(name=mount.context, create=True),
    )
    if not result.context_id:
        raise ProviderError(
            f"The provider gave no id for the context {mount.context}",
            request_id=trace.request_id,
        )
    return sdk.ContextSync(result.context_id, mount.path, policy)


def sync_policy(sdk: Any, policy: MountPolicy) -> Any:
    """A policy in the SDK's words; raises ValueError for what the SDK refuses."""
    mode = sdk.UploadMode.ARCHIVE if policy.archive else sdk.UploadMode.FILE
    kept = f"Lifecycle_{policy.keep_days}Day" + ("s" if policy.keep_days > 1 else "")
    white = [
        sdk.WhiteList(path, [*policy.without], policy.patterns and bool(path), policy.patterns)
        for path in policy.only or ("",)
    ]
    return sdk.SyncPolicy(
        upload_policy=sdk.UploadPolicy(
            auto_upload=policy.auto_upload,
            upload_mode=mode,
            archive_exclude_paths=[*policy.loose],
        ),
        download_policy=sdk.DownloadPolicy(auto_download=policy.auto_download),
        delete_policy=sdk.DeletePolicy(sync_local_file=policy.deletions),
        extract_policy=sdk.ExtractPolicy(extract=policy.extract),
        recycle_policy=sdk.RecyclePolicy(
            sdk.Lifecycle(kept if policy.keep_days else "Lifecycle_Forever"),
            [*policy.keep_paths] or [""],
        ),
        bw_list=sdk.BWList(white),
    )


def _bound(item: Any) -> Bound:
    try:
        policy = json.loads(item.policy) if item.policy else {}
        auto = bool((policy.get("uploadPolicy") or {}).get("autoUpload", True))
    except (ValueError, AttributeError):
        auto = True
    return Bound(
        str(item.context_id or ""),
        str(item.context_name or ""),
        str(item.path or ""),
        auto,
        str(item.bind_time or ""),
    )


def _state(item: Any) -> ContextState:
    return ContextState(
        context_id=str(item.context_id or ""),
        path=str(item.path or ""),
        direction=str(item.task_type or ""),
        status=str(item.status or ""),
        error=str(item.error_message or ""),
        started=_seconds(item.start_time),
        finished=_seconds(item.finish_time),
    )


def _seconds(value: Any) -> float | None:
    """A time of the provider, which may count in milliseconds, in seconds."""
    if not isinstance(value, int | float) or value <= 0:
        return None
    return value / 1000 if value > 1e11 else float(value)
