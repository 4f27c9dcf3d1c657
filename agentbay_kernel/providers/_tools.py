"""The tools of an image: what they are, and all that they answer."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import ProviderError, ToolError
from agentbay_kernel.providers._failures import redact
from agentbay_kernel.providers._gateway import Trace, watch
from agentbay_kernel.tools import ToolContent, ToolInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentbay_kernel.providers._calls import Caller
    from agentbay_kernel.providers._session import SdkSession
    from agentbay_kernel.providers._vendor import Vendor


class SessionTools:
    """The tools of one session."""

    def __init__(self, session: SdkSession, caller: Caller) -> None:
        self._session = session
        self._caller = caller
        self._known: Sequence[ToolInfo] = ()

    async def list(self) -> Sequence[ToolInfo]:
        """All tools; asked once."""
        if not self._known:
            session = self._session
            self._known = await of_image(session.vendor, session.sdk, self._caller, session.image)
        return self._known

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Sequence[ToolContent]:
        """Call one and give all of its answer."""
        # The SDK's own result has the first text only.
        with watch() as trace:
            result = await self._session.sdk.call_mcp_tool(name, dict(arguments))
        if trace.failure is not None:
            raise self._caller.failure(f"The tool {name} failed", trace.failure)
        if not result.success:
            text = redact(str(result.error_message or "no reason given"), self._caller.secrets)
            raise ToolError(
                f"The tool {name} failed: {text.strip()[:2000]}",
                request_id=result.request_id or "",
            )
        return _contents(trace) or [ToolContent(text=str(result.data))]


async def of_image(vendor: Vendor, sdk: Any, caller: Caller, image: str) -> Sequence[ToolInfo]:
    """The tools of an image, asked through any session object of the SDK."""
    image = image or vendor.tools_image
    _, trace = await caller.ask(
        f"The tools of {image} were not listed", lambda: vendor.list_tools(sdk, image)
    )
    try:
        rows = json.loads((trace.bodies.get("ListMcpTools") or {}).get("Data") or "[]")
        return [_tool(row) for row in rows if isinstance(row, dict) and row.get("name")]
    except (TypeError, ValueError) as error:
        raise ProviderError(
            f"The list of tools cannot be read: {error}", request_id=trace.request_id
        ) from error


def _tool(row: Mapping[str, Any]) -> ToolInfo:
    schema = row.get("inputSchema")
    if isinstance(schema, str):
        schema = json.loads(schema)
    return ToolInfo(
        name=str(row["name"]),
        server=str(row.get("server") or ""),
        description=str(row.get("description") or "").strip(),
        schema=schema if isinstance(schema, dict) else {},
    )


def _contents(trace: Trace) -> Sequence[ToolContent]:
    """The pieces of the answer that the trace has seen, of either way to a tool."""
    data: Any = (trace.bodies.get("CallMcpTool") or {}).get("Data")
    try:
        if trace.answer is not None:
            data = trace.answer.json().get("data")
            data = (json.loads(data) if isinstance(data, str) else data).get("result")
        elif isinstance(data, str):
            data = json.loads(data)
        return [_content(item) for item in data["content"]]
    except (AttributeError, KeyError, TypeError, ValueError):
        return ()


def _content(item: Any) -> ToolContent:
    if not isinstance(item, dict):
        return ToolContent(text=str(item))
    if item.get("type") == "resource" and isinstance(item.get("resource"), dict):
        item = item["resource"]
    mime = str(item.get("mimeType") or ("image/png" if item.get("type") == "image" else ""))
    packed = item.get("data") or item.get("blob")
    if not isinstance(packed, str):
        return ToolContent(text=str(item.get("text") or ""))
    try:
        return ToolContent(mime=mime or "application/octet-stream", data=base64.b64decode(packed))
    except binascii.Error:
        return ToolContent(text=packed)
