"""The actions about contexts, their files and their way into sessions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service import contexts, mounts
from agentbay_kernel.service.clock import stamp
from agentbay_kernel.service.errors import ApiError, BadParameter, ContextNotFound
from agentbay_kernel.service.rpc import Answer, Call, action

if TYPE_CHECKING:
    from agentbay_kernel.service.contexts import Context

_PATIENCE = 3.0


@action("GetContext")
async def get(call: Call) -> Answer:
    """A context by its id or name; with AllowCreate a missing name is made."""
    name, context_id = call.fields.get("Name", ""), call.fields.get("ContextId", "")
    if context_id:
        return Answer(_encode(call.host.contexts.get(context_id)))
    if not name:
        raise BadParameter("Name", "is missing")
    contexts.check_name(name)
    found = call.host.contexts.named(name)
    if found is None and call.flag("AllowCreate"):
        found = call.host.contexts.make(name)
    if found is None:
        raise ContextNotFound(name)
    return Answer(_encode(found))


@action("ListContexts")
async def list_contexts(call: Call) -> Answer:
    """The contexts, oldest first; with SessionId only those of a session."""
    found = list(call.host.contexts)
    if call.fields.get("SessionId"):
        bound = {binding.context_id for binding in call.session().bindings}
        found = [context for context in found if context.id in bound]
    limit, after = call.number("MaxResults", 10), call.fields.get("NextToken", "")
    rest = [context for context in found if not after or _place(context) > after]
    page = rest[:limit]
    token = _place(page[-1]) if len(rest) > limit else ""
    extra = {"NextToken": token, "MaxResults": limit, "TotalCount": len(found)}
    return Answer([_encode(context) for context in page], extra)


@action("ModifyContext")
async def modify(call: Call) -> Answer:
    """Give a context another name."""
    context = call.host.contexts.get(call.text("Id"))
    call.host.contexts.rename(context, call.text("Name"))
    return Answer()


@action("DeleteContext")
async def delete(call: Call) -> Answer:
    """Remove a context that no session uses."""
    await call.host.contexts.delete(call.host.contexts.get(call.text("Id")))
    return Answer()


@action("ClearContext")
async def clear(call: Call) -> Answer:
    """Begin to remove the files of a context that no session uses."""
    context = call.host.contexts.get(call.text("Id"))
    context.need_idle("cleared")
    context.clearing = True
    call.host.spawn(call.host.contexts.clear(context), "context clear")
    return Answer()


@action("SyncContext")
async def sync(call: Call) -> Answer:
    """Upload or download contexts of a session; a long copy goes on behind the answer."""
    session = call.session()
    session.need_running()
    task = call.host.spawn(
        mounts.sync(
            call.host.contexts,
            session,
            call.fields.get("ContextId", ""),
            call.fields.get("Path", ""),
            (call.fields.get("Mode") or "upload").lower(),
        ),
        "context sync",
    )
    done, _ = await asyncio.wait([task], timeout=_PATIENCE)
    if done:
        task.result()
    return Answer()


@action("GetContextInfo")
async def info(call: Call) -> Answer:
    """How the last uploads and downloads of a session went."""
    session = call.session()
    wanted = [call.fields.get(name, "") for name in ("ContextId", "Path", "TaskType")]
    found = [
        item
        for key, item in session.syncs.items()
        if all(want in ("", value) for want, value in zip(wanted, key, strict=True))
    ]
    return Answer({"ContextStatus": mounts.encode(found)})


@action("BindContexts")
async def bind(call: Call) -> Answer:
    """Mount further contexts in a running session."""
    session, host = call.session(), call.host
    session.need_running()
    wanted = mounts.parse(call.text("PersistenceDataList"))
    if any(a.path == b.path for a in wanted for b in session.bindings):
        raise ApiError("InvalidContext.PathInUse", "A context is bound to that path already")
    mounts.check(host.contexts, wanted)
    await host.bind(session, wanted)
    return Answer()


@action("DescribeSessionContexts")
async def describe_session(call: Call) -> Answer:
    """The contexts of a session and where they are mounted."""
    data = [
        {
            "ContextId": binding.context_id,
            "ContextName": call.host.contexts.get(binding.context_id).name,
            "Path": binding.path,
            "Policy": binding.policy_text,
            "BindTime": binding.since,
        }
        for binding in call.session().bindings
    ]
    return Answer(data)


@action("GetAndLoadInternalContext")
async def internal(call: Call) -> Answer:
    """The context through which single files reach a session: its paths are the session's."""
    session = call.session()
    session.need_running()
    kinds = [value for name, value in call.fields.items() if name.startswith("ContextTypes")]
    if kinds != ["file_transfer"]:
        raise BadParameter("ContextTypes", "must be file_transfer")
    context = call.host.contexts.transfer(session.id)
    data = {"ContextId": context.id, "ContextPath": "/", "ContextType": "file_transfer"}
    return Answer([data])


@action("DescribeContextFiles")
async def describe_files(call: Call) -> Answer:
    """One page of the files and folders directly below a folder of a context."""
    context = call.host.contexts.get(call.text("ContextId"))
    parent = call.fields.get("ParentFolderPath", "")
    items = await asyncio.to_thread(contexts.describe, context, parent)
    token = call.fields.get("NextToken", "")
    if token or call.fields.get("MaxResults"):
        size = call.number("MaxResults", 50, 1000)
        start = next((n for n, item in enumerate(items) if item["FileId"] > token), len(items))
    else:
        size = call.number("PageSize", 50, 1000)
        start = (call.number("PageNumber", 1, 1 << 30) - 1) * size
    page = items[start : start + size]
    more = start + size < len(items)
    next_token = page[-1]["FileId"] if more and page else ""
    return Answer(page, {"Count": len(items), "NextToken": next_token, "MaxResults": size})


@action("GetContextFileUploadUrl")
async def upload_url(call: Call) -> Answer:
    """An address to which a file of a context may be PUT, for an hour."""
    return _url(call, "PUT")


@action("GetContextFileDownloadUrl")
async def download_url(call: Call) -> Answer:
    """An address from which a file of a context may be read, for an hour."""
    context, path = call.host.contexts.get(call.text("ContextId")), call.text("FilePath")
    if context.internal:
        (session_id,) = context.users
        await mounts.fetch(call.host.sessions.get(session_id), context, path)
    if not context.resolve(path).is_file():
        raise ApiError("InvalidFile.NotFound", "There is no such file in the context")
    return _url(call, "GET")


@action("DeleteContextFile")
async def delete_file(call: Call) -> Answer:
    """Remove a file of a context."""
    context = call.host.contexts.get(call.text("ContextId"))
    path = context.resolve(call.text("FilePath"))
    if not path.is_file():
        raise ApiError("InvalidFile.NotFound", "There is no such file in the context")
    async with context.lock:
        path.unlink(missing_ok=True)
    return Answer()


def _url(call: Call, method: str) -> Answer:
    context = call.host.contexts.get(call.text("ContextId"))
    path = call.text("FilePath")
    context.resolve(path)
    url, expires = call.site.urls.make(context.id, path, method)
    return Answer({"Url": url, "ExpireTime": expires})


def _place(context: Context) -> str:
    return f"{context.created:017.6f}{context.id}"


def _encode(context: Context) -> dict[str, Any]:
    return {
        "Id": context.id,
        "Name": context.name,
        "State": context.state,
        "CreateTime": stamp(context.created),
        "LastUsedTime": stamp(context.used),
        "OsType": "linux",
    }
