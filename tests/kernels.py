"""A real kernel driven by `jupyter_client`, and the local service that stands behind it."""

from __future__ import annotations

import json
import os
import queue
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from jupyter_client.manager import KernelManager

from agentbay_kernel.service import runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from jupyter_client.blocking import BlockingKernelClient

Message = dict[str, Any]


@dataclass(frozen=True)
class Exchange:
    """One request's reply and what came on iopub under it; `seconds` until both had ended."""

    request: Message
    reply: Message
    outputs: list[Message]
    seconds: float

    @property
    def content(self) -> dict[str, Any]:
        return self.reply["content"]

    @property
    def status(self) -> str:
        return self.content.get("status", "")

    def of(self, msg_type: str) -> list[dict[str, Any]]:
        """The contents of the iopub messages of one type."""
        return [item["content"] for item in self.outputs if item["msg_type"] == msg_type]

    @property
    def joined(self) -> list[tuple[str, dict[str, Any]]]:
        """Type and content of each output, text that follows text of its stream put together.

        A kernel may send what one `print` writes in any number of messages.
        """
        found: list[tuple[str, dict[str, Any]]] = []
        for item in self.outputs:
            kind, content = item["msg_type"], dict(item["content"])
            last, before = found[-1] if found else ("", {})
            if kind == last == "stream" and content["name"] == before["name"]:
                before["text"] += content["text"]
            else:
                found.append((kind, content))
        return found

    def text(self, name: str = "stdout") -> str:
        """All that was written to one stream."""
        return "".join(item["text"] for item in self.of("stream") if item["name"] == name)

    def value(self) -> str:
        """The plain text of the cell's result."""
        return self.of("execute_result")[-1]["data"]["text/plain"]


@dataclass
class RunningKernel:
    """A started kernel and a client with every channel open."""

    manager: KernelManager
    client: BlockingKernelClient
    pending: dict[str, list[Message]] = field(default_factory=dict)
    name: str = ""
    home: Path = Path()

    @property
    def pid(self) -> int:
        return self.manager.provisioner.pid  # type: ignore[union-attr]

    def send(self, msg_type: str, content: dict[str, Any], **options: Any) -> Message:
        """Send a request and return it without waiting."""
        channel = options.get("channel", "shell")
        message = self.client.session.msg(msg_type, content, metadata=options.get("metadata"))
        message["header"].update(options.get("header_extra") or {})
        message["buffers"] = options.get("buffers") or []
        getattr(self.client, f"{channel}_channel").send(message)
        return message

    def finish(self, request: Message, channel: str = "shell", timeout: float = 30) -> Exchange:
        """Wait for a request's reply and its idle status."""
        mid, began = request["header"]["msg_id"], time.perf_counter()
        outputs = self._until_idle(mid, began + timeout)
        reply = self._reply(mid, channel, began + timeout)
        return Exchange(request, reply, outputs, time.perf_counter() - began)

    def ask(self, msg_type: str, content: dict[str, Any], **options: Any) -> Exchange:
        """Send a request and wait for its end."""
        timeout = options.pop("timeout", 30)
        request = self.send(msg_type, content, **options)
        return self.finish(request, options.get("channel", "shell"), timeout)

    def tell(self, msg_type: str, content: dict[str, Any], **options: Any) -> Exchange:
        """Send a message that has no reply and wait for its end."""
        timeout = options.pop("timeout", 30)
        return self.until_idle(self.send(msg_type, content, **options), timeout)

    def until_idle(self, request: Message, timeout: float = 30) -> Exchange:
        """Wait for the end of a message that has no reply."""
        began = time.perf_counter()
        outputs = self._until_idle(request["header"]["msg_id"], began + timeout)
        return Exchange(request, {"content": {}}, outputs, time.perf_counter() - began)

    def execute(self, code: str, *, timeout: float = 60, **flags: Any) -> Exchange:
        """Run code as a front end runs a user's cell, unless `flags` say otherwise."""
        return self.ask("execute_request", execute_content(code, **flags), timeout=timeout)

    def answering(self, code: str, *answers: str, **flags: Any) -> tuple[Exchange, list[Any]]:
        """Run code and answer its prompts; its end, and the contents of the prompts."""
        request = self.send("execute_request", execute_content(code, allow_stdin=True, **flags))
        prompts = []
        for answer in answers:
            prompts.append(self.prompt())
            self.client.input(answer)
        return self.finish(request), prompts

    def prompt(self, timeout: float = 30) -> dict[str, Any]:
        """The next prompt's content."""
        return self.client.get_stdin_msg(timeout=timeout)["content"]

    def interrupt(self) -> Exchange:
        """Stop what runs, by a message as the kernel's spec asks for."""
        return self.ask("interrupt_request", {}, channel="control")

    def await_text(self, request: Message, text: str, timeout: float = 30) -> Message:
        """Wait until a request's output has some text, and give the message; nothing is lost."""
        mid, deadline = request["header"]["msg_id"], time.perf_counter() + timeout
        while True:
            message = self.client.get_iopub_msg(timeout=_left(deadline))
            parent = (message["parent_header"] or {}).get("msg_id", "")
            self.pending.setdefault(parent, []).append(message)
            if parent == mid and text in message["content"].get("text", ""):
                return message

    def close(self) -> None:
        """Shut the kernel down and close every socket."""
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel()
        self.manager.cleanup_resources()

    def until(
        self, request: Message, wanted: Callable[[Message], Any], timeout: float = 30
    ) -> Message:
        """Wait for an output of a request that still runs; all are kept for its end."""
        mid, deadline = request["header"]["msg_id"], time.perf_counter() + timeout
        found = self.pending.setdefault(mid, [])
        at = 0
        while True:
            for message in found[at:]:
                if wanted(message):
                    return message
            at = len(found)
            self._receive(deadline)

    def next_message(self, wanted: Callable[[Message], Any], timeout: float = 30) -> Message:
        """Wait for a message on iopub of whatever request, also one that came already."""
        deadline = time.perf_counter() + timeout
        while True:
            for messages in self.pending.values():
                for message in messages:
                    if wanted(message):
                        return message
            self._receive(deadline)

    def _receive(self, deadline: float) -> None:
        message = self.client.get_iopub_msg(timeout=_left(deadline))
        parent = (message["parent_header"] or {}).get("msg_id", "")
        self.pending.setdefault(parent, []).append(message)

    def _until_idle(self, mid: str, deadline: float) -> list[Message]:
        found = self.pending.setdefault(mid, [])
        while not any(map(_is_idle, found)):
            self._receive(deadline)
        return self.pending.pop(mid)

    def _reply(self, mid: str, channel: str, deadline: float) -> Message:
        key = f"reply:{mid}"
        while key not in self.pending:
            get = getattr(self.client, f"get_{channel}_msg")
            message = get(timeout=_left(deadline))
            self.pending[f"reply:{message['parent_header'].get('msg_id', '')}"] = [message]
        return self.pending.pop(key)[0]


