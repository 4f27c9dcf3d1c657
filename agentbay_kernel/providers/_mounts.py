"""The contexts that are mounted in one session."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import TYPE_CHECKING, Any

from agentbay_kernel.contexts import Bound
from agentbay_kernel.errors import ContextGone, NotSupported, ProviderError, UsageError
from agentbay_kernel.providers._gateway import watch
from agentbay_kernel.session import ContextState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agentbay_kernel.contexts import Direction, MountPolicy
    from agentbay_kernel.providers._calls import Caller
    from agentbay_kernel.providers._gateway import Trace
    from agentbay_kernel.providers._session import SdkSession
    from agentbay_kernel.providers._vendor import Vendor
    from agentbay_kernel.session import Mount

    Ask = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[tuple[Any, Trace]]]


class SdkMounts:
    """Drives the SDK's context manager of the session, but waits for nothing by itself."""

    def __init__(self, session: SdkSession, caller: Caller, ask: Ask) -> None:
        self._session = session
        self._sdk = session.sdk
        self._caller = caller
        self._ask = ask
        self._made: list[Bound] = []

    async def list(self) -> Sequence[Bound]:
        """Which contexts are mounted, and where."""
        if not hasattr(self._sdk.context, "list_bindings"):
            return await self._reckoned()
        result, _ = await self._ask("The mounts were not given", self._sdk.context.list_bindings)
        return [_bound(item) for item in result.bindings]

    def remember(self, mounts: Sequence[Mount], syncs: Sequence[Any]) -> None:
        """What the session was made with."""
        for mount, sync in zip(mounts, syncs, strict=True):
            auto = mount.policy.auto_upload
            self._made.append(Bound(sync.context_id, mount.context, mount.path, auto))

    async def _reckoned(self) -> Sequence[Bound]:
        """The mounts where the provider does not list them: what was asked for, else transfers."""
        if not self._made:
            places = {(each.context_id, each.path) for each in await self.states()}
            for context_id, path in sorted(places):
                self._made.append(Bound(context_id, await self._name(context_id), path))
        return list(self._made)

    async def _name(self, context_id: str) -> str:
        contexts = self._sdk.agent_bay.context
        with contextlib.suppress(ContextGone):
            found, _ = await self._ask(
                "The mounts were not given", lambda: contexts.get(context_id=context_id)
            )
            return str(getattr(found.context, "name", "") or context_id)
        return context_id

    async def states(self) -> Sequence[ContextState]:
        """The last upload and download of each."""
        result, _ = await self._ask("The contexts' state was not given", self._sdk.context.info)
        return [_state(item) for item in result.context_status_data]

    async def add(self, mount: Mount) -> Bound:
        """Mount a context in the running session."""
        sdk, what = self._sdk, f"The context {mount.context} was not mounted"
        self._session.capabilities.need("mount", what)
        wish = await context_sync(self._caller, self._session.vendor, sdk.agent_bay, mount)
        await self._ask(what, lambda: sdk.context.bind(wish, wait_for_completion=False))
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


async def context_sync(caller: Caller, vendor: Vendor, client: Any, mount: Mount) -> Any:
    """The SDK's own description of a mount, its context made if there is none."""
    try:
        policy = sync_policy(vendor.words(), mount.policy)
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
    return vendor.words().ContextSync(result.context_id, mount.path, policy)


def sync_policy(words: Any, policy: MountPolicy) -> Any:
    """A policy in the SDK's words; raises ValueError for what the SDK refuses."""
    mode = words.UploadMode.ARCHIVE if policy.archive else words.UploadMode.FILE
    kept = f"Lifecycle_{policy.keep_days}Day" + ("s" if policy.keep_days > 1 else "")
    return words.SyncPolicy(
        upload_policy=_chosen(
            words.UploadPolicy,
            auto_upload=policy.auto_upload,
            upload_mode=mode,
            archive_exclude_paths=[*policy.loose],
        ),
        download_policy=words.DownloadPolicy(auto_download=policy.auto_download),
        delete_policy=words.DeletePolicy(sync_local_file=policy.deletions),
        extract_policy=words.ExtractPolicy(extract=policy.extract),
        recycle_policy=words.RecyclePolicy(
            words.Lifecycle(kept if policy.keep_days else "Lifecycle_Forever"),
            [*policy.keep_paths] or [""],
        ),
        bw_list=words.BWList([_white(words, path, policy) for path in policy.only or ("",)]),
    )


def _white(words: Any, path: str, policy: MountPolicy) -> Any:
    return _chosen(
        words.WhiteList,
        path=path,
        exclude_paths=[*policy.without],
        is_path_regex=policy.patterns and bool(path),
        is_exclude_regex=policy.patterns,
    )


def _chosen(kind: Any, **values: Any) -> Any:
    """Make one of the SDK's objects, which may have no place for what is not wanted."""
    known = {each.name for each in dataclasses.fields(kind)}
    unknown = [name for name, value in values.items() if value and name not in known]
    if unknown:
        missing = {"archive_exclude_paths": "files beside an archive"}.get(unknown[0], "patterns")
        raise NotSupported(f"The mounts of this provider have no {missing}")
    return kind(**{name: value for name, value in values.items() if name in known})


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
