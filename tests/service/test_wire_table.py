"""Every action and every tool, five ways each, through the vendor's own client."""

import json
import re
from dataclasses import dataclass, field

import pytest

from agentbay_kernel.service import server
from agentbay_kernel.service.rpc import ACTIONS
from agentbay_kernel.service.tools import TOOLS
from tests.service.running import Running, quiet_sdk, vendor, wait_for

assert server.HANDLERS
COLUMNS = ("ok", "unknown", "bad_key", "bad", "wrong")
NOWHERE = "s-0000000000000000"
ANY_STATE = "this only reads or notes something, which every state allows"


@dataclass(frozen=True)
class Case:
    """A request that is refused: the fields it changes, the code, what is done before."""

    change: dict = field(default_factory=dict)
    code: str = ""
    before: str = ""


@dataclass(frozen=True)
class Row:
    """One action: fields of a good request, and each refusal or why there is none."""

    ok: dict
    unknown: Case | str = Case({"session_id": NOWHERE}, "InvalidMcpSession.NotFound")
    bad: Case | str = Case({"session_id": None}, "InvalidParameter.SessionId")
    wrong: Case | str = ANY_STATE
    before: str = ""


def paused(code="InvalidMcpSession.IncorrectStatus"):
    return Case({}, code, "pause")


def lost(**change):
    return Case(change, "InvalidContext.NotFound")


SESSION = {"session_id": "$session"}
CONTEXT = {"context_id": "$context"}
FILE = {**CONTEXT, "file_path": "a"}
OUTSIDE = Case({"file_path": "../a"}, "InvalidParameter.FilePath")
NO_ID = Case({"id": None}, "InvalidParameter.Id")
LOST = lost(context_id="SdkCtx-none")

ROWS = {
    "CreateMcpSession": Row(
        {"image_id": "code_latest"},
        Case({"image_id": "windows_latest"}, "InvalidImageId.NotFound"),
        Case({"labels": "["}, "InvalidParameter.Labels"),
        Case({}, "QuotaExceeded.Session", "fill"),
    ),
    "GetSession": Row(SESSION),
    "GetSessionDetail": Row(SESSION),
    "ListSession": Row(
        {"labels": "{}"},
        "a label that no session has lists nothing",
        Case({"next_token": "other"}, "InvalidParameter.NextToken"),
    ),
    "DeleteSessionAsync": Row(SESSION, wrong=paused()),
    "ReleaseMcpSession": Row(SESSION, wrong=paused()),
    "RefreshSessionIdleTime": Row(SESSION),
    "PauseSessionAsync": Row(SESSION, wrong=paused()),
    "ResumeSessionAsync": Row(
        SESSION, wrong=Case({}, "InvalidMcpSession.IncorrectStatus"), before="pause"
    ),
    "SetLabel": Row(
        {**SESSION, "labels": '{"a": "b"}'},
        bad=Case({"labels": '["a"]'}, "InvalidParameter.Labels"),
    ),
    "GetLabel": Row(SESSION),
    "GetMcpResource": Row(SESSION),
    "GetLink": Row(
        {**SESSION, "protocol_type": "https", "port": 30150},
        bad=Case({"port": 80}, "InvalidParameter.Port"),
        wrong=paused(),
    ),
    "ListMcpTools": Row(
        {"image_id": "code_latest"},
        Case({"image_id": "windows_latest"}, "InvalidImageId.NotFound"),
        "the image is its only argument",
    ),
    "CallMcpTool": Row(
        {**SESSION, "name": "shell", "args": '{"command": "ls"}'},
        bad=Case({"args": "{"}, "InvalidParameter.Args"),
        wrong="the tools' rows below: a refusal is the tool's own answer",
    ),
    "GetContext": Row(
        {"name": "made"},
        lost(name="other"),
        Case({"name": "a/b"}, "InvalidParameter.Name"),
    ),
    "ListContexts": Row(
        {"max_results": 5},
        "there is no id but that of a session, which ListSession's family shows",
        Case({"max_results": 0}, "InvalidParameter.MaxResults"),
    ),
    "ModifyContext": Row(
        {"id": "$context", "name": "new"},
        lost(id="SdkCtx-none"),
        Case({"name": ".."}, "InvalidParameter.Name"),
    ),
    "DeleteContext": Row(
        {"id": "$context"},
        lost(id="SdkCtx-none"),
        NO_ID,
        Case({}, "InvalidContext.InUse", "use"),
    ),
    "ClearContext": Row(
        {"id": "$context"},
        lost(id="SdkCtx-none"),
        NO_ID,
        Case({}, "InvalidContext.InUse", "use"),
    ),
    "SyncContext": Row(
        {**SESSION, "mode": "upload"},
        bad=Case({"mode": "sideways"}, "InvalidParameter.Mode"),
        wrong=paused(),
    ),
    "GetContextInfo": Row(SESSION),
    "BindContexts": Row(
        {**SESSION, "persistence_data_list": ["/mnt/late"]},
        bad=Case({"persistence_data_list": ["relative"]}, "InvalidParameter.PersistenceDataList"),
        wrong=paused(),
    ),
    "DescribeSessionContexts": Row(SESSION),
    "GetAndLoadInternalContext": Row(
        {**SESSION, "context_types": ["file_transfer"]},
        bad=Case({"context_types": ["other"]}, "InvalidParameter.ContextTypes"),
        wrong=paused(),
    ),
    "DescribeContextFiles": Row(
        {**CONTEXT, "parent_folder_path": "/"},
        LOST,
        Case({"parent_folder_path": "/../x"}, "InvalidParameter.FilePath"),
    ),
    "GetContextFileUploadUrl": Row(FILE, LOST, OUTSIDE),
    "GetContextFileDownloadUrl": Row(FILE, LOST, OUTSIDE, before="file"),
    "DeleteContextFile": Row(FILE, LOST, OUTSIDE, before="file"),
}

