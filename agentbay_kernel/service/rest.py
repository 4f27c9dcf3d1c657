"""AGB's wire: its paths and JSON shapes, put into the words of the RPC's actions and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service import tools
from agentbay_kernel.service.errors import ApiError, BadParameter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUTES: Mapping[tuple[str, str], str] = {
    ("POST", "/mcp/createSession"): "CreateMcpSession",
    ("POST", "/mcp/getSession"): "GetSession",
    ("POST", "/mcp/getSessionInfo"): "GetSessionDetail",
    ("GET", "/sdk/ListSession"): "ListSession",
    ("POST", "/mcp/releaseSessionAsync"): "DeleteSessionAsync",
    ("POST", "/mcp/releaseSession"): "ReleaseMcpSession",
    ("POST", "/mcp/refreshSessionIdleTime"): "RefreshSessionIdleTime",
    ("POST", "/sdk/SetLabel"): "SetLabel",
    ("GET", "/sdk/GetLabel"): "GetLabel",
    ("POST", "/mcp/getMcpResource"): "GetMcpResource",
    ("GET", "/internet/getLink"): "GetLink",
    # The SDK's asynchronous client asks here.
    ("GET", "/mcp/getLink"): "GetLink",
    ("POST", "/internet/getCdpLink"): "GetLink",
    ("POST", "/mcp/listTools"): "ListMcpTools",
    ("POST", "/mcp"): "CallMcpTool",
    ("GET", "/sdk/GetContext"): "GetContext",
    ("GET", "/sdk/ListContexts"): "ListContexts",
    ("POST", "/sdk/ModifyContext"): "ModifyContext",
    ("POST", "/sdk/DeleteContext"): "DeleteContext",
    ("POST", "/sdk/ClearContext"): "ClearContext",
    ("POST", "/sdk/SyncContext"): "SyncContext",
    ("GET", "/sdk/GetContextInfo"): "GetContextInfo",
    ("POST", "/sdk/GetAndLoadInternalContext"): "GetAndLoadInternalContext",
    ("POST", "/sdk/DescribeContextFiles"): "DescribeContextFiles",
    ("POST", "/sdk/GetContextFileUploadUrl"): "GetContextFileUploadUrl",
    ("POST", "/sdk/GetContextFileDownloadUrl"): "GetContextFileDownloadUrl",
    ("POST", "/sdk/DeleteContextFile"): "DeleteContextFile",
}
FOLDERS = ("mcp", "sdk", "internet", "browser")
"""What AGB's paths begin with; the RPC has none of them."""

IMAGES: Mapping[str, str] = {
    "agb-code-space-1": tools.CODE_IMAGE,
    "agb-browser-use-1": "browser_latest",
    "agb-computer-use-ubuntu-2204": tools.DEFAULT_IMAGE,
}


def speaks(path: str) -> bool:
    """Whether a path is one of AGB's wire."""
    return path.split("/")[1] in FOLDERS


def decode(action: str, query: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The fields of a request under the RPC's names."""
    try:
        sent = json.loads(body) if body else {}
    except ValueError:
        sent = None
    if not isinstance(sent, dict):
        raise BadParameter("Body", "is no JSON object")
    given = {**query, **{name: value for name, value in sent.items() if value is not None}}
    fields = {_upper(name): _text(value) for name, value in given.items()}
    change = _CHANGES.get(action)
    if change is not None:
        change(fields)
    return fields


def encode(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of the RPC in AGB's shape."""
    found: dict[str, Any] = _lowered(answer)
    if "totalCount" in found:
        found["count"] = found["totalCount"]
    return found


def _image(fields: dict[str, str]) -> None:
    """AGB's own names of the images, one of which must be given [?: the code]."""
    name = fields.get("ImageId", "")
    if not name:
        raise BadParameter("ImageId", "is missing")
    if name not in IMAGES:
        raise ApiError(
            "InvalidImageId.NotFound", f"Image {name} not found: there are {', '.join(IMAGES)}"
        )
    fields["ImageId"] = IMAGES[name]


def _creation(fields: dict[str, str]) -> None:
    _image(fields)
    text = fields.get("PersistenceDataList", "[]")
    try:
        items = [{_upper(key): value for key, value in each.items()} for each in json.loads(text)]
    except (ValueError, TypeError, AttributeError):
        raise BadParameter("PersistenceDataList", "is no JSON list of objects") from None
    fields["PersistenceDataList"] = json.dumps(items)


def _context(fields: dict[str, str]) -> None:
    if "Id" in fields:
        fields["ContextId"] = fields.pop("Id")


def _kinds(fields: dict[str, str]) -> None:
    """One field for each entry of a JSON list, as a form has them."""
    text = fields.pop("ContextTypes", "[]")
    try:
        kinds = json.loads(text)
    except ValueError:
        kinds = None
    if not isinstance(kinds, list):
        raise BadParameter("ContextTypes", "is no JSON list")
    fields.update({f"ContextTypes.{n}": str(kind) for n, kind in enumerate(kinds, 1)})


_CHANGES: Mapping[str, Callable[[dict[str, str]], None]] = {
    "CreateMcpSession": _creation,
    "ListMcpTools": _image,
    "GetContext": _context,
    "GetAndLoadInternalContext": _kinds,
}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]


def _lowered(value: Any) -> Any:
    """A JSON value whose objects' keys begin with a small letter, all the way down."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _lowered(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_lowered(item) for item in value]
    return value
