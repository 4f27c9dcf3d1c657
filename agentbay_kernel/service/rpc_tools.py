"""The actions about the tools and ports of sessions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service import runs, tools
from agentbay_kernel.service.errors import BadParameter, WrongState
from agentbay_kernel.service.port import ToolFailure
from agentbay_kernel.service.rpc import Answer, Call, action

if TYPE_CHECKING:
    from agentbay_kernel.service.state import Session


@action("GetLink")
async def link(call: Call) -> Answer:
    """The address of a port of a session, or the reason why there is none."""
    session = call.session()
    session.need_running()
    url = await call.site.links.url(
        session, call.fields.get("ProtocolType", ""), call.fields.get("Port", "")
    )
    return Answer({"Url": url})


@action("ListMcpTools")
async def list_tools(call: Call) -> Answer:
    """The tools of an image, as JSON text."""
    image = call.fields.get("ImageId") or tools.DEFAULT_IMAGE
    tools.check_image(image)
    found = [
        {
            "name": tool.name,
            "description": tool.description,
            "inputSchema": tool.schema(),
            "server": tool.server,
            "tool": tool.name,
        }
        for tool in tools.of_image(image)
    ]
    return Answer(json.dumps(found))


@action("CallMcpTool")
async def call_tool(call: Call) -> Answer:
    """Run a tool; its failure is an answer, not an error of the request."""
    session = call.session()
    try:
        args = json.loads(call.fields.get("Args") or "{}")
    except ValueError:
        raise BadParameter("Args", "is no JSON") from None
    if not isinstance(args, dict):
        raise BadParameter("Args", "is no JSON object")
    return Answer(await tool_answer(call, session, call.text("Name"), args))


async def tool_answer(
    call: Call, session: Session, name: str, args: dict[str, Any]
) -> dict[str, Any]:
    """A tool's answer in the shape of MCP."""
    try:
        text, failed = await runs.call(call.host, session, name, args, plain=call.agb), False
    except (ToolFailure, WrongState) as error:
        text, failed = str(error), True
    return {"content": [{"type": "text", "text": text}], "isError": failed}
