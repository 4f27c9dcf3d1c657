"""AGB's wire for the miniature cloud: its requests by AgentBay's names, and answers back."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from agentbay_kernel.service.rest import ROUTES

HEADERS = ("x-acs-retry-after",)


async def decode(request: web.Request) -> tuple[str, dict[str, Any]]:
    """The action and fields of a request, by AgentBay's names."""
    given = {**request.query, **(await request.json() if request.can_read_body else {})}
    fields = {_upper(name): value for name, value in given.items()}
    fields["Authorization"] = request.headers["authorization"]
    if isinstance(items := fields.get("PersistenceDataList"), list):
        items = [{_upper(name): value for name, value in item.items()} for item in items]
        fields["PersistenceDataList"] = json.dumps(items)
    return ROUTES[request.method, request.path], fields


def encode(answer: web.Response) -> web.Response:
    """The same answer in AGB's shape; what is no JSON stays as it is."""
    try:
        body = _lower_all(json.loads(answer.body or b""))
    except ValueError:
        return answer
    headers = {name: answer.headers[name] for name in HEADERS if name in answer.headers}
    if answer.status < 400:
        body.setdefault("httpStatusCode", answer.status)
        body["count"] = body.pop("totalCount", None)
    return web.json_response(body, status=answer.status, headers=headers)


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]


def _lower_all(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _lower_all(item) for name, item in value.items()}
    return [_lower_all(item) for item in value] if isinstance(value, list) else value
