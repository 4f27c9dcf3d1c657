"""The actions about sessions, their labels, links and tools."""

from __future__ import annotations

import json
from typing import Any

from agentbay_kernel.service import lifecycle, mounts, tools
from agentbay_kernel.service.clock import stamp
from agentbay_kernel.service.errors import BadParameter, SessionNotFound
from agentbay_kernel.service.host import Wish
from agentbay_kernel.service.rpc import Answer, Call, Site, action
from agentbay_kernel.service.state import Query, Session, Status


@action("CreateMcpSession")
async def create(call: Call) -> Answer:
    """Create a session."""
    wish = Wish(
        image=call.fields.get("ImageId") or tools.DEFAULT_IMAGE,
        labels=call.labels(),
        policy=lifecycle.parse(call.fields),
        bindings=mounts.parse(call.fields.get("PersistenceDataList", "")),
    )
    session = await call.host.create(wish)
    return Answer({**_access(call, session), "Success": True, "ErrMsg": ""})


@action("GetSession")
async def get(call: Call) -> Answer:
    """A session with its access data, so that another client can attach to it."""
    session = call.session()
    contexts = [
        {"id": b.context_id, "name": call.host.contexts.get(b.context_id).name}
        for b in session.bindings
    ]
    status = {"Status": session.status.value, "contexts": contexts}
    return Answer({**_access(call, session), **status})


@action("GetSessionDetail")
async def detail(call: Call) -> Answer:
    """A session's status; for one that is being deleted the answer waits for its end."""
    session_id = call.text("SessionId")
    reason = call.host.sessions.end_reason(session_id)
    if reason is not None:
        return Answer({"Status": Status.FINISH.value, "EndReason": reason, "IsDeleted": 1})
    session = call.session()
    if session.status is Status.DELETING:
        await call.host.finished(session)
    return Answer(
        {
            "Status": session.status.value,
            "EndReason": "",
            "ImageId": session.image,
            "ImageType": "System",
            "AppInstanceId": f"app-{session.id}",
            "IsDeleted": int(session.status is Status.FINISH),
            "RegionId": "local",
        }
    )


@action("ListSession")
async def list_sessions(call: Call) -> Answer:
    """The active sessions that have all the labels."""
    status = call.fields.get("Status", "")
    if status and status not in (*Status.__members__, "DELETED"):
        raise BadParameter("Status", "is no status of a session")
    limit = call.number("MaxResults", 10)
    page = call.host.sessions.page(
        Query(
            call.labels(),
            status,
            call.fields.get("ImageId", ""),
            limit,
            call.fields.get("NextToken", ""),
        )
    )
    data = [
        {
            "SessionId": session.id,
            "SessionStatus": session.status.value,
            "AppInstanceId": f"app-{session.id}",
            "ImageId": session.image,
        }
        for session in page.items
    ]
    extra = {"NextToken": page.next_token, "MaxResults": limit, "TotalCount": page.total}
    return Answer(data, extra)


@action("DeleteSessionAsync")
async def delete(call: Call) -> Answer:
    """Begin to delete a session."""
    call.host.delete(call.session())
    return Answer()


@action("ReleaseMcpSession")
async def release(call: Call) -> Answer:
    """Delete a session and wait for its end."""
    session = call.session()
    call.host.delete(session)
    await call.host.finished(session)
    return Answer()


@action("RefreshSessionIdleTime")
async def refresh(call: Call) -> Answer:
    """Start a session's idle time anew."""
    session = call.session()
    if session.status is Status.DELETING:
        raise SessionNotFound(session.id)
    return Answer({})


@action("PauseSessionAsync")
async def pause(call: Call) -> Answer:
    """Stop a session's processes."""
    await call.host.pause(call.session())
    return Answer()


@action("ResumeSessionAsync")
async def resume(call: Call) -> Answer:
    """Let a paused session go on."""
    await call.host.resume(call.session())
    return Answer()


@action("SetLabel")
async def set_label(call: Call) -> Answer:
    """Replace a session's labels [?: the vendor may merge]."""
    call.text("Labels")
    labels = call.labels()
    call.session().labels = labels
    return Answer()


@action("GetLabel")
async def get_label(call: Call) -> Answer:
    """A session's labels."""
    return Answer({"Labels": json.dumps(call.session().labels)})


@action("GetMcpResource")
async def resource(call: Call) -> Answer:
    """Where a person can look at a session."""
    session = call.session()
    desktop = {
        "AppId": f"app-{session.id}",
        "AuthCode": session.page_token,
        "ConnectionProperties": json.dumps({"created": stamp(session.created_wall)}),
        "ResourceId": session.id,
        "ResourceType": "LocalSandbox",
        "Ticket": "",
    }
    url = page_url(call.site, session)
    return Answer({"SessionId": session.id, "ResourceUrl": url, "DesktopInfo": desktop})


def page_url(site: Site, session: Session) -> str:
    """The address of a session's resource page."""
    return f"{site.browser_url}/s/{session.page_token}/?resourceId={session.id}"


def _access(call: Call, session: Session) -> dict[str, Any]:
    site = call.site
    found = [{"name": tool.name, "server": tool.server} for tool in tools.of_image(session.image)]
    port = site.browser_url.rpartition(":")[2]
    return {
        "SessionId": session.id,
        "ResourceUrl": page_url(site, session),
        "ResourceId": session.id,
        "AppInstanceId": f"app-{session.id}",
        "Token": session.token,
        "LinkUrl": f"{site.api_url}/{'agb' if call.agb else 'link'}/{session.id}",
        "WsUrl": f"{site.api_url.replace('http', 'ws', 1)}/ws/{session.id}",
        "ToolList": json.dumps(found),
        "HttpPort": port,
        # Not the vendor's: how well this session is kept apart from the computer.
        "Isolation": session.box.isolation if session.box else "",
        "NetworkInterfaceIp": "127.0.0.1",
        "VpcResource": False,
    }
