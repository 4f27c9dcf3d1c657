"""AGB's unmodified client against the service: what it makes of the answers."""

import asyncio
import json
import threading

import pytest

from agentbay_kernel.service import rest
from agentbay_kernel.service.port import RunEnd
from tests.service.running import http, wait_for
from tests.service.test_sdk import ERROR, FAILED, RESULT, script
from tests.service.wires import agb_client

IMAGE = "agb-code-space-1"


def wanted(image=IMAGE, **options):
    from agb.session_params import CreateSessionParams

    return CreateSessionParams(image_id=image, **options)


def bound(context, path="/mnt/data"):
    from agb.context_sync import ContextSync, SyncPolicy

    return ContextSync.new(context.id, path, SyncPolicy())


@pytest.fixture
def client(service):
    return agb_client(service)


@pytest.fixture
def session(client):
    made = client.create(wanted())
    assert made.success, made.error_message
    yield made.session
    made.session.delete()


@pytest.fixture
def context(client):
    return client.context.get("notes", create=True).context


def ask(service, path, body=None, *, key=None, method=None):
    """A request without the SDK."""
    headers = {"Authorization": f"Bearer {service.key if key is None else key}"}
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return http(f"{service.url}{path}", data, headers=headers, method=method)


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_gives_its_output_and_results(service, session, stream):
    script(service, {"eventType": "stdout", "chunk": "hi\n"}, RESULT)
    done = session.code.run("x", "python", stream_beta=stream)
    assert done.success and done.error_message == ""
    assert done.logs.stdout == ["hi\n"]
    assert (done.results[0].text, done.results[0].html) == ("42", "<b>42</b>")
    assert (done.execution_count, done.execution_time) == (3, 0.5)


@pytest.mark.parametrize("way", ["link", "api", "stream"])
def test_a_failed_run_tells_its_error_and_the_output_before(service, session, way):
    script(service, {"eventType": "stdout", "chunk": "before"}, RESULT, ERROR, **FAILED)
    session.tool_list = session.tool_list if way == "link" else []
    done = session.code.run("x", "python", stream_beta=way == "stream")
    assert not done.success and done.error_message == "ValueError: bad"
    assert (done.logs.stdout, done.results[0].text) == (["before"], "42")


def test_output_is_streamed_while_the_code_runs(service, session):
    seen = threading.Event()

    async def play(code, emit):
        emit({"eventType": "stdout", "chunk": "first"})
        assert await asyncio.to_thread(seen.wait, 10)
        return RunEnd(True, 1, 0.0)

    service.boxes[-1].script = play
    done = session.code.run("x", "python", stream_beta=True, on_stdout=lambda _: seen.set())
    assert done.success


@pytest.mark.parametrize("link", [True, False])
def test_commands_and_files_go_over_the_link_and_beside_it(service, session, link):
    session.tool_list = session.tool_list if link else []
    assert session.command.execute("ls").output == "done"
    assert session.file.write("/workspace/a", "text").success
    tool, args = service.boxes[-1].calls[-1]
    assert (tool, args["path"], args["content"]) == ("write_file", "/workspace/a", "text")
    read = session.file.read("/missing")
    assert not read.success and "no such file" in read.error_message


def test_a_large_text_is_written_beside_the_link(service, session):
    text = "grüße\n" * (3 << 20)
    session.tool_list = []
    assert session.call_mcp_tool("write_file", {"path": "/workspace/a", "content": text}).success
    assert service.boxes[-1].calls[-1][1]["content"] == text


def test_an_image_is_needed_and_the_names_are_agbs(client):
    refused = client.create(wanted("code_latest")).error_message
    assert "code_latest" in refused and all(name in refused for name in rest.IMAGES)
    for name in rest.IMAGES:
        assert client.create(wanted(name)).success


def test_a_session_is_created_with_no_image_by_nobody(service):
    reply = ask(service, "/mcp/createSession", {})
    assert (reply.status, reply.json["code"]) == (400, "InvalidParameter.ImageId")
    assert reply.json["success"] is False and service.boxes == []


def test_the_idle_time_is_in_seconds(service, client):
    assert client.create(wanted(idle_release_timeout=90)).success
    assert next(iter(service.host.sessions)).policy.idle == 90


