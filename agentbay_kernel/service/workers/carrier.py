"""Carries cells to an ipykernel and what it says to the service, as the pipe worker's records.

What a run's stream has no form for (comms, updates of displays, `clear_output`, prompts) ends here,
and so does what belongs to no running cell.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from typing import Any

import zmq
from jupyter_client.session import Session

from agentbay_kernel.service.workers import records
from agentbay_kernel.service.workers.outlet import pieces

READ_BYTES = 1 << 20
BATCH = 100
RETRY_MS = 5

_STREAMS = {"stdout": records.STDOUT, "stderr": records.STDERR}


class Carrier:
    """Stands between the socket of the service and the channels of one kernel."""

    def __init__(self, service: socket.socket, connection: dict[str, Any]) -> None:
        self._service = service
        self._unpacker = records.Unpacker()
        self._session = Session(key=connection["key"].encode(), username="agentbay")
        self._context = zmq.Context()
        self._shell = self._connect(zmq.DEALER, connection, "shell_port")
        self._iopub = self._connect(zmq.SUB, connection, "iopub_port")
        self._monitor = self._iopub.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._run = 0
        self._request = ""
        self._idle = False
        self._reply: dict[str, Any] | None = None

    def serve(self) -> None:
        """Carry until the kernel or the service has gone."""
        self._wait_ready()
        self._put(records.READY, b"{}")
        poller = zmq.Poller()
        for one in (self._service, self._shell, self._iopub, self._monitor):
            poller.register(one, zmq.POLLIN)
        while True:
            ready = dict(poller.poll())
            if self._monitor in ready:
                self._take_rest()
                return
            if self._service.fileno() in ready and not self._take_orders():
                return
            self._take_replies()
            self._take_output(BATCH)

    def _connect(self, kind: int, connection: dict[str, Any], port: str) -> zmq.Socket[bytes]:
        one = self._context.socket(kind)
        one.setsockopt(zmq.RCVHWM, 0)  # nothing may be lost, and the end of a run least of all
        one.setsockopt(zmq.LINGER, 0)
        one.setsockopt(zmq.RECONNECT_IVL, RETRY_MS)
        if kind == zmq.SUB:
            one.setsockopt(zmq.SUBSCRIBE, b"")
        one.connect(f"ipc://{connection['ip']}-{connection[port]}")
        return one

    def _wait_ready(self) -> None:
        """Wait for the kernel to answer, and to say that its output reaches this process."""
        self._ask("kernel_info_request", {})
        for one in (self._shell, self._iopub):
            one.poll()
            self._next(one)

    def _take_orders(self) -> bool:
        data = self._service.recv(READ_BYTES)
        for kind, run, payload in self._unpacker.feed(data):
            if kind == records.CODE:
                self._run, self._idle, self._reply = run, False, None
                self._request = self._execute(payload.decode("utf-8", "replace"), silent=False)
            elif kind == records.ENVIRONMENT:
                variables = json.loads(payload)
                self._execute(f"__import__('os').environ.update({variables!r})", silent=True)
        return bool(data)

    def _execute(self, code: str, *, silent: bool) -> str:
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        return self._ask("execute_request", content)

    def _ask(self, kind: str, content: dict[str, Any]) -> str:
        message = self._session.msg(kind, content)
        self._session.send(self._shell, message)
        return str(message["header"]["msg_id"])

    def _take_replies(self) -> None:
        while (message := self._next(self._shell)) is not None:
            if self._is_mine(message):
                self._reply = message["content"]
                self._finish()

    def _take_output(self, most: int) -> bool:
        for _ in range(most):
            message = self._next(self._iopub)
            if message is None:
                return False
            if self._is_mine(message):
                self._on_output(message["header"]["msg_type"], message["content"])
        return True

    def _take_rest(self) -> None:
        while self._take_output(BATCH):
            pass
        self._take_replies()

    def _on_output(self, kind: str, content: dict[str, Any]) -> None:
        if kind == "stream":
            for piece in pieces([content["text"]]):
                self._put(_STREAMS[content["name"]], piece)
        elif kind in ("execute_result", "display_data"):
            result = {
                "isMainResult": kind == "execute_result",
                "mime": content["data"],
                "metadata": content["metadata"],
            }
            self._put(records.RESULT, json.dumps(result).encode())
        elif kind == "error":
            error = {
                "code": content["ename"],
                "message": content["evalue"],
                "traceId": "",
                "traceback": content["traceback"],
            }
            self._put(records.ERROR, json.dumps(error).encode())
        elif kind == "status" and content["execution_state"] == "idle":
            self._idle = True
            self._finish()

    def _next(self, one: zmq.Socket[bytes]) -> dict[str, Any] | None:
        return self._session.recv(one, zmq.NOBLOCK)[1]

    def _is_mine(self, message: dict[str, Any]) -> bool:
        return bool(self._request) and message["parent_header"].get("msg_id") == self._request

    def _finish(self) -> None:
        """End the run when the reply and the last of the output are here, in whichever order."""
        if self._reply is None or not self._idle:
            return
        done = {"count": self._reply.get("execution_count")}
        if self._reply["status"] != "ok":
            name, value = self._reply.get("ename", "Aborted"), self._reply.get("evalue", "")
            done["error"] = f"{name}: {value}"
        self._put(records.DONE, json.dumps(done).encode())
        self._request, self._reply = "", None

    def _put(self, kind: bytes, payload: bytes | memoryview) -> None:
        self._service.sendall(records.pack(kind, self._run, payload))


def main() -> None:
    """Serve on the socket whose descriptor is the first argument; the second is the kernel's file.

    It ends at once: neither a message to a kernel that has gone nor its context is waited for.
    """
    with open(sys.argv[2], encoding="utf-8") as file:
        connection = json.load(file)
    service = socket.socket(fileno=int(sys.argv[1]))
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the service has gone
        Carrier(service, connection).serve()
    os._exit(0)


if __name__ == "__main__":
    main()
