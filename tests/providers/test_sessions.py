"""The provider: creating, finding, listing and ending sessions, and what goes wrong then."""

import asyncio
import json

import pytest
from aiohttp import web

from agentbay_kernel.errors import (
    ImageUnknown,
    KeyMissing,
    KeyRefused,
    ProviderError,
    SessionGone,
    SessionLimit,
    SyncError,
    Unreachable,
    UsageError,
)
from agentbay_kernel.providers import _gateway
from agentbay_kernel.session import Mount, SessionSpec
from tests.providers.cloud import KEY, TOKEN, refusal


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(_gateway, "_backoff", lambda attempt: 0.001)


def fields(cloud, action):
    return next(fields for name, fields in cloud.asked if name == action)


async def test_create_sends_explicit_times_and_the_labels(cloud, provider, kind):
    session = await provider.create(SessionSpec("img", {"a": "b"}, (), 7, 90))
    sent = fields(cloud, "CreateMcpSession")
    assert sent["ImageId"] == "img"
    assert json.loads(sent["Labels"]) == {"a": "b"}
    assert sent["Authorization"] == f"Bearer {KEY}"
    if kind == "agentbay":
        assert (sent["Timeout"], sent["MaxRuntime"]) == ("7", "90")
        assert (session.idle_minutes, session.max_minutes) == (7, 90)
    else:  # seconds, and no longest time
        assert (sent["Timeout"], "MaxRuntime" in sent) == ("420", False)
        assert (session.idle_minutes, session.max_minutes) == (7, None)


async def test_the_kernels_image_has_the_providers_own_name(cloud, provider, kind):
    await provider.create(SessionSpec("code_latest"))
    names = {"agentbay": "code_latest", "agb": "agb-code-space-1"}
    assert fields(cloud, "CreateMcpSession")["ImageId"] == names[kind]


async def test_refused_times_are_halved_until_they_are_accepted(cloud, provider, spec, kind):
    def answer(sent):
        if int(sent["Timeout"]) > {"agentbay": 16, "agb": 16 * 60}[kind]:
            return refusal("InvalidParameter.Timeout", "Timeout is out of range")
        return None

    cloud.answers["CreateMcpSession"] = answer
    session = await provider.create(spec)
    assert session.idle_minutes == 15
    assert session.max_minutes == {"agentbay": 120, "agb": None}[kind]


async def test_mounts_become_context_syncs_with_a_policy(cloud, provider):
    await provider.create(SessionSpec(mounts=(Mount("data", "/data"),)))
    (item,) = json.loads(fields(cloud, "CreateMcpSession")["PersistenceDataList"])
    assert (item["ContextId"], item["Path"]) == ("ctx-1", "/data")
    assert json.loads(item["Policy"])["uploadPolicy"]["autoUpload"] is True
    assert fields(cloud, "GetContext")["AllowCreate"] in ("True", "true")


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (("InvalidApiKey", "The API key is not valid", 401), KeyRefused),
        (("Unauthorized", "no", 403), KeyRefused),
        (("InvalidImage.NotFound", "Image x not found", 400), ImageUnknown),
        (("InvalidParameter.ImageId", "unknown image x", 400), ImageUnknown),
        (("Quota.Exceeded", "too many", 400), SessionLimit),
        (("SessionLimitExceeded", "20 sessions at most", 400), SessionLimit),
        (("Throttling", "slow down", 429), ProviderError),
        (("Internal", "boom", 500), ProviderError),
    ],
)
async def test_a_refused_create_says_why_and_is_not_repeated(cloud, provider, spec, refused, error):
    cloud.answers["CreateMcpSession"] = refusal(*refused)
    with pytest.raises(ProviderError) as caught:
        await provider.create(spec)
    assert type(caught.value) is error
    assert caught.value.code == refused[0]
    assert caught.value.request_id == "req-refused"
    assert cloud.count("CreateMcpSession") == 1


async def test_a_refusal_inside_an_ok_answer_is_a_refusal(cloud, provider, spec):
    answer = {"Success": False, "Code": "InvalidImage.NotFound", "Message": "Image x not found"}
    cloud.answers["CreateMcpSession"] = answer
    with pytest.raises(ImageUnknown, match="Image x not found"):
        await provider.create(spec)


async def test_an_unanswered_create_finds_the_session_it_made(cloud, provider, spec):
    def answer(sent):
        cloud.sessions["s-1"] = json.loads(sent["Labels"])
        return web.Response(status=502, text="<html>bad gateway")

    cloud.answers["CreateMcpSession"] = answer
    session = await provider.create(spec)
    assert session.session_id == "s-1"
    assert cloud.count("CreateMcpSession") == 1


