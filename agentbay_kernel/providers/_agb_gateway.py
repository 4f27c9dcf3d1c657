"""Puts AGB's SDK under the gateway's watch: its REST client and the sessions' own addresses."""

from __future__ import annotations

import re
import time
from contextvars import ContextVar
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from agentbay_kernel.providers._agb_threads import pause
from agentbay_kernel.providers._gateway import (
    Failure,
    Tries,
    is_local,
    note_answer,
    note_link,
    note_unanswered,
)
from agentbay_kernel.stand_ins import finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# AGB's paths whose last part is not AgentBay's name of the same action.
ACTIONS: Mapping[str, str] = {
    "/mcp": "CallMcpTool",
    "/mcp/createSession": "CreateMcpSession",
    "/mcp/getSessionInfo": "GetSessionDetail",
    "/mcp/listTools": "ListMcpTools",
    "/mcp/releaseSession": "ReleaseMcpSession",
    "/mcp/releaseSessionAsync": "DeleteSessionAsync",
}
# The SDK's functions that post to a session's own address.
OPENERS = ("_call_mcp_tool_link_url", "watch_dir")
REFUSED = re.compile(r"NewConnectionError|refused|Name or service|resolve", re.I)


class Connections:
    """The connections of one account, kept between requests as the SDK itself does not."""

    def __init__(self, endpoint: str) -> None:
        self._local = is_local(endpoint)
        self._adapter: Any = None

    def guard(self, client: Any) -> None:
        """Put the API client of one `AGB` under watch."""
        make = getattr(client, "_get_http_client", None)
        if make is not None:
            client._get_http_client = lambda key: self._guarded(make(key))

    def close(self) -> None:
        """Close them; a later request opens others."""
        adapter, self._adapter = self._adapter, None
        if adapter is not None:
            adapter.end()

    def _guarded(self, http: Any) -> Any:
        if hasattr(http, "session"):
            self._adapter = self._adapter or _adapter()
            http.session.mount("https://", self._adapter)
            http.session.mount("http://", self._adapter)
            # No proxy of the environment leads to this computer.
            http.session.trust_env = not self._local
        if hasattr(http, "_make_request"):
            # Every action ends in this one method.
            http._make_request = _repeating(http._make_request, self._local)
        return http


def _adapter() -> Any:
    from requests.adapters import HTTPAdapter

    class Kept(HTTPAdapter):
        """Outlives the client that the SDK makes for each request."""

        def close(self) -> None:
            """Nothing: the next client uses its connections."""

        def end(self) -> None:
            """Close the connections."""
            super().close()

    return Kept(pool_maxsize=32)


def _repeating(make: Callable[..., Any], local: bool) -> Callable[..., Any]:
    def make_request(method: str, endpoint: str, **options: Any) -> Any:
        name = action(endpoint)
        tries = Tries(name, local=local)
        while True:
            start = time.monotonic()
            answer = make(method=method, endpoint=endpoint, **options)
            failure = _failure(name, answer, time.monotonic() - start)
            if failure is None:
                _lift(name, answer.get("json"))
                note_answer(name, _renamed(name, answer.get("json")))
                return answer
            wait = tries.pause(failure)
            if wait is None or not pause(wait):
                return answer

    return make_request


def action(path: str) -> str:
    """AgentBay's name of what AGB does at a path."""
    return ACTIONS.get(path, _upper(path.rpartition("/")[2]))


def _failure(name: str, answer: Mapping[str, Any], seconds: float) -> Failure | None:
    status, body = answer.get("status_code"), answer.get("json")
    if not status:
        text = str(answer.get("error") or "no answer")
        refused = bool(REFUSED.search(text)) and "timed out" not in text
        return Failure(name, text, seconds=seconds, refused=refused)
    if status < 400 and isinstance(body, dict):
        return None
    known = body if isinstance(body, dict) else {}
    headers = {name.lower(): value for name, value in (answer.get("headers") or {}).items()}
    return Failure(
        name,
        str(known.get("message") or known.get("Message") or answer.get("text") or "")[:500],
        code=str(known.get("code") or known.get("Code") or ""),
        request_id=str(known.get("requestId") or answer.get("request_id") or ""),
        # The answer of something that is no AGB, as a gateway's HTML page.
        status=status if status >= 400 else 502,
        seconds=seconds,
        retry_after=_seconds(headers),
    )