def test_code_on_an_image_without_it_is_an_unknown_tool(client):
    done = client.create(wanted("agb-computer-use-ubuntu-2204")).session.code.run("1", "python")
    assert not done.success and "Tool not found: run_code" in done.error_message


def test_labels_are_set_at_the_creation_and_replaced(client):
    session = client.create(wanted(labels={"a": "1"})).session
    assert session.get_labels().data == {"a": "1"}
    assert session.set_labels({"b": "2", "ü": "ö"}).success
    assert session.get_labels().data == {"b": "2", "ü": "ö"}


def test_the_listing_is_walked_by_pages(client):
    ids = [client.create(wanted(labels={"job": "x"})).session.session_id for _ in range(3)]
    pages = [client.list(labels={"job": "x"}, page=n, limit=2) for n in (1, 2)]
    assert [each for page in pages for each in page.session_ids] == ids[::-1]
    assert [page.total_count for page in pages] == [3, 3]
    assert not client.list(labels={"job": "x"}, page=3, limit=2).success
    assert client.list(labels={"job": "other"}).session_ids == []


def test_a_recovered_session_runs_code_in_both_ways(client, session):
    found = client.get(session.session_id)
    assert found.success, found.error_message
    for stream in (False, True):
        assert found.session.code.run("hi", "python", stream_beta=stream).logs.stdout == ["hi"]


def test_the_facts_name_the_resource(session):
    data = session.info().data
    assert data["session_id"] == session.session_id
    assert f"resourceId={session.session_id}" in data["resource_url"]
    assert data["app_id"] and data["auth_code"] and "ticket" in data


def test_links_lead_to_a_port_and_to_a_browser(client, session):
    assert "/request_ai/" in session.get_link("https", 30150).data
    assert not session.get_link("https", 80).success
    browser = client.create(wanted("agb-browser-use-1")).session
    assert browser.get_link().data.startswith("ws://")


def test_the_asynchronous_client_and_the_browsers_one_get_links_too(service, client):
    from agb.api.models import GetCdpLinkRequest, GetLinkRequest

    browser = client.create(wanted("agb-browser-use-1")).session
    who = {"authorization": f"Bearer {service.key}", "session_id": browser.session_id}
    link = asyncio.run(client.client.get_link_async(GetLinkRequest(**who)))
    assert link.get_url().startswith("ws://")
    assert client.client.get_cdp_link(GetCdpLinkRequest(**who)).get_url() == link.get_url()


def test_tools_are_listed(session):
    tools = {tool.name: tool for tool in session.list_mcp_tools().tools}
    assert tools["run_code"].server and tools["shell"].input_schema["required"] == ["command"]


def test_keep_alive_starts_the_idle_time_anew(service, session):
    service.ahead(200)
    assert session.keep_alive().success
    service.ahead(200)
    assert session.get_status().status == "RUNNING"


def test_delete_returns_as_soon_as_the_session_is_gone(service, client, session):
    assert client.delete(session).success
    assert service.boxes[-1].closed
    assert "not found" in client.get(session.session_id).error_message
    assert session.get_status().status == "FINISH"


def test_a_wrong_key_is_told(service):
    refused = agb_client(service, "akm-wrong").create(wanted())
    assert not refused.success and "not valid" in refused.error_message
    assert ask(service, "/sdk/ListSession", key="wrong").json["code"] == "InvalidApiKey"
    assert ask(service, "/mcp/unknown", {}, key="wrong").status == 401


def test_contexts_are_made_listed_renamed_and_deleted(client, context):
    assert [(each.id, each.name) for each in client.context.list().contexts] == [
        (context.id, "notes")
    ]
    assert client.context.get(context_id=context.id).context.name == "notes"
    context.name = "memos"
    assert client.context.update(context).success
    assert client.context.get("memos").context.id == context.id
    assert not client.context.get("notes").success
    assert client.context.clear(context.id).success
    assert client.context.delete(context).success
    assert client.context.list().contexts == []


