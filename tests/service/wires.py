"""The two vendors' wires as the wire table sends its requests: each by its SDK's lower client."""

from __future__ import annotations

import json
import os
import re
import warnings

import pytest

from agentbay_kernel.providers._agb_sdk import LIBRARY
from agentbay_kernel.service import rest
from agentbay_kernel.service.rpc import ACTIONS
from tests.service.running import settle, vendor

# Before any import of its parts, so that a provider of the same process finds it in its own way.
LIBRARY.load()

KEYS = {"access_key_id": "id", "access_key_secret": "secret", "security_token": "token"}


def agb_vendor():
    """AGB's package, quiet."""
    os.environ["AGB_LOG_LEVEL"] = "CRITICAL"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import agb
    settle(agb)
    return agb


def agb_client(service, key=None):
    """AGB's client of a running service."""
    from agb.config import Config

    return agb_vendor().AGB(key or service.key, Config(service.url, 60000))


class World:
    """A service with a session and a context, and one vendor's two layers over it."""

    actions = tuple(ACTIONS)

    def __init__(self, service):
        self.service = service
        self.agent, params = self.begin()
        self.session = self.agent.create(params).session
        self.context = self.agent.context.get("made", create=True).context
        self.names = {"$session": self.session.session_id, "$context": self.context.id}

    def begin(self):
        """The client, and what a session is created with."""
        params = vendor().CreateSessionParams(image_id="code_latest")
        return self.service.sdk(), params

    def prepare(self, what):
        """Bring about the state that a case needs."""
        if what == "pause":
            self.service.ask("PauseSessionAsync", SessionId=self.session.session_id)
        elif what == "file":
            (self.service.host.contexts.get(self.context.id).files / "a").write_text("x")
        elif what == "object":
            self.call("oss_env_init", KEYS)
            target = self.service.host.buckets.find("my-bucket").resolve("a")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("x")
        elif what == "fill":
            while self.service.ask("CreateMcpSession", ImageId="code_latest").status == 200:
                pass
        elif what == "use":
            items = json.dumps([{"ContextId": self.context.id, "Path": "/mnt/late"}])
            session = {"SessionId": self.session.session_id, "PersistenceDataList": items}
            assert self.service.ask("BindContexts", **session).status == 200

    def call(self, tool, args):
        """Call a tool by the upper layer, which goes over the link."""
        return self.session.call_mcp_tool(tool, args)

    def spoil_token(self, token="other"):
        """Give the client another token of the session; gives the one before."""
        before, self.session._token = self.session.token, token
        self.session.token = token
        return before

    def send(self, action, fields, *, key=None):
        """The body that a good request is answered, with the names of its fields in small."""
        body = self.request(action, self.fill(fields), f"Bearer {key or self.service.key}")
        return {name.lower(): value for name, value in body.items()}

    def fill(self, fields):
        """Fields with what stands for this world's own ids."""
        return {name: self.names.get(str(value), value) for name, value in fields.items()}

    def request(self, action, fields, authorization):
        """The answer of the SDK's own lower client; a refusal raises its exception."""
        from agentbay.api import models

        if "persistence_data_list" in fields:
            item = getattr(models, f"{action}RequestPersistenceDataList")
            paths = fields["persistence_data_list"]
            fields["persistence_data_list"] = [
                item(context_id=self.context.id, path=path) for path in paths
            ]
        request = getattr(models, f"{action}Request")(**fields)
        request.authorization = authorization
        return getattr(self.agent.client, snake(action))(request).to_map()["body"]

    def refused(self, action, fields, **options):
        """The code with which a request is refused."""
        with pytest.raises(Exception) as error:
            self.send(action, fields, **options)
        return error.value.code


class AgbWorld(World):
    """The same over AGB's paths."""

    actions = tuple(dict.fromkeys(rest.ROUTES.values()))
    _NAMES = {
        "CreateMcpSession": ("create_session", "CreateSession"),
        "ListSession": ("list_sessions", "ListSession"),
        "ReleaseMcpSession": ("release_session", "ReleaseSession"),
    }

    def begin(self):
        client = agb_client(self.service)
        from agb.session_params import CreateSessionParams

        return client, CreateSessionParams(image_id="agb-code-space-1")

    def fill(self, fields):
        self.names["code_latest"] = "agb-code-space-1"
        return super().fill(fields)

    def request(self, action, fields, authorization):
        from agb.api import models
        from agb.api.http_client import HTTPClient

        method, name = self._NAMES.get(action, (snake(action), action))
        request = getattr(models, f"{name}Request")(authorization=authorization, **fields)
        client = HTTPClient(authorization, self.agent.config)
        try:
            answer = getattr(client, method)(request)
        finally:
            client.close()
        assert (answer.status_code == 200) == answer.json_data["success"]
        return answer.json_data

    def refused(self, action, fields, **options):
        body = self.send(action, fields, **options)
        assert body["success"] is False and body["message"] and body["requestid"]
        return body["code"]


WIRES = {"agentbay": World, "agb": AgbWorld}


def snake(name):
    """A name with underscores."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
