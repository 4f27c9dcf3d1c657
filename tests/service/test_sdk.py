"""The vendor's unmodified client against the service: the sync face."""

import json
import threading

import pytest

from agentbay_kernel.service import runs
from agentbay_kernel.service.port import RunEnd
from tests.service.running import vendor, wait_for


@pytest.fixture
def client(service):
    return service.sdk()


@pytest.fixture
def session(client):
    made = client.create(vendor().CreateSessionParams(image_id="code_latest"))
    assert made.success, made.error_message
    yield made.session
    made.session.delete()


def script(service, *events, **end):
    async def play(code, emit):
        for event in events:
            emit(event)
        return RunEnd(**{"ok": True, "execution_count": 3, "seconds": 0.5, **end})

    service.boxes[-1].script = play


RESULT = {
    "eventType": "result",
    "result": {"isMainResult": True, "mime": {"text/plain": "42", "text/html": "<b>42</b>"}},
}
ERROR = {
    "eventType": "error",
    "error": {"code": "ValueError", "message": "bad", "traceId": "", "traceback": ["T1", "T2"]},
}
FAILED = {"ok": False, "error": "ValueError: bad"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_gives_its_output_and_results(service, session, stream):
    out = {"eventType": "stdout", "chunk": "hi\n"}
    script(service, out, {"eventType": "stderr", "chunk": "w"}, RESULT)
    done = session.code.run_code("x", "python", stream_beta=stream)
    assert done.success and done.error_message == ""
    assert (done.logs.stdout, done.logs.stderr) == (["hi\n"], ["w"])
    assert (done.results[0].text, done.results[0].html) == ("42", "<b>42</b>")
    assert done.results[0].is_main_result
    assert (done.execution_count, done.execution_time) == (3, 0.5)


@pytest.mark.parametrize("stream", [False, True])
def test_a_failed_run_gives_the_errors_name_and_value_and_the_output_before(
    service, session, stream
):
    script(service, {"eventType": "stdout", "chunk": "before"}, RESULT, ERROR, **FAILED)
    done = session.code.run_code("x", "python", stream_beta=stream)
    assert not done.success
    assert (done.error.name, done.error.value) == ("ValueError", "bad")
    assert done.logs.stdout == ["before"]
    assert done.results[0].text == "42"


def test_a_failed_run_without_streaming_gives_the_whole_traceback(service, session):
    script(service, ERROR, **FAILED)
    assert session.code.run_code("x", "python").error.traceback == "T1\nT2"


def test_a_failure_without_an_event_is_told_from_the_end(service, session):
    script(service, ok=False, error="TimeoutError: too long")
    done = session.code.run_code("x", "python")
    assert (done.error.name, done.error.value) == ("TimeoutError", "too long")


def test_output_is_streamed_while_the_code_runs(service, session):
    seen, box = threading.Event(), service.boxes[-1]

    async def play(code, emit):
        emit({"eventType": "stdout", "chunk": "first"})
        import asyncio

        assert await asyncio.to_thread(seen.wait, 10)
        return RunEnd(True, 1, 0.0)

    box.script = play
    done = session.code.run_code("x", "python", stream_beta=True, on_stdout=lambda _: seen.set())
    assert done.success


def test_output_without_streaming_is_cut_where_it_would_fill_the_memory(
    service, session, monkeypatch
):
    monkeypatch.setattr(runs.Transcript.__init__, "__defaults__", (3 << 20,))
    script(service, *[{"eventType": "stdout", "chunk": "x" * 1_000_000}] * 9)
    done = session.code.run_code("x", "python")
    assert done.success
    assert done.logs.stdout == ["x" * (3 << 20)]
    assert done.logs.stderr == ["\n[output cut after 3 MiB]\n"]


def test_a_result_above_the_streams_limit_keeps_its_small_part(service, session):
    mime = {"image/png": "A" * 2_000_000, "text/plain": "figure"}
    script(service, {"eventType": "result", "result": {"isMainResult": False, "mime": mime}})
    done = session.code.run_code("x", "python", stream_beta=True)
    assert done.success
    assert (done.results[0].text, done.results[0].png) == ("figure", None)
    assert "image/png (2.0 MB)" in done.logs.stderr[0]


@pytest.mark.parametrize("char", ["x", "\0", "😀", "\ud800"])
def test_a_chunk_of_any_size_and_characters_passes_the_stream(service, session, char):
    script(service, {"eventType": "stdout", "chunk": char * 2_000_000})
    done = session.code.run_code("x", "python", stream_beta=True)
    assert done.success and "".join(done.logs.stdout) == char * 2_000_000


def test_a_dead_sandbox_ends_the_run_and_the_session(service, client, session):
    done = session.code.run_code("die", "python", stream_beta=True)
    assert not done.success and "killed" in done.error_message
    wait_for(lambda: not list(service.host.sessions), "the session ends")
    assert "not found" in client.get(session.session_id).error_message


def test_tools_go_over_the_link(service, session):
    assert session.command.execute_command("ls").output == "done"
    assert session.file_system.write_file("/workspace/a", "text").success
    tool, args = service.boxes[-1].calls[-1]
    assert (tool, args["path"], args["content"]) == ("write_file", "/workspace/a", "text")


def test_a_file_of_20_megabytes_is_written_over_either_way(service, session):
    text = "0123456789abcdef" * (20 << 16)
    assert session.file_system.write_file("/workspace/a", text).success
    args = json.dumps({"path": "/workspace/b", "content": text})
    reply = service.ask("CallMcpTool", SessionId=session.session_id, Name="write_file", Args=args)
    assert reply.json["Data"]["isError"] is False
    assert [args["content"] == text for _, args in service.boxes[-1].calls] == [True, True]


def test_a_failing_tool_tells_its_text(session):
    read = session.file_system.read_file("/missing")
    assert not read.success and "no such file" in read.error_message


def test_code_on_an_image_without_it_is_an_unknown_tool(service, client):
    session = client.create(vendor().CreateSessionParams(image_id="linux_latest")).session
    done = session.code.run_code("1", "python")
    assert not done.success and "Tool not found: run_code" in done.error_message


def test_an_unknown_image_is_refused_by_name(client):
    made = client.create(vendor().CreateSessionParams(image_id="mobile_latest"))
    assert not made.success and "mobile_latest" in made.error_message


def test_labels_are_replaced(session):
    assert session.set_labels({"a": "1"}).success
    assert session.set_labels({"b": "2"}).success
    assert session.get_labels().data == {"b": "2"}


def test_a_recovered_session_runs_code_in_both_ways(service, client, session):
    found = client.get(session.session_id)
    assert found.success, found.error_message
    assert found.session.code.run_code("hi", "python").logs.stdout == ["hi"]
    assert found.session.code.run_code("hi", "python", stream_beta=True).logs.stdout == ["hi"]


def test_the_listing_is_walked_by_pages(client):
    params = vendor().CreateSessionParams(image_id="code_latest", labels={"job": "x"})
    ids = [client.create(params).session.session_id for _ in range(3)]
    pages = [client.list(labels={"job": "x"}, page=n, limit=2) for n in (1, 2)]
    found = [item["sessionId"] for page in pages for item in page.session_ids]
    assert found == ids[::-1]
    assert [page.total_count for page in pages] == [3, 3]


def test_the_resource_url_names_the_resource(session):
    info = session.info()
    assert f"resourceId={session.session_id}" in info.data.resource_url


def test_delete_returns_as_soon_as_the_session_is_gone(service, client, session):
    assert session.delete().success
    assert service.boxes[-1].closed
    assert not service.boxes[-1].spec.root.exists()
    assert "not found" in client.get(session.session_id).error_message
    assert service.ask("GetSessionDetail", SessionId=session.session_id).json["Data"] == {
        "Status": "FINISH",
        "EndReason": "deleted",
        "IsDeleted": 1,
    }


def test_a_paused_session_is_neither_used_nor_deleted_until_it_resumes(session):
    assert session.beta_pause().success
    assert session.get_status().status == "PAUSED"
    assert "PAUSED" in str(session.delete().error_message)
    refused = session.command.execute_command("ls")
    assert not refused.success and "PAUSED" in refused.error_message
    assert session.beta_resume().success
    assert session.command.execute_command("ls").success


def test_keep_alive_starts_the_idle_time_anew(service, session):
    service.ahead(200)
    assert session.keep_alive().success
    service.ahead(200)
    assert session.get_status().status == "RUNNING"


def test_an_idle_session_ends_and_is_not_found(service, session):
    life = next(iter(service.host.sessions))
    service.ahead(301)
    service.run(service.host.finished(life))
    assert not session.get_status().success or session.get_status().status == "FINISH"
    detail = service.ask("GetSessionDetail", SessionId=session.session_id).json["Data"]
    assert detail["EndReason"] == "idle for 5 minutes"
    assert service.ask("GetSession", SessionId=session.session_id).status == 400


def test_the_policy_of_the_sdk_is_in_minutes(service, client):
    sdk = vendor()
    policy = sdk.LifecyclePolicy(idle_release_timeout=60, max_runtime=480)
    client.create(sdk.CreateSessionParams(image_id="code_latest", lifecycle_policy=policy))
    found = next(iter(service.host.sessions)).policy
    assert (found.idle, found.total) == (3600, 28800)


def test_tools_are_listed(session):
    tools = {tool.name: tool for tool in session.list_mcp_tools("code_latest").tools}
    assert tools["run_code"].server == "wuying_codespace"


def test_tools_are_listed_with_their_schemas(service):
    text = service.ask("ListMcpTools", ImageId="code_latest").json["Data"]
    schema = {tool["name"]: tool["inputSchema"] for tool in json.loads(text)}["shell"]
    assert schema["required"] == ["command"]
    assert schema["properties"]["timeout_ms"] == {"type": "integer"}


def test_a_wrong_key_is_told(service):
    made = service.sdk("akm-wrong").create(vendor().CreateSessionParams(image_id="code_latest"))
    assert not made.success and "InvalidApiKey" in made.error_message


def test_one_session_too_many_is_refused(start):
    client = start(max_sessions=1).sdk()
    params = vendor().CreateSessionParams(image_id="code_latest")
    assert client.create(params).success
    assert "QuotaExceeded.Session" in client.create(params).error_message
