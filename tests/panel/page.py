"""A front end's page with the panel of a real kernel, as far as its messages go."""

from __future__ import annotations

import json
import time
import uuid

from tests.kernel.talk import open_here, tell

VIEW = "application/vnd.jupyter.widget-view+json"


class Refused(Exception):
    """The kernel's reply says that it did not do what it was asked."""


class Page:
    """Shows the panel, asks the kernel as the panel's own code does, and sees what it synced."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.shown = kernel.execute("%agentbay panel")
        (self.bundle,) = [each["data"] for each in self.shown.of("display_data")]
        self.comm_id = self.bundle[VIEW]["model_id"]
        self.state = {}
        self.heard = []
        self.replies = {}
        self._known = set()
        self.look(self.shown.outputs)
        if "words" not in self.state:
            self.look(tell(kernel, self.comm_id, {"method": "request_state"}).outputs)

    def look(self, messages):
        """Take what came over the panel's comm."""
        for message in messages:
            if message["content"].get("comm_id") != self.comm_id or id(message) in self._known:
                continue
            self._known.add(id(message))
            data = message["content"]["data"]
            self.heard.append(message)
            if "state" in data:
                self.state |= data["state"]
            if data.get("method") == "custom":
                reply = data["content"]
                self.replies[reply["id"]] = reply, [bytes(each) for each in message["buffers"]]

    def receive(self, seconds=1.0):
        """Wait for a message of whatever request, and take it."""
        client = self.kernel.client
        if client.iopub_channel.msg_ready() or seconds:
            message = client.get_iopub_msg(timeout=seconds)
            parent = (message["parent_header"] or {}).get("msg_id", "")
            self.kernel.pending.setdefault(parent, []).append(message)
            self.look([message])

    def wait(self, wanted, what, seconds=20):
        """The first true value of `wanted()` while messages come in."""
        deadline = time.monotonic() + seconds
        self.look([each for known in self.kernel.pending.values() for each in known])
        while not (found := wanted()):
            assert time.monotonic() < deadline, f"{what}: {json.dumps(self.state.get('header'))}"
            try:
                self.receive(0.2)
            except Exception as error:
                if type(error).__name__ != "Empty":
                    raise
        return found

    def send(self, action, buffers=(), **args):
        """Ask without waiting; the request's number."""
        number = uuid.uuid4().hex
        content = {"type": "request", "id": number, "action": action, "args": args}
        data = {"method": "custom", "content": content}
        message = {"comm_id": self.comm_id, "data": data}
        self.kernel.send("comm_msg", message, buffers=list(buffers))
        return number

    def ask(self, action, buffers=(), **args):
        """The value of an action and the bytes beside it; raises Refused."""
        number = self.send(action, buffers, **args)
        reply, found = self.wait(lambda: self.replies.get(number), action)
        if not reply["ok"]:
            raise Refused(reply["error"]["message"] + " " + reply["error"]["next_step"])
        return (reply["value"], found) if found else reply["value"]

    def until(self, section, name, value, seconds=20):
        """Wait until a section says something."""
        self.wait(lambda: self.state[section].get(name) == value, f"{section}.{name}", seconds)

    def upload(self, path, data, **options):
        """Send a file in pieces."""
        begun = self.ask("upload", step="begin", path=path, size=len(data), **options)
        for offset in range(0, len(data), 1 << 20):
            piece = data[offset : offset + (1 << 20)]
            self.ask("upload", [piece], step="chunk", upload=begun["upload"], offset=offset)
        return self.ask("upload", step="end", upload=begun["upload"])

    def synced(self):
        """All that was ever synced to the page, replies left out."""
        return json.dumps([m["content"] for m in self.heard if "state" in m["content"]["data"]])


def lab(kernel, version=1):
    """Open the comm of JupyterLab's extension; its id."""
    return open_here(kernel, "agentbay", {"version": version})[0]
