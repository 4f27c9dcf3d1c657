"""A cloud in miniature on a loopback port, which answers as each test tells it to."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from tests.providers import rest

KEY = "akm-a-key-that-nobody-may-see"
TOKEN = "token-that-nobody-may-see"
TOOLS = ("run_code", "shell", "read_file", "write_file", "list_directory", "get_file_info")

Answer = dict[str, Any] | web.Response
Script = Callable[["Talk", dict[str, Any]], Awaitable[None]]


def refusal(code: str, message: str, status: int = 400, **headers: str) -> web.Response:
    body = {"Code": code, "Message": message, "RequestId": "req-refused"}
    return web.json_response(body, status=status, headers=headers)


def copy(response: web.Response) -> web.Response:
    """The same response once more; each can be sent a single time."""
    headers = {key: value for key, value in response.headers.items() if key.startswith("x-")}
    kind = response.content_type
    body = response.body
    return web.Response(body=body, status=response.status, headers=headers, content_type=kind)


class Talk:
    """One streaming run, seen from the service."""

    def __init__(self, socket: web.WebSocketResponse, invocation: str) -> None:
        self.socket = socket
        self.invocation = invocation

    async def send(self, **data: Any) -> None:
        frame = {"invocationId": self.invocation, "source": "wuying_codespace", "target": "SDK"}
        await self.socket.send_str(json.dumps({**frame, "data": data}))

    async def event(self, kind: str, **data: Any) -> None:
        await self.send(phase="event", eventType=kind, **data)

    async def end(self, error: str = "", count: int = 1) -> None:
        status = "failed" if error else "finished"
        await self.send(phase="end", status=status, executionCount=count, executionError=error)


class Cloud:
    """Knows one session, `s-1`; `answers` overrule what an action or tool gives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, Any] = {}
        self.labels: dict[str, str] = {}
        self.sessions: dict[str, dict[str, str]] = {}
        self.link = self.socket = True
        self.script: Script | None = None
        self.sockets: list[web.WebSocketResponse] = []
        self.runs: list[dict[str, Any]] = []
        self.url = ""

    def count(self, action: str) -> int:
        return sum(name == action for name, _ in self.asked)

    async def __aenter__(self) -> Cloud:
        app = web.Application(client_max_size=1 << 27)
        app.router.add_post("/", self._rpc)
        for method, path in rest.ROUTES:
            app.router.add_route(method, path, self._rest)
        app.router.add_post("/link/callTool", self._link)
        app.router.add_get("/ws", self._ws)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for socket in self.sockets:
            await socket.close()
        await self._runner.cleanup()

    def describe(self) -> dict[str, Any]:
        base = self.url.removeprefix("http://")
        tools = [{"name": name, "server": "wuying_codespace"} for name in TOOLS]
        data = {"SessionId": "s-1", "Success": True, "ResourceUrl": "https://r/?resourceId=1"}
        data |= {"Token": TOKEN, "ToolList": json.dumps(tools), "Status": "RUNNING"}
        if self.link:
            data["LinkUrl"] = f"http://{base}/link"
        if self.socket:
            data["WsUrl"] = f"ws://{base}/ws"
        return data

    async def _rpc(self, request: web.Request) -> web.Response:
        fields = {**request.query, **await request.post()}
        return await self._answer(str(fields["Action"]), fields)

    async def _rest(self, request: web.Request) -> web.Response:
        action, fields = await rest.decode(request)
        return rest.encode(await self._answer(action, fields))

    async def _answer(self, action: str, fields: dict[str, Any]) -> web.Response:
        self.asked.append((action, {key: str(value) for key, value in fields.items()}))
        answer = self.answers.get(action)
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else None
        if callable(answer):
            answer = answer(fields)
            if isinstance(answer, Awaitable):
                answer = await answer
        if isinstance(answer, web.Response):
            return copy(answer)
        if answer is None:
            answer = {"Data": await self._default(action, fields)}
        envelope = {"RequestId": f"req-{len(self.asked)}", "Success": True, "Code": "ok"}
        return web.json_response(envelope | answer)

    async def _default(self, action: str, fields: dict[str, Any]) -> Any:
        if action == "CreateMcpSession":
            self.sessions["s-1"] = self.labels = json.loads(fields.get("Labels", "{}"))
            return self.describe()
        if action == "GetSession":
            return self.describe()
        if action == "GetSessionDetail":
            status = "RUNNING" if "s-1" in self.sessions else "FINISH"
            return {"Status": status, "ImageId": "code_latest"}
        if action == "DeleteSessionAsync":
            self.sessions.pop("s-1", None)
        if action == "SetLabel":
            self.labels = json.loads(fields["Labels"])
        if action == "GetLabel":
            return {"Labels": json.dumps(self.labels)}
        if action == "GetLink":
            return {"Url": "https://link/secret"}
        if action == "GetContext":
            return {"Id": "ctx-1", "Name": fields.get("Name", "data"), "State": "available"}
        if action == "GetContextInfo":
            item = {"contextId": "ctx-1", "path": "/data", "status": "Success", "errorMessage": ""}
            item |= {"taskType": "upload", "startTime": 1700000000000, "finishTime": 1700000001}
            items = json.dumps([item])
            return {"ContextStatus": json.dumps([{"type": "data", "data": items}])}
        if action == "ListSession":
            wanted = json.loads(fields["Labels"]).items()
            found = [name for name, has in self.sessions.items() if wanted <= has.items()]
            return [{"SessionId": name, "SessionStatus": "RUNNING"} for name in found]
        if action == "GetMcpResource":
            info = {"AppId": "app", "Ticket": "ticket"}
            return {"SessionId": "s-1", "ResourceUrl": "https://r/", "DesktopInfo": info}
        if action == "CallMcpTool":
            return await self._tool(fields["Name"], json.loads(fields["Args"]))
        return {}

    async def _link(self, request: web.Request) -> web.Response:
        call = await request.json()
        self.asked.append((call["tool"], {}))
        answer = self.answers.get(call["tool"])
        if isinstance(answer, web.Response):
            return copy(answer)
        result = await self._tool(call["tool"], call["args"])
        return web.json_response({"data": {"result": result}})

    async def _tool(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        if name == "run_code":
            self.runs.append(args)
        answer = self.answers.get(f"tool {name}")
        if answer is not None:
            return answer
        try:
            text = await getattr(self, f"_do_{name}")(**args)
        except OSError as error:
            return {"isError": True, "content": [{"type": "text", "text": str(error)}]}
        return {"isError": False, "content": [{"type": "text", "text": text}]}

    async def _do_shell(self, command: str, timeout_ms: int, **_: Any) -> str:
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
        result = {"stdout": out.decode(), "stderr": err.decode(), "exit_code": process.returncode}
        return json.dumps(result)

    async def _do_read_file(self, path: str, offset: int, length: int, format: str) -> str:
        data = Path(path).read_bytes()[offset : offset + length if length else None]
        return base64.b64encode(data).decode()

    async def _do_write_file(self, path: str, content: str, mode: str) -> str:
        before = Path(path).read_bytes() if mode == "append" else b""
        Path(path).write_bytes(before + content.encode())
        return "ok"

    async def _do_list_directory(self, path: str) -> str:
        entries = sorted(Path(path).iterdir())
        return "\n".join(f"[{'DIR' if e.is_dir() else 'FILE'}] {e.name}" for e in entries)

    async def _do_get_file_info(self, path: str) -> str:
        stat = Path(path).stat()
        is_dir = str(Path(path).is_dir()).lower()
        return f"name: x\nsize: {stat.st_size}\nisDirectory: {is_dir}\nmodified: {stat.st_mtime}"

    async def _ws(self, request: web.Request) -> web.StreamResponse:
        if "ws" in self.answers:
            return self.answers["ws"]
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            frame = json.loads(message.data)
            self.runs.append(frame["data"]["params"])
            assert self.script is not None
            await self.script(Talk(socket, frame["invocationId"]), frame["data"]["params"])
        return socket