PATH = {"path": "/workspace/a"}
KEYS = {"access_key_id": "id", "access_key_secret": "secret", "security_token": "token"}
OBJECT = {**PATH, "bucket": "my-bucket", "object": "a"}
# Good arguments, and the one whose absence is refused.
CALLS = {
    "run_code": ({"code": "1"}, "code"),
    "shell": ({"command": "ls"}, "command"),
    "read_file": (PATH, "path"),
    "write_file": ({**PATH, "content": "x"}, "content"),
    "get_file_info": (PATH, "path"),
    "list_directory": (PATH, "path"),
    "create_directory": (PATH, "path"),
    "delete_file": (PATH, "path"),
    "move_file": ({"source": "/a", "destination": "/b"}, "destination"),
    "edit_file": ({**PATH, "edits": []}, "edits"),
    "read_multiple_files": ({"paths": ["/a"]}, "paths"),
    "search_files": ({**PATH, "pattern": "*"}, "pattern"),
    "get_file_change": (PATH, "path"),
    "set_env": ({"envs": [{"key": "A", "value": "b"}]}, "envs"),
    "get_env": ({}, "it has no argument that must be there"),
    "get_metrics": ({}, "it has no argument"),
    "oss_env_init": (KEYS, "security_token"),
    "oss_upload": (OBJECT, "bucket"),
    "oss_download": (OBJECT, "object"),
    "oss_upload_annon": ({**PATH, "url": "http://127.0.0.1:9/a"}, "url"),
    "oss_download_annon": ({**PATH, "url": "http://127.0.0.1:9/a"}, "url"),
}


class World:
    """A service with a session and a context, and the vendor's two layers over it."""

    def __init__(self, service):
        self.service, self.agent = service, service.sdk()
        params = vendor().CreateSessionParams(image_id="code_latest")
        self.session = self.agent.create(params).session
        self.context = self.agent.context.get("made", create=True).context
        self.names = {"$session": self.session.session_id, "$context": self.context.id}

    def prepare(self, what):
        if what == "pause":
            self.service.ask("PauseSessionAsync", SessionId=self.session.session_id)
        elif what == "file":
            (self.service.host.contexts.get(self.context.id).files / "a").write_text("x")
        elif what == "object":
            self.session.call_mcp_tool("oss_env_init", KEYS)
            target = self.service.host.buckets.find("my-bucket").resolve("a")
            target.parent.mkdir(parents=True)
            target.write_text("x")
        elif what == "fill":
            while self.service.create_status() == 200:
                pass
        elif what == "use":
            self.send("BindContexts", ROWS["BindContexts"].ok)

    def send(self, action, fields, *, key=None):
        """A request of the SDK's own lower client; a refusal raises its exception."""
        from agentbay.api import models

        fields = {name: self.names.get(str(value), value) for name, value in fields.items()}
        if "persistence_data_list" in fields:
            item = getattr(models, f"{action}RequestPersistenceDataList")
            paths = fields["persistence_data_list"]
            fields["persistence_data_list"] = [
                item(context_id=self.context.id, path=path) for path in paths
            ]
        request = getattr(models, f"{action}Request")(**fields)
        request.authorization = f"Bearer {key or self.service.key}"
        method = re.sub(r"(?<!^)([A-Z])", r"_\1", action).lower()
        return getattr(self.agent.client, method)(request).to_map()["body"]

    def refused(self, action, fields, **options):
        with pytest.raises(Exception) as error:
            self.send(action, fields, **options)
        return error.value.code


