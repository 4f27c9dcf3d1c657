"""Contexts and mounts through the real SDK, against the miniature cloud."""

import json

import pytest

from agentbay_kernel.contexts import MountPolicy
from agentbay_kernel.errors import ContextGone, ProviderError, UsageError
from agentbay_kernel.session import Mount, SessionSpec
from tests.providers.cloud import refusal


def fields(cloud, action):
    return next(sent for name, sent in reversed(cloud.asked) if name == action)


async def test_a_policy_is_said_in_the_wires_words(cloud, provider, kind):
    policy = MountPolicy(
        auto_upload=False,
        auto_download=False,
        archive=True,
        loose=("logs",) if kind == "agentbay" else (),
        deletions=False,
        extract=False,
        only=("src", "docs"),
        without=("src/tmp",),
        keep_days=1,
        keep_paths=("src",),
    )
    await provider.create(SessionSpec(mounts=(Mount("data", "/data", policy),)))
    (item,) = json.loads(fields(cloud, "CreateMcpSession")["PersistenceDataList"])
    sent = json.loads(item["Policy"])
    assert sent["uploadPolicy"]["autoUpload"] is False
    assert sent["uploadPolicy"]["uploadMode"] == "Archive"
    wanted = {"agentbay": ["logs"], "agb": None}[kind]
    assert sent["uploadPolicy"].get("archiveExcludePaths") == wanted
    assert sent["downloadPolicy"]["autoDownload"] is False
    assert sent["deletePolicy"]["syncLocalFile"] is False
    assert sent["extractPolicy"]["extract"] is False
    assert sent["recyclePolicy"] == {"lifecycle": "Lifecycle_1Day", "paths": ["src"]}
    white = sent["bwList"]["whiteLists"]
    assert [each["path"] for each in white] == ["src", "docs"]
    assert white[0]["excludePaths"] == ["src/tmp"]


async def test_a_policy_that_the_sdk_refuses_asks_nothing(cloud, provider):
    wish = SessionSpec(mounts=(Mount("data", "/data", MountPolicy(only=("a*",))),))
    with pytest.raises(UsageError, match=r"[Ww]ildcard"):
        await provider.create(wish)
    assert cloud.asked == []


@pytest.mark.parametrize("kind", ["agentbay"])
async def test_a_context_is_mounted_live_without_waiting(cloud, session):
    bound = await session.mounts.add(Mount("data", "/data", MountPolicy(keep_days=360)))
    assert (bound.context_id, bound.path) == ("ctx-1", "/data")
    (item,) = json.loads(fields(cloud, "BindContexts")["PersistenceDataList"])
    assert json.loads(item["Policy"])["recyclePolicy"]["lifecycle"] == "Lifecycle_360Days"
    assert cloud.count("GetContextInfo") == 0


@pytest.mark.parametrize("kind", ["agentbay"])
async def test_a_mount_that_is_refused_says_why(cloud, session):
    cloud.answers["BindContexts"] = refusal("InvalidContext.PathInUse", "bound to that path")
    with pytest.raises(ProviderError, match=r"was not mounted.*bound to that path"):
        await session.mounts.add(Mount("data", "/data"))


@pytest.mark.parametrize("kind", ["agentbay"])
async def test_mounts_tell_their_policy(cloud, session):
    manual = json.dumps({"uploadPolicy": {"autoUpload": False}})
    row = {"ContextId": "c", "ContextName": "data", "Path": "/data", "Policy": manual}
    cloud.answers["DescribeSessionContexts"] = {"Data": [row, row | {"Policy": "no json"}]}
    assert [each.auto_upload for each in await session.mounts.list()] == [False, True]


async def test_a_transfer_begins_with_one_request_and_no_poll(cloud, session):
    await session.mounts.start("upload")
    assert [name for name, _ in cloud.asked[1:]] == ["SyncContext"]


async def test_a_transfer_that_is_refused_is_an_error(cloud, session):
    cloud.answers["SyncContext"] = refusal("InvalidContext.NotFound", "Context c not found")
    with pytest.raises(ContextGone, match="Nothing was uploaded"):
        await session.mounts.start("upload")


@pytest.mark.parametrize(
    "answer", [{"Data": {}}, refusal("InvalidContext.NotFound", "Context x not found")]
)
async def test_a_context_that_is_not_there_is_gone(cloud, provider, answer):
    cloud.answers["GetContext"] = answer
    with pytest.raises(ContextGone, match="x"):
        await provider.contexts.get("x")


async def test_contexts_come_by_pages_with_their_state(cloud, provider):
    row = {"Id": "c", "Name": "data", "State": "in-use", "CreateTime": "t1", "LastUsedTime": "t2"}
    cloud.answers["ListContexts"] = {"Data": [row], "NextToken": "n", "TotalCount": 7}
    page = await provider.contexts.list(limit=3, token="m")
    assert (page.contexts[0].state, page.next_token, page.total) == ("in-use", "n", 7)
    sent = fields(cloud, "ListContexts")
    assert (sent["MaxResults"], sent["NextToken"]) == ("3", "m")


async def test_clearing_waits_until_it_is_done(cloud, provider):
    row = {"Id": "c", "Name": "data"}
    states = ["clearing", "clearing", "available"]
    cloud.answers["GetContext"] = [{"Data": row | {"State": state}} for state in states]
    await provider.contexts.clear("c")
    assert cloud.count("GetContext") == 3


async def test_files_have_names_and_sizes(cloud, provider):
    rows = [
        {"FileName": "a.txt", "FilePath": "/data/sub/a.txt", "FileType": "FILE", "Size": 3},
        {"FileName": "d", "FilePath": "/data/sub/d", "FileType": "FOLDER", "Size": 0},
    ]
    cloud.answers["DescribeContextFiles"] = {"Data": rows, "NextToken": "n"}
    page = await provider.contexts.files("c", "sub/")
    assert [(each.name, each.is_dir, each.size) for each in page.files] == [
        ("a.txt", False, 3),
        ("d", True, None),
    ]
    assert fields(cloud, "DescribeContextFiles")["ParentFolderPath"] == "/sub"


async def test_an_address_is_a_secret_that_no_error_shows(cloud, provider):
    url = "https://store/x?Signature=very-secret"
    cloud.answers["GetContextFileUploadUrl"] = {"Data": {"Url": url, "ExpireTime": 1}}
    assert await provider.contexts.upload_url("c", "a/b") == url
    assert fields(cloud, "GetContextFileUploadUrl")["FilePath"] == "/a/b"
    assert url in provider.caller.secrets
    cloud.answers["GetContextFileUploadUrl"] = {"Data": {"Url": "", "ExpireTime": 1}}
    with pytest.raises(ProviderError, match="no address"):
        await provider.contexts.upload_url("c", "a")
