"""The RPC endpoint: decodes an action's fields, calls its handler, encodes the answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.errors import ApiError, BadParameter

if TYPE_CHECKING:
    from agentbay_kernel.service.host import Host
    from agentbay_kernel.service.state import Session

log = logging.getLogger("agentbay_kernel.service")


@dataclass(frozen=True, slots=True)
class Site:
    """Where the service is reached, and what hands out its links."""

    host: Host
    api_url: str
    browser_url: str
    links: Any = None
    urls: Any = None


@dataclass(frozen=True, slots=True)
class Call:
    """One decoded request."""

    site: Site
    action: str
    fields: Mapping[str, str]
    agb: bool = False
    """Whether it came over AGB's wire."""

    @property
    def host(self) -> Host:
        """The sessions and contexts."""
        return self.site.host

    def text(self, name: str) -> str:
        """A field that must be there."""
        value = self.fields.get(name, "")
        if not value:
            raise BadParameter(name, "is missing")
        return value

    def number(self, name: str, default: int, most: int = 100) -> int:
        """A whole number from 1 up; more than `most` is taken for `most`."""
        text = self.fields.get(name)
        if not text:
            return default
        if not text.isdecimal() or int(text) < 1:
            raise BadParameter(name, "is no whole number above 0")
        return min(int(text), most)

    def flag(self, name: str) -> bool:
        """A boolean, as Python's or JSON's word."""
        return self.fields.get(name, "").lower() == "true"

    def labels(self) -> dict[str, str]:
        """The field Labels: a JSON object of strings."""
        text = self.fields.get("Labels") or "{}"
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
            raise BadParameter("Labels", "is no JSON object of strings")
        return found

    def session(self) -> Session:
        """The session that is meant; to ask for it keeps it from being idle."""
        session = self.host.sessions.get(self.text("SessionId"))
        self.host.sessions.touch(session)
        return session


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers: `Data`, and fields that stand beside it."""

    data: Any = None
    extra: Mapping[str, Any] = field(default_factory=dict)


Handler = Callable[[Call], Awaitable[Answer]]
ACTIONS: dict[str, Handler] = {}


def action(name: str) -> Callable[[Handler], Handler]:
    """Register a handler under the name of its action."""

    def register(handler: Handler) -> Handler:
        ACTIONS[name] = handler
        return handler

    return register


async def answer(call: Call, request_id: str) -> dict[str, Any]:
    """The whole body for a request."""
    handler = ACTIONS.get(call.action)
    if handler is None:
        # No "NotFound" in the code: the SDK would take it for a session that is gone.
        raise ApiError("NotImplemented", f"The action {call.action or '(none)'} is not implemented")
    result = await handler(call)
    log.info("%s %s %s ok", request_id, call.action, call.fields.get("SessionId", "-"))
    return {
        "RequestId": request_id,
        "Success": True,
        "Code": "ok",
        "HttpStatusCode": 200,
        "Message": "",
        **({} if result.data is None else {"Data": result.data}),
        **result.extra,
    }


def refusal(error: ApiError, request_id: str) -> dict[str, Any]:
    """The vendor's shape of an error."""
    return {
        "RequestId": request_id,
        "Success": False,
        "Code": error.code,
        "HttpStatusCode": error.status,
        "Message": error.message,
    }