@pytest.fixture
def world(service):
    service.create_status = lambda: service.ask("CreateMcpSession", ImageId="code_latest").status
    return World(service)


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    """A world for requests that change nothing in it."""
    with quiet_sdk():
        service = Running(tmp_path_factory.mktemp("h"))
        yield World(service)
        service.close()


def cells(column):
    named = ((name, getattr(row, column, None)) for name, row in ROWS.items())
    return [pytest.param(name, case, id=name) for name, case in named if isinstance(case, Case)]


@pytest.mark.parametrize("action", ROWS)
def test_action_ok(world, action):
    world.prepare(ROWS[action].before)
    body = world.send(action, ROWS[action].ok)
    assert body["Success"] is True and body["RequestId"]


@pytest.mark.parametrize("action", ROWS)
def test_action_bad_key(steady, action):
    assert steady.refused(action, ROWS[action].ok, key="akm-other") == "InvalidApiKey"


@pytest.mark.parametrize(("action", "case"), [*cells("unknown"), *cells("bad"), *cells("wrong")])
def test_action_refused(world, action, case):
    world.prepare(case.before)
    assert world.refused(action, {**ROWS[action].ok, **case.change}) == case.code


def call(world, tool, args):
    return world.session.call_mcp_tool(tool, args)


def over_api(world, tool, args, **options):
    fields = {**SESSION, "name": tool, "args": json.dumps(args), **options.pop("change", {})}
    return world.refused("CallMcpTool", fields, **options)


@pytest.mark.parametrize("tool", CALLS)
def test_tool_ok(world, tool):
    world.prepare("object" if "bucket" in CALLS[tool][0] else "")
    result = call(world, tool, CALLS[tool][0])
    assert result.success, result.error_message


@pytest.mark.parametrize("tool", CALLS)
def test_tool_unknown_id(steady, tool):
    change = {"session_id": NOWHERE}
    assert over_api(steady, tool, CALLS[tool][0], change=change) == "InvalidMcpSession.NotFound"


@pytest.mark.parametrize("tool", CALLS)
def test_tool_bad_key(world, tool):
    assert over_api(world, tool, CALLS[tool][0], key="akm-other") == "InvalidApiKey"
    world.session._token = world.session.token = "other"
    assert not call(world, tool, CALLS[tool][0]).success


@pytest.mark.parametrize("tool", [tool for tool, (_, name) in CALLS.items() if " " not in name])
def test_tool_bad_argument(steady, tool):
    args, name = CALLS[tool]
    missing = call(steady, tool, {key: value for key, value in args.items() if key != name})
    assert not missing.success and f"the argument {name} is missing" in missing.error_message
    wrong = call(steady, tool, {**args, name: 7})
    assert not wrong.success and f"the argument {name} is no" in wrong.error_message


@pytest.mark.parametrize("tool", CALLS)
def test_tool_wrong_state(world, tool):
    world.prepare("pause")
    result = call(world, tool, CALLS[tool][0])
    assert not result.success and "PAUSED" in result.error_message


def test_the_table_has_a_row_for_every_action_and_tool(capsys):
    assert set(ROWS) == set(ACTIONS)
    assert set(CALLS) == set(TOOLS)
    for name, row in ROWS.items():
        for column in ("unknown", "bad", "wrong"):
            case = getattr(row, column)
            assert isinstance(case, Case) or len(case) > 15, f"{name}.{column} needs a reason"
    with capsys.disabled():
        print(f"\nwire table: {len(ROWS)} actions + {len(CALLS)} tools x {len(COLUMNS)} ways")


def test_what_is_gone_stays_gone_in_the_table(world):
    world.send("DeleteSessionAsync", SESSION)
    wait_for(lambda: not len(world.service.host.sessions), "the session ends")
    assert world.refused("GetSession", SESSION) == "InvalidMcpSession.NotFound"