async def test_an_unanswered_create_that_made_none_is_not_repeated_by_itself(cloud, provider, spec):
    cloud.answers["CreateMcpSession"] = [web.Response(status=502, text="bad gateway")]
    with pytest.raises(Unreachable):
        await provider.create(spec)
    assert cloud.count("CreateMcpSession") == 1
    assert (await provider.create(spec)).session_id == "s-1"
    assert cloud.count("CreateMcpSession") == 2


async def test_after_a_cancelled_create_its_session_is_found(cloud, provider, spec):
    arrived = asyncio.Event()

    async def answer(sent):
        cloud.sessions["s-1"] = json.loads(sent["Labels"])
        arrived.set()
        await asyncio.Event().wait()

    cloud.answers["CreateMcpSession"] = answer
    task = asyncio.ensure_future(provider.create(spec))
    await asyncio.wait_for(arrived.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await provider.create(spec)).session_id == "s-1"
    assert cloud.count("CreateMcpSession") == 1


async def test_nobody_at_the_endpoint_is_unreachable(make, spec):
    provider = make(KEY, endpoint="http://127.0.0.1:1")
    with pytest.raises(Unreachable, match="Check the network"):
        await provider.create(spec)


async def test_without_a_key_the_first_use_says_so(make, spec):
    provider = make("")
    with pytest.raises(KeyMissing, match=provider.vendor.key_variable):
        await provider.create(spec)


async def test_get_gives_a_session_that_streams(cloud, provider, spec):
    await provider.create(spec)
    session = await provider.get("s-1")
    assert session.capabilities == provider.capabilities
    assert session.capabilities.stream and session.capabilities.shell


async def test_get_of_an_unknown_session_is_gone(cloud, provider):
    cloud.answers["GetSession"] = refusal("InvalidMcpSession.NotFound", "Session s-9 not found")
    with pytest.raises(SessionGone):
        await provider.get("s-9")


async def test_list_gives_pages_with_token_and_total(cloud, provider):
    rows = [{"SessionId": "s-1", "SessionStatus": "running", "ImageId": "code_latest"}]
    cloud.answers["ListSession"] = {"Data": rows, "NextToken": "next", "TotalCount": 3}
    page = await provider.list({"a": "b"}, limit=1, token="here")
    assert (page.next_token, page.total) == ("next", 3)
    assert (page.sessions[0].session_id, page.sessions[0].status) == ("s-1", "RUNNING")
    sent = fields(cloud, "ListSession")
    assert (sent["NextToken"], sent["MaxResults"]) == ("here", "1")
    assert json.loads(sent["Labels"]) == {"a": "b"}


async def test_list_chooses_a_state_also_where_the_wire_cannot(cloud, provider, kind):
    rows = [{"SessionId": f"s-{state}", "SessionStatus": state} for state in ("RUNNING", "PAUSED")]

    def answer(sent):
        wanted = sent.get("Status")
        return {"Data": [row for row in rows if wanted in (None, row["SessionStatus"])]}

    cloud.answers["ListSession"] = answer
    page = await provider.list({}, status="paused")
    assert [each.session_id for each in page.sessions] == ["s-PAUSED"]
    assert ("Status" in fields(cloud, "ListSession")) == (kind == "agentbay")


async def test_list_without_a_total_says_none(cloud, provider):
    assert (await provider.list({})).total is None


async def test_delete_by_id_asks_and_confirms(cloud, provider, spec):
    await provider.create(spec)
    await provider.delete("s-1")
    actions = [name for name, _ in cloud.asked]
    assert actions == ["CreateMcpSession", "DeleteSessionAsync", "GetSessionDetail"]


async def test_delete_of_an_unknown_id_is_gone(cloud, provider):
    cloud.answers["DeleteSessionAsync"] = refusal("InvalidMcpSession.NotFound", "not found")
    with pytest.raises(SessionGone):
        await provider.delete("s-9")


async def test_deleting_a_session_that_is_gone_is_fine(cloud, session):
    cloud.answers["DeleteSessionAsync"] = refusal("InvalidMcpSession.NotFound", "not found")
    await session.delete()


async def test_idempotent_calls_are_repeated_and_then_succeed(cloud, session):
    cloud.answers["RefreshSessionIdleTime"] = [
        refusal("Internal", "boom", 503),
        refusal("Throttling", "slow", 429),
    ]
    await session.keep_alive()
    assert cloud.count("RefreshSessionIdleTime") == 3


async def test_repeating_has_an_end(cloud, session):
    cloud.answers["GetLabel"] = refusal("Internal", "boom", 500)
    with pytest.raises(ProviderError, match="boom"):
        await session.labels()
    assert cloud.count("GetLabel") == _gateway.TRIES


async def test_what_is_refused_for_good_is_not_repeated(cloud, session):
    cloud.answers["GetLabel"] = refusal("InvalidMcpSession.NotFound", "Session s-1 not found")
    with pytest.raises(SessionGone):
        await session.labels()
    assert cloud.count("GetLabel") == 1


