"""The contexts of one session: where they are mounted, and their way in and out."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service import trees
from agentbay_kernel.service.errors import ApiError, BadParameter
from agentbay_kernel.service.port import ToolFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agentbay_kernel.service.contexts import Context, ContextStore
    from agentbay_kernel.service.state import Session

log = logging.getLogger("agentbay_kernel.service")


@dataclass(frozen=True, slots=True)
class Policy:
    """What of a sync policy makes a difference here: the rest only concerns the cloud's store."""

    upload: bool = True
    download: bool = True
    deletes: bool = True
    selection: trees.Selection = field(default_factory=trees.Selection)


@dataclass(frozen=True, slots=True)
class Binding:
    """A context at a path of a session; `source` is the host's folder that stands there."""

    context_id: str
    path: str
    policy: Policy
    policy_text: str = ""
    source: Path = Path()
    since: str = ""


@dataclass(frozen=True, slots=True)
class SyncItem:
    """The last upload or download of a context at a path, as GetContextInfo tells it."""

    context_id: str
    path: str
    task: str
    status: str = "Preparing"
    error: str = ""
    start: int = 0
    finish: int = 0


def parse(text: str) -> list[Binding]:
    """The bindings of a PersistenceDataList; a bad item is refused before anything starts."""
    try:
        items = json.loads(text) if text else []
        found = [_parse_item(item) for item in items]
    except (ValueError, TypeError, AttributeError) as error:
        raise BadParameter("PersistenceDataList", f"cannot be read: {error}") from None
    paths = [binding.path for binding in found]
    if len(set(paths)) != len(paths):
        raise BadParameter("PersistenceDataList", "names a path twice")
    return found


def _parse_item(item: Mapping[str, Any]) -> Binding:
    if item.get("Type") == "mount":
        # In the cloud live mounts exist on one image only; here on none.
        raise ApiError("NotSupported.ContextMount", "Live mounts of a context are not offered")
    path = PurePosixPath(str(item.get("Path") or ""))
    if not path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
        raise BadParameter("PersistenceDataList", "has a Path that is not absolute")
    text = item.get("Policy") or "{}"
    policy = json.loads(text) if isinstance(text, str) else text
    context_id = str(item.get("ContextId") or "")
    return Binding(context_id, str(path), _policy(policy, str(path)), json.dumps(policy))


def _policy(raw: Mapping[str, Any], base: str) -> Policy:
    lists = (raw.get("bwList") or {}).get("whiteLists") or []
    return Policy(
        upload=bool((raw.get("uploadPolicy") or {}).get("autoUpload", True)),
        download=bool((raw.get("downloadPolicy") or {}).get("autoDownload", True)),
        deletes=bool((raw.get("deletePolicy") or {}).get("syncLocalFile", True)),
        selection=trees.Selection(tuple(_white(entry, base) for entry in lists)),
    )


def _white(raw: Mapping[str, Any], base: str) -> trees.White:
    regex, exclude_regex = bool(raw.get("isPathRegex")), bool(raw.get("isExcludeRegex"))
    path, exclude = str(raw.get("path") or ""), [str(x) for x in raw.get("excludePaths") or []]
    for pattern in [path] * regex + exclude * exclude_regex:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no pattern: {error}") from None
    return trees.White(
        path=path if regex else _below(path, base),
        exclude=tuple(x if exclude_regex else _below(x, base) for x in exclude),
        path_is_regex=regex,
        exclude_is_regex=exclude_regex,
    )


def _below(path: str, base: str) -> str:
    """A folder as it is written relative to the mount by some, and with the mount by others."""
    inside = f"{path}/".startswith(f"{base}/")
    return (path.removeprefix(base) if inside else path).strip("/")


def check(store: ContextStore, bindings: Iterable[Binding]) -> None:
    """Refuse a binding of a context that is not there or is being cleared."""
    for binding in bindings:
        if store.get(binding.context_id).clearing:
            raise ApiError("InvalidContext.Clearing", "The context is being cleared")


def count(folder: Path) -> int:
    """How many folders were placed in a session so far."""
    return sum(1 for _ in folder.iterdir()) if folder.exists() else 0


def place(folder: Path, first: int, bindings: Sequence[Binding], since: str) -> list[Binding]:
    """Give each binding its folder on the host."""
    placed = []
    for number, binding in enumerate(bindings, first):
        source = folder / str(number)
        source.mkdir(mode=0o700, parents=True)
        placed.append(replace(binding, source=source, since=since))
    return placed


def attach(store: ContextStore, session: Session, bindings: Iterable[Binding]) -> None:
    """Note that a session uses contexts from now on."""
    for binding in bindings:
        context = store.get(binding.context_id)
        context.users.add(session.id)
        context.path = binding.path
        store.write(context)
        session.bindings.append(binding)


def detach(store: ContextStore, session: Session) -> None:
    """Let go of the contexts of a session."""
    for binding in session.bindings:
        store.get(binding.context_id).users.discard(session.id)


def detach_one(store: ContextStore, session: Session, binding: Binding) -> None:
    """Take back a binding that could not be made."""
    session.bindings.remove(binding)
    if all(other.context_id != binding.context_id for other in session.bindings):
        store.get(binding.context_id).users.discard(session.id)


async def load(store: ContextStore, session: Session, binding: Binding) -> None:
    """Copy a context's files into the folder that is mounted."""
    if binding.policy.download:
        await download(store, session, binding, binding.source)
    else:
        # The SDK waits for the end of a download of each context that it names.
        await _task(store, session, binding, "download", lambda: None)