def test_a_contexts_files_come_and_go_with_sessions(service, client, context):
    first = client.create(wanted(context_syncs=[bound(context)])).session
    (service.boxes[-1].spec.mounts["/mnt/data"] / "note").write_text("one")
    assert client.delete(first, sync_context=True).success
    second = client.create(wanted(context_syncs=[bound(context)])).session
    assert (service.boxes[-1].spec.mounts["/mnt/data"] / "note").read_text() == "one"
    (status,) = second.context.info().context_status_data
    assert (status.context_id, status.path, status.status) == (context.id, "/mnt/data", "Success")
    assert asyncio.run(second.context.sync(context.id, "/mnt/data", "upload")).success
    heard = threading.Event()
    asyncio.run(second.context.sync(callback=lambda ok: ok and heard.set()))
    assert heard.wait(10)


def test_a_contexts_files_are_listed_sent_and_fetched(client, context):
    assert http(client.context.get_file_upload_url(context.id, "/a").url, b"x", method="PUT")
    found = client.context.list_files(context.id, "/")
    assert [(each.file_name, each.size) for each in found.entries] == [("a", 1)]
    assert found.count == 1
    assert http(client.context.get_file_download_url(context.id, "/a").url).body == b"x"
    assert client.context.delete_file(context.id, "/a").success
    assert not client.context.get_file_download_url(context.id, "/a").success


def test_single_files_go_into_a_session_and_out_of_it(service, session, tmp_path):
    files, box = session.file, service.boxes[-1]
    for name, text in {"one": "first", "two": "second"}.items():
        (tmp_path / name).write_text(text)
        sent = files.upload(str(tmp_path / name), f"/workspace/new/{name}")
        assert sent.success, sent.error_message
        box.host_path("/workspace/new/one").write_text("changed in the session")
    assert box.host_path("/workspace/new/two").read_text() == "second"
    for text in ("changed in the session", "once more"):
        box.host_path("/workspace/new/one").write_text(text)
        got = files.download("/workspace/new/one", str(tmp_path / "back"))
        assert got.success, got.error_message
        assert (tmp_path / "back").read_text() == text
    box.host_path("/workspace/new/one").unlink()
    assert not files.download("/workspace/new/one", str(tmp_path / "back")).success
    assert files.transfer_path() == "/"


def test_both_clients_see_the_same_sessions_and_contexts(service, client, session, context):
    other = service.sdk()
    assert other.get(session.session_id).session.code.run_code("hi", "python").success
    rows = other.list().session_ids
    assert [row["sessionId"] for row in rows] == [session.session_id]
    assert other.context.get("notes").context.id == context.id
    assert other.delete(other.get(session.session_id).session).success
    wait_for(lambda: client.list().session_ids == [], "the session ends")


@pytest.mark.parametrize("path", ["/browser/init", "/mcp/unknown", "/sdk/ListSession"])
def test_what_agb_has_and_the_service_has_not_is_said(service, path):
    reply = ask(service, path, {})
    assert (reply.status, reply.json["code"]) == (400, "NotImplemented")
    assert path in reply.json["message"] and reply.json["requestId"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_object_is_refused(service, body):
    reply = ask(service, "/mcp/createSession?imageId=agb-code-space-1", body)
    assert (reply.status, reply.json["code"]) == (400, "InvalidParameter.Body")


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/mcp/createSession?imageId=agb-code-space-1", {"persistenceDataList": "x"}, None),
        ("/mcp/createSession?imageId=agb-code-space-1", {"persistenceDataList": [1]}, None),
        ("/sdk/GetAndLoadInternalContext?contextTypes=x", {}, "ContextTypes"),
        ("/sdk/GetAndLoadInternalContext?contextTypes=7", {}, "ContextTypes"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(service, path, body, name):
    reply = ask(service, path, body)
    assert reply.json["code"] == f"InvalidParameter.{name or 'PersistenceDataList'}"


def test_a_page_of_the_web_is_refused_in_agbs_shape(service):
    headers = {"Authorization": f"Bearer {service.key}", "Origin": "http://127.0.0.1"}
    reply = http(f"{service.url}/sdk/ListSession", headers=headers)
    assert (reply.status, reply.json["code"]) == (403, "Forbidden")


def test_the_log_names_actions_but_no_key_or_label(service, client, caplog):
    caplog.set_level("INFO", logger="agentbay_kernel.service")
    client.create(wanted(labels={"project": "topsecret"}))
    ask(service, "/mcp/secret-path", {})
    assert "CreateMcpSession" in caplog.text and "NotImplemented" in caplog.text
    for secret in (service.key, "topsecret", "secret-path"):
        assert secret not in caplog.text
