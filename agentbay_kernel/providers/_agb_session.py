"""AGB's client and sessions with the methods of AgentBay's: coroutines, and their names."""

from __future__ import annotations

import asyncio
import functools
import posixpath
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from agentbay_kernel.providers._agb_gateway import Link, keep_connection, link
from agentbay_kernel.providers._agb_sdk import part
from agentbay_kernel.providers._agb_socket import Socket
from agentbay_kernel.providers._agb_threads import in_thread
from agentbay_kernel.providers._gateway import current

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FILES_PAGE = 50
MOST_POLLS = 3000


class Awaited:
    """An object of the SDK whose functions are awaited."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.raw, name)
        return lambda *arguments, **options: self.call(method, *arguments, **options)

    async def call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """The result of one of the SDK's functions, which may block."""
        return await in_thread(functools.partial(method, *arguments, **options))


class AgbClient(Awaited):
    """An `AGB`."""

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        self.context = ContextService(raw.context)

    async def create(self, params: Any) -> Any:
        """Make a session."""
        return _with_session(await self.call(self.raw.create, params))

    async def get(self, session_id: str) -> Any:
        """The session of an id."""
        return _with_session(await self.call(self.raw.get, session_id))

    async def ask_list(self, request: Any) -> Any:
        """Ask for a page of sessions; the SDK's own `list` cannot go on from a token."""
        return _Answer(await self.call(self.raw.client.list_sessions, request))


class _Answer:
    """The success of an answer as results tell it."""

    def __init__(self, response: Any) -> None:
        self.success = response.is_successful()
        self.error_message = response.get_error_message() or ""


class ContextService(Awaited):
    """The account's contexts."""

    async def list_files(
        self, context_id: str, folder: str, *, max_results: int, next_token: str | None
    ) -> Any:
        """One page of a folder; AGB counts the pages."""
        page = int(next_token or 1)
        result = await self.call(
            self.raw.list_files, context_id, folder, page_number=page, page_size=FILES_PAGE
        )
        trace = current()
        body = trace.bodies.get("DescribeContextFiles") if trace else None
        if body is not None:
            more = len(body.get("Data") or []) >= FILES_PAGE
            body["NextToken"] = str(page + 1) if more else ""
        return result