def execute_content(code: str, **flags: Any) -> dict[str, Any]:
    """The content of an execute request; the default is JupyterLab's for a cell."""
    content = {
        "code": code,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": True,
    }
    return content | flags


def start(
    spec: str = "agentbay",
    *,
    timeout: float = 60,
    name: str = "",
    home: Path = Path(),
    **options: Any,
) -> RunningKernel:
    """Start a kernel and wait until it answers; `options` are the manager's `start_kernel`'s."""
    manager = KernelManager(kernel_name=spec, **options.pop("manager", {}))
    manager.start_kernel(**options)
    client = manager.client()
    client.start_channels()
    kernel = RunningKernel(manager, client, name=name or spec, home=home)
    try:
        client.wait_for_ready(timeout=timeout)
    except BaseException:
        kernel.close()
        raise
    return kernel


@dataclass(frozen=True)
class ServiceRecord:
    """What the running service says about itself in its private file."""

    pid: int
    url: str
    key: str


def service() -> ServiceRecord | None:
    """The running service of the runtime folder that the environment names."""
    path = Path(os.environ["AGENTBAY_KERNEL_RUNTIME_DIR"]) / "service.json"
    try:
        record = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    if has_ended(record["pid"]):
        return None
    return ServiceRecord(record["pid"], record["api_url"], record["key"])


def sessions() -> list[str]:
    """The ids of the sessions that the service has now, asked on the wire; none without it."""
    record = service()
    if record is None:
        return []
    answer = requests.post(
        f"{record.url}/",
        params={"Action": "ListSession", "Version": "2025-05-06", "Format": "json"},
        data={"Authorization": f"Bearer {record.key}", "Labels": "{}", "MaxResults": "100"},
        timeout=10,
    )
    answer.raise_for_status()
    return [row["SessionId"] for row in answer.json()["Data"]]


def has_ended(pid: int) -> bool:
    """Whether there is no such process, or one that only waits to be reaped."""
    return runtime.start_time(pid) is None


def start_service() -> ServiceRecord:
    """Start the service, to stay although no kernel of an account would start it again."""
    runtime.ensure(linger_seconds=600)
    record = service()
    assert record is not None
    return record


def use_agb(patch: pytest.MonkeyPatch) -> None:
    """Let the kernels of this environment find its service as AGB's cloud, by key and endpoint."""
    record = start_service()
    use_cloud(patch, "agb", record.key, record.url)


def use_cloud(patch: pytest.MonkeyPatch, name: str, key: str, url: str) -> None:
    """Let the kernels of this environment use a cloud of that name at that address."""
    patch.setenv("AGENTBAY_KERNEL_PROVIDER", name)
    patch.setenv(f"{name.upper()}_API_KEY", key)
    patch.setenv(f"{name.upper()}_ENDPOINT", url)


def stop_service() -> None:
    """End the service and wait until it is gone."""
    record = service()
    if record is None:
        return
    if not runtime.terminate(record.pid, 10):
        os.kill(record.pid, signal.SIGKILL)


def wait_for(condition: Any, what: str, timeout: float = 10) -> Any:
    """The first true value of `condition()`; fails with `what` when none comes in time."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout} s")
        time.sleep(0.02)
    return value


def _is_idle(message: Message) -> bool:
    return message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"


def _left(deadline: float) -> float:
    left = deadline - time.perf_counter()
    if left <= 0:
        raise queue.Empty
    return left


def release(record: ServiceRecord, session_id: str) -> None:
    """End a session as another client of the account does."""
    requests.post(
        f"{record.url}/",
        params={"Action": "ReleaseMcpSession", "Version": "2025-05-06", "Format": "json"},
        data={"Authorization": f"Bearer {record.key}", "SessionId": session_id},
        timeout=30,
    ).raise_for_status()