async def test_the_wait_that_the_provider_asks_for_is_kept(cloud, session):
    refused = refusal("Throttling", "slow", 429, **{"x-acs-retry-after": "150"})
    cloud.answers["GetLabel"] = [refused]
    start = asyncio.get_running_loop().time()
    await session.labels()
    assert asyncio.get_running_loop().time() - start >= 0.15


async def test_a_wait_beyond_patience_is_an_error_at_once(cloud, session):
    refused = refusal("Throttling", "slow", 429, **{"x-acs-retry-after": "600000"})
    cloud.answers["GetLabel"] = refused
    with pytest.raises(ProviderError, match="slow"):
        await asyncio.wait_for(session.labels(), 10)
    assert cloud.count("GetLabel") == 1


async def test_labels_are_set_and_read_back(cloud, session):
    await session.set_labels({"team": "x"})
    assert await session.labels() == {"team": "x"}


async def test_labels_that_did_not_take_are_named(cloud, session):
    cloud.answers["SetLabel"] = {"Data": {}}
    with pytest.raises(ProviderError, match=r"agentbay-kernel\.id, team differ"):
        await session.set_labels({"team": "x"})


async def test_a_refusal_that_the_sdk_takes_for_success_is_an_error(cloud, session):
    cloud.answers["SetLabel"] = {"Success": False, "Code": "Denied", "Message": "not yours"}
    with pytest.raises(ProviderError, match="not yours") as caught:
        await session.set_labels({"team": "x"})
    assert caught.value.code == "Denied"
    assert caught.value.request_id.startswith("req-")


@pytest.mark.parametrize("labels", [{}, {"": "x"}, {"a": " "}, {"a": None}])
async def test_labels_that_the_sdk_would_refuse_are_not_sent(cloud, session, labels):
    with pytest.raises(UsageError):
        await session.set_labels(labels)
    assert cloud.count("SetLabel") == 0


async def test_a_port_out_of_range_is_not_sent(cloud, session):
    with pytest.raises(UsageError, match="30100 to 30199"):
        await session.link(port=8080)
    assert cloud.count("GetLink") == 0


async def test_link_asks_for_port_and_protocol(cloud, session):
    assert await session.link(port=30150, protocol="https") == "https://link/secret"
    assert fields(cloud, "GetLink")["Port"] == "30150"


async def test_an_empty_link_is_an_error(cloud, session):
    cloud.answers["GetLink"] = {"Data": {}}
    with pytest.raises(ProviderError, match="empty link"):
        await session.link()


async def test_info_joins_resource_state_and_image(session):
    info = await session.info()
    assert (info.session_id, info.status, info.image) == ("s-1", "RUNNING", "code_latest")
    assert info.desktop == {"app_id": "app", "ticket": "ticket"}
    assert info.request_id.startswith("req-")


async def test_the_status_of_an_ended_session_is_gone(cloud, session):
    cloud.sessions.clear()
    with pytest.raises(SessionGone):
        await session.status()


async def test_contexts_give_times_in_seconds(session):
    (state,) = await session.contexts()
    assert (state.context_id, state.direction, state.status) == ("ctx-1", "upload", "Success")
    assert (state.started, state.finished) == (1700000000.0, 1700000001.0)


async def test_sync_names_the_direction(cloud, session):
    await session.sync("download")
    assert fields(cloud, "SyncContext")["Mode"] == "download"


async def test_a_failed_sync_says_what_failed_and_keeps_the_session(cloud, session):
    item = {"contextId": "c", "path": "/d", "status": "Failed", "errorMessage": "disk full"}
    data = json.dumps([item | {"taskType": "upload"}])
    status = json.dumps([{"type": "data", "data": data}])
    cloud.answers["GetContextInfo"] = {"Data": {"ContextStatus": status}}
    with pytest.raises(SyncError, match="/d: disk full"):
        await session.delete(sync=True)
    assert cloud.count("DeleteSessionAsync") == 0


async def test_a_resource_is_missing_but_not_the_session(cloud, session):
    cloud.answers["GetMcpResource"] = refusal("Resource.Busy", "try later")
    with pytest.raises(ProviderError, match="try later") as caught:
        await session.info()
    assert caught.value.code == "Resource.Busy"


async def test_no_error_shows_the_key_or_the_token(cloud, session):
    text = f"bad Authorization=Bearer {KEY} and {TOKEN}"
    cloud.answers["GetLabel"] = refusal("Odd", text)
    with pytest.raises(ProviderError) as caught:
        await session.labels()
    assert KEY not in str(caught.value) and TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_fingerprint_tells_keys_apart_and_hides_them(make):
    one, other = make(KEY), make("other")
    assert one.fingerprint(b"salt") == make(KEY).fingerprint(b"salt")
    assert len({one.fingerprint(b"salt"), other.fingerprint(b"salt"), one.fingerprint(b"x")}) == 3
    assert KEY not in one.fingerprint(b"salt")