def _seconds(headers: Mapping[str, str]) -> float:
    """How long the provider asks to wait, in either header."""
    for name, unit in (("x-acs-retry-after", 1000), ("retry-after", 1)):
        text = headers.get(name, "")
        if text.isdecimal():
            return int(text) / unit
    return 0.0


def _lift(name: str, body: Any) -> None:
    """Let the SDK pass on what a tool answered where it would keep the envelope's words only."""
    data = body.get("data") if name == "CallMcpTool" and isinstance(body, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("content"), list):
        return
    if data.get("isError"):
        texts = [item.get("text") for item in data["content"] if isinstance(item, dict)]
        body["message"] = "\n".join(text for text in texts if isinstance(text, str))
    else:
        body["success"] = True


def _renamed(name: str, body: Any) -> Any:
    """An answer with AgentBay's names; what a tool answered keeps its own."""
    if not isinstance(body, dict):
        return body
    named = _upper_all(body)
    data = named.get("Data")
    if name != "CallMcpTool":
        if isinstance(data, dict):
            named["Data"] = _upper_all(data)
        elif isinstance(data, list):
            named["Data"] = [_upper_all(row) if isinstance(row, dict) else row for row in data]
    if "Count" in named:
        named.setdefault("TotalCount", named["Count"])
    return named


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]


def _upper_all(row: Mapping[str, Any]) -> dict[str, Any]:
    return {_upper(name): value for name, value in row.items()}


class Link:
    """The connection to one session's own address."""

    def __init__(self) -> None:
        self._client: Any = None

    def client(self, local: bool) -> Any:
        """The one client, kept open between calls."""
        import httpx

        if self._client is None:
            # A plain connection to this computer needs no certificates, which take long to
            # load, and no proxy of the environment.
            self._client = httpx.Client(timeout=900, verify=not local, trust_env=not local)
        return self._client

    def close(self) -> None:
        """Close it; a later call opens another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


link: ContextVar[Link | None] = ContextVar("agentbay_kernel_agb_link", default=None)
"""Whose session the call of this task is."""


class Httpx:
    """Stands for httpx in functions of the SDK that open a connection for each call."""

    def __getattr__(self, name: str) -> Any:
        import httpx

        return getattr(httpx, name)

    def Client(self, timeout: Any = None, **_: Any) -> _LinkClient:
        """What the SDK posts a tool's call with."""
        return _LinkClient(timeout)

    def post(self, url: str, **options: Any) -> Any:
        """What the SDK asks for a folder's changes with."""
        return _LinkClient(None).post(url, **options)


class _LinkClient:
    def __init__(self, timeout: Any) -> None:
        self._options = {} if timeout is None else {"timeout": timeout}

    def __enter__(self) -> _LinkClient:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the connection for the next call."""

    def post(self, url: str, **options: Any) -> Any:
        import httpx

        kept = link.get()
        used = kept or Link()
        start = time.monotonic()
        try:
            response = used.client(is_local(url)).post(url, **{**self._options, **options})
        except httpx.TransportError as error:
            refused = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            note_unanswered(error, time.monotonic() - start, refused=refused)
            raise
        finally:
            if kept is None:
                used.close()
        note_link(response)
        return response


def keep_connection(session: Any) -> Any:
    """Let the functions of an SDK's session that open a connection for each call use ours."""
    for part in vars(session).values():
        for name in OPENERS:
            opener = getattr(type(part), name, None)
            if isinstance(opener, FunctionType):
                setattr(part, name, MethodType(finding(opener, {"httpx": Httpx()}), part))
    return session
