"""Every action and every tool, five ways each, through both vendors' own clients."""

import json
from dataclasses import dataclass, field

import pytest

from agentbay_kernel.service import rest, server
from agentbay_kernel.service.rpc import ACTIONS
from agentbay_kernel.service.tools import TOOLS
from tests.service.running import Running, quiet_sdk, wait_for
from tests.service.wires import KEYS, WIRES

assert server.HANDLERS
COLUMNS = ("ok", "unknown", "bad_key", "bad", "wrong")
NOWHERE = "s-0000000000000000"
# What only AgentBay's wire has, and why AGB's has not.
NOT_AGBS = {
    "PauseSessionAsync": "AGB's sessions do not pause",
    "ResumeSessionAsync": "AGB's sessions do not pause",
    "BindContexts": "AGB binds contexts at a session's creation only",
    "DescribeSessionContexts": "AGB binds contexts at a session's creation only",
}
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


@pytest.fixture
def world(request, service):
    return WIRES[request.param](service)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """Makes the worlds that the whole table shares."""
    worlds = {}

    def get(wire, before=""):
        if (wire, before) not in worlds:
            world = WIRES[wire](Running(tmp_path_factory.mktemp("h")))
            world.prepare(before)
            worlds[wire, before] = world
        return worlds[wire, before]

    with quiet_sdk():
        yield get
        for world in worlds.values():
            world.service.close()


@pytest.fixture
def steady(request, lasting):
    """A world for requests that change nothing in it."""
    return lasting(request.param)


@pytest.fixture
def still(request, lasting):
    """A world whose session is paused."""
    return lasting(request.param, "pause")


def actions(fixture):
    """Every action of each wire."""
    pairs = [(wire, name) for wire, world in WIRES.items() for name in world.actions]
    ids = [f"{wire}-{name}" for wire, name in pairs]
    return pytest.mark.parametrize((fixture, "action"), pairs, indirect=[fixture], ids=ids)


def refusals(fixture, wanted):
    """Every refusal that is wanted, on each wire."""
    found = []
    for wire, world in WIRES.items():
        for name in world.actions:
            cases = ((each, getattr(ROWS[name], each)) for each in COLUMNS[1:] if each != "bad_key")
            for column, case in cases:
                if isinstance(case, Case) and wanted(case):
                    found.append(pytest.param(wire, name, case, id=f"{wire}-{name}-{column}"))
    return pytest.mark.parametrize((fixture, "action", "case"), found, indirect=[fixture])


def tools(fixture, wanted=lambda tool: True):
    """Every tool on each wire."""
    pairs = [(wire, tool) for wire in WIRES for tool in CALLS if wanted(tool)]
    ids = [f"{wire}-{tool}" for wire, tool in pairs]
    return pytest.mark.parametrize((fixture, "tool"), pairs, indirect=[fixture], ids=ids)


@actions("world")
def test_action_ok(world, action):
    world.prepare(ROWS[action].before)
    body = world.send(action, ROWS[action].ok)
    assert body["success"] is True and body["requestid"]


@actions("steady")
def test_action_bad_key(steady, action):
    assert steady.refused(action, ROWS[action].ok, key="akm-other") == "InvalidApiKey"


@refusals("steady", lambda case: not case.before)
def test_action_refused(steady, action, case):
    assert steady.refused(action, {**ROWS[action].ok, **case.change}) == case.code


@refusals("still", lambda case: case.before == "pause")
def test_action_refused_while_paused(still, action, case):
    assert still.refused(action, {**ROWS[action].ok, **case.change}) == case.code


@refusals("world", lambda case: case.before not in ("", "pause"))
def test_action_refused_in_a_state(world, action, case):
    world.prepare(case.before)
    assert world.refused(action, {**ROWS[action].ok, **case.change}) == case.code


def over_api(tool, args, **change):
    """The fields of a tool's call beside the link."""
    return {**SESSION, "name": tool, "args": json.dumps(args), **change}


@tools("steady")
def test_tool_ok(steady, tool):
    args = CALLS[tool][0]
    steady.prepare("object" if "bucket" in args else "")
    result = steady.call(tool, args)
    assert result.success, result.error_message
    assert steady.send("CallMcpTool", over_api(tool, args))["data"]["isError"] is False


@tools("steady")
def test_tool_unknown_id(steady, tool):
    fields = over_api(tool, CALLS[tool][0], session_id=NOWHERE)
    assert steady.refused("CallMcpTool", fields) == "InvalidMcpSession.NotFound"


@tools("steady")
def test_tool_bad_key(steady, tool):
    fields = over_api(tool, CALLS[tool][0])
    assert steady.refused("CallMcpTool", fields, key="akm-other") == "InvalidApiKey"
    token = steady.spoil_token()
    assert not steady.call(tool, CALLS[tool][0]).success
    steady.spoil_token(token)


@tools("steady", lambda tool: " " not in CALLS[tool][1])
def test_tool_bad_argument(steady, tool):
    args, name = CALLS[tool]
    less = {key: value for key, value in args.items() if key != name}
    missing = steady.call(tool, less)
    assert not missing.success and f"the argument {name} is missing" in missing.error_message
    assert steady.send("CallMcpTool", over_api(tool, less))["data"]["isError"] is True
    wrong = steady.call(tool, {**args, name: 7})
    assert not wrong.success and f"the argument {name} is no" in wrong.error_message


@tools("still")
def test_tool_wrong_state(still, tool):
    result = still.call(tool, CALLS[tool][0])
    assert not result.success and "PAUSED" in result.error_message


def test_the_table_has_a_row_for_every_action_and_tool(capsys):
    assert set(ROWS) == set(ACTIONS)
    assert set(CALLS) == set(TOOLS)
    assert set(ACTIONS) - set(rest.ROUTES.values()) == set(NOT_AGBS)
    for name, row in ROWS.items():
        for column in ("unknown", "bad", "wrong"):
            case = getattr(row, column)
            assert isinstance(case, Case) or len(case) > 15, f"{name}.{column} needs a reason"
    with capsys.disabled():
        rows = f"{len(ROWS)} actions + {len(CALLS)} tools"
        print(f"\nwire table: {rows} x {len(COLUMNS)} ways x {len(WIRES)} wires")


@pytest.mark.parametrize("world", WIRES, indirect=True)
def test_what_is_gone_stays_gone_in_the_table(world):
    world.send("DeleteSessionAsync", SESSION)
    wait_for(lambda: not len(world.service.host.sessions), "the session ends")
    assert world.refused("GetSession", SESSION) == "InvalidMcpSession.NotFound"