async def save_all(store: ContextStore, session: Session) -> None:
    """Upload what is to be uploaded when a session ends, and let go of its contexts."""
    for binding in session.bindings:
        if binding.policy.upload and session.box is not None and _came_down(session, binding):
            done = await upload(store, session, binding, binding.source)
            if done.status == "Failed":
                await asyncio.to_thread(store.rescue, session.id, binding.path, binding.source)
    detach(store, session)


def _came_down(session: Session, binding: Binding) -> bool:
    """Whether a folder may replace the stored copy unasked: not when it never held that copy.

    An upload that was asked for since says that the folder is wanted as it is.
    """
    key = (binding.context_id, binding.path)
    load, save = session.syncs.get((*key, "download")), session.syncs.get((*key, "upload"))
    failed = load is not None and load.status == "Failed"
    return not failed or (save is not None and save.status == "Success")


async def download(
    store: ContextStore, session: Session, binding: Binding, target: Path
) -> SyncItem:
    """Copy a context's files over a folder of the session."""
    context = store.get(binding.context_id)
    selection = binding.policy.selection

    def work() -> None:
        target.mkdir(parents=True, exist_ok=True)
        trees.copy(context.files, target, takes=selection.takes, enters=selection.enters)

    return await _task(store, session, binding, "download", work)


async def upload(store: ContextStore, session: Session, binding: Binding, source: Path) -> SyncItem:
    """Make a folder of the session the context's files: all of it or nothing."""
    context = store.get(binding.context_id)
    policy = binding.policy

    def stays(rel: str) -> bool:
        return not policy.deletes or not policy.selection.takes(rel)

    def work() -> None:
        fresh = store.fresh(context)
        if not policy.deletes or policy.selection.entries:
            trees.copy(context.files, fresh, takes=stays, link=True)
        done = trees.copy(
            source, fresh, takes=policy.selection.takes, enters=policy.selection.enters
        )
        store.swap(context, fresh)
        if done.left_out:
            log.info("context %s: %d links or devices left out", context.id, done.left_out)

    return await _task(store, session, binding, "upload", work)


async def transfer(
    store: ContextStore, session: Session, context: Context, path: str, task: str
) -> SyncItem:
    """Copy between a session and its transfer folder.

    AgentBay's client names the file, AGB's the folder of it: such a download brings what has
    arrived for the folder, and such an upload leaves the copying to `fetch`.
    """
    stored = context.resolve(path)

    def work() -> None:
        own = session.sandbox.host_path(path)
        if task == "download":
            for file in context.arrivals(stored):
                trees.copy_file(file, own / file.relative_to(stored))
                context.arrived.discard(file)
        elif not own.is_dir():
            trees.copy_file(own, stored)

    return await _task(store, session, Binding(context.id, path, Policy()), task, work)


async def fetch(session: Session, context: Context, path: str) -> None:
    """Bring a file of a folder whose upload was asked for into the transfer folder."""
    if (context.id, str(PurePosixPath(path).parent), "upload") not in session.syncs:
        return
    stored = context.resolve(path)

    def work() -> None:
        try:
            trees.copy_file(session.sandbox.host_path(path), stored)
        except (OSError, ToolFailure):
            # What an earlier upload left would pass for the file of now.
            stored.unlink(missing_ok=True)

    async with context.lock:
        await asyncio.to_thread(work)


async def _task(
    store: ContextStore, session: Session, binding: Binding, task: str, work: Any
) -> SyncItem:
    """Do one copy in a thread and keep its course where GetContextInfo finds it."""
    context = store.get(binding.context_id)
    key = (binding.context_id, binding.path, task)
    item = SyncItem(*key, start=store.now())
    session.syncs[key] = item
    async with context.lock:
        try:
            await asyncio.to_thread(work)
            item = replace(item, status="Success", finish=store.now())
        except (OSError, ToolFailure) as error:
            log.warning("%s of context %s failed: %s", task, context.id, type(error).__name__)
            reason = getattr(error, "strerror", None) or str(error)
            item = replace(item, status="Failed", error=reason, finish=store.now())
    session.syncs[key] = item
    return item


async def sync(
    store: ContextStore, session: Session, context_id: str, path: str, task: str
) -> None:
    """SyncContext: the bindings that the filter names, a single file, or a folder of its own."""
    if task not in ("upload", "download"):
        raise BadParameter("Mode", "must be upload or download")
    copy = upload if task == "upload" else download
    context = store.get(context_id) if context_id else None
    if context is not None and context.internal:
        await transfer(store, session, context, path, task)
        return
    found = [
        binding
        for binding in session.bindings
        if context_id in ("", binding.context_id) and path in ("", binding.path)
    ]
    for binding in found:
        # None looks ended meanwhile because it had been before.
        key = (binding.context_id, binding.path, task)
        session.syncs[key] = SyncItem(*key, start=store.now())
    for binding in found:
        await copy(store, session, binding, binding.source)
    if not found and context is not None and path:
        folder = session.sandbox.host_path(path)
        await copy(store, session, Binding(context.id, path, Policy()), folder)
    elif not found and (context_id or path):
        raise ApiError("InvalidContext.NotBound", "No such context is bound to the session")


def encode(items: Iterable[SyncItem]) -> str:
    """The status as GetContextInfo gives it: JSON in JSON."""
    data = [
        {
            "contextId": item.context_id,
            "path": item.path,
            "errorMessage": item.error,
            "status": item.status,
            "startTime": item.start,
            "finishTime": item.finish,
            "taskType": item.task,
        }
        for item in items
    ]
    return json.dumps([{"type": "data", "data": json.dumps(data)}])