class AgbSession:
    """A session; attributes that hold facts are the SDK's own."""

    def __init__(self, raw: Any) -> None:
        self.raw = keep_connection(raw)
        self.session_id: str = raw.session_id
        self.link = Link()
        self.socket = Socket(raw)
        self.code = _Code(self)
        self.command = _Command(self)
        self.context = _Context(self)
        self.file_system = _Files(self)
        self.agent_bay = SimpleNamespace(context=ContextService(raw.agb.context))

    @property
    def link_url(self) -> str:
        """The session's own address, empty when it has none."""
        return str(getattr(self.raw, "link_url", "") or "")

    @link_url.setter
    def link_url(self, url: str) -> None:
        self.raw.link_url = url

    @property
    def ws_url(self) -> str:
        """The address of the WebSocket, empty when there is none."""
        return str(getattr(self.raw, "ws_url", "") or "")

    @property
    def token(self) -> str:
        """What opens both."""
        return str(getattr(self.raw, "token", "") or "")

    @property
    def mcpTools(self) -> Any:
        """The image's tools."""
        return getattr(self.raw, "tool_list", None) or []

    @property
    def _ws_client(self) -> Any:
        return self.socket.client

    @_ws_client.setter
    def _ws_client(self, client: None) -> None:
        self.socket.client = client

    async def _get_ws_client(self) -> Any:
        return self.socket.open()

    async def _close_link_http_client(self) -> None:
        self.link.close()
        await self.socket.close()

    async def call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """The result of one of the SDK's functions, asked over the session's connections."""
        token = link.set(self.link)
        try:
            return await in_thread(functools.partial(method, *arguments, **options))
        finally:
            link.reset(token)

    async def call_mcp_tool(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Call a tool."""
        return await self.call(self.raw.call_mcp_tool, name, dict(arguments))

    async def list_mcp_tools(self, image: str) -> Any:
        """The tools of an image."""
        return await self.call(self.raw.list_mcp_tools, image)

    async def info(self) -> Any:
        """The resource; AGB gives a dict where AgentBay gives an object."""
        result = await self.call(self.raw.info)
        known = dict.fromkeys(("session_id", "resource_url"), "") | (result.data or {})
        result.data = SimpleNamespace(**known)
        return result

    async def get_status(self) -> Any:
        """The state."""
        return await self.call(self.raw.get_status)

    async def get_metrics(self) -> Any:
        """What the machine uses."""
        return await self.call(self.raw.get_metrics)

    async def get_labels(self) -> Any:
        """The labels."""
        return await self.call(self.raw.get_labels)

    async def set_labels(self, labels: Mapping[str, str]) -> Any:
        """Set the labels."""
        return await self.call(self.raw.set_labels, dict(labels))

    async def get_link(self, *, protocol_type: str | None, port: int | None) -> Any:
        """A link to a port."""
        result = await self.call(self.raw.get_link, protocol_type, port)
        if not result.success and result.error_message == "No URL found in response":
            result.success, result.data = True, ""
        return result

    async def keep_alive(self) -> Any:
        """Start the idle time anew; before 0.11 by any request."""
        if hasattr(self.raw, "keep_alive"):
            return await self.call(self.raw.keep_alive)
        return await self.command.execute_command("true", timeout_ms=10_000)

    async def delete(self) -> Any:
        """End it."""
        result = await self.call(self.raw.delete)
        if result.success:
            await self._close_link_http_client()
        return result


class _Code:
    def __init__(self, session: AgbSession) -> None:
        self._session = session

    async def run_code(self, code: str, language: str, **options: Any) -> Any:
        found = self._session.raw.code
        run = getattr(found, "run", None) or found.run_code
        result = await self._session.call(run, code, language, **options)
        if not hasattr(result, "error"):  # of 0.9, whose message has it
            result.error = None
        return result


class _Command:
    def __init__(self, session: AgbSession) -> None:
        self._session = session

    async def execute_command(self, command: str, **options: Any) -> Any:
        found = self._session.raw.command
        run = getattr(found, "execute", None) or found.execute_command
        result = await self._session.call(run, command, **options)
        if result.success and result.output and not (result.stdout or result.stderr):
            result.stdout = result.output  # of an image whose tool answers in plain text
        if result.exit_code is None:
            result.exit_code = 0 if result.success else 1
        return result


class _Context:
    def __init__(self, session: AgbSession) -> None:
        self._session = session

    async def info(self) -> Any:
        return await self._session.call(self._session.raw.context.info)

    async def sync(self, *, mode: str, max_retries: int | None = None, **chosen: Any) -> Any:
        """Begin a transfer; without `max_retries` that of a file, and wait for its end.

        AGB copies the file's whole folder. Its own coroutine blocks, and takes it for a failure
        when it is not followed to its end.
        """
        raw = self._session.raw
        if max_retries is None:
            chosen["path"] = posixpath.dirname(chosen["path"])
            follow = functools.partial(
                raw.context.sync, mode=mode, max_retries=MOST_POLLS, **chosen
            )
            return await self._session.call(lambda: asyncio.run(follow()))
        request = part("api.models").SyncContextRequest(
            authorization=f"Bearer {raw.get_api_key()}",
            session_id=raw.session_id,
            mode=mode,
            **chosen,
        )
        return await self._session.call(raw.get_client().sync_context, request)


class _Files:
    copies_folders = True

    def __init__(self, session: AgbSession) -> None:
        self._session = session
        self._raw = session.raw

    async def get_file_transfer_context_path(self) -> str:
        """The folder below which files are reached."""
        return str(await self._session.call(self._raw.file.transfer_path) or "")

    def _ensure_file_transfer(self) -> Any:
        """What holds the context of transferred files."""
        return SimpleNamespace(_context_id=self._raw.file._ensure_file_transfer().context_id)

    def watch_directory(self, path: str, callback: Any, *, stop_event: Any) -> Any:
        """The SDK's thread that watches a folder."""
        thread = self._raw.file.watch_dir(path, callback, interval=0.5, stop_event=stop_event)
        if not hasattr(thread, "ready_event"):  # before 0.12 it did not tell
            thread.ready_event = threading.Event()
            thread.ready_event.set()
        return thread


def _with_session(result: Any) -> Any:
    if result.success and result.session is not None:
        result.session = AgbSession(result.session)
    return result
