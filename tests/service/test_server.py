import json

import pytest

from agentbay_kernel.service import server
from tests.service.running import http


def refused(reply, status, code):
    assert (reply.status, reply.json["Code"], reply.json["Success"]) == (status, code, False)
    assert reply.json["RequestId"]


@pytest.mark.parametrize("key", ["", "wrong", "ü"])
def test_a_wrong_key_is_refused(service, key):
    refused(service.ask("ListSession", key=key), 401, "InvalidApiKey")


def test_a_request_from_a_web_page_is_refused(service):
    reply = service.ask("ListSession", headers={"Origin": "http://127.0.0.1"})
    refused(reply, 403, "Forbidden")


def test_a_name_that_was_rebound_to_this_computer_is_refused(service):
    reply = service.ask("ListSession", headers={"Host": "evil.example"})
    refused(reply, 403, "Forbidden")


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "localhost:{}", "http://127.0.0.1:{}"])
def test_the_own_names_are_answered(service, form):
    port = service.url.rpartition(":")[2]
    assert service.ask("ListSession", headers={"Host": form.format(port)}).status == 200


def test_an_unknown_action_is_named(service):
    reply = service.ask("MakeCoffee")
    refused(reply, 400, "NotImplemented")
    assert "MakeCoffee" in reply.json["Message"]


def test_the_key_may_stand_in_the_query(service):
    url = f"{service.url}/?Action=ListSession&Authorization=Bearer+{service.key}"
    assert http(url, b"").status == 200


def test_another_path_or_method_has_the_vendors_error_shape(service):
    refused(http(f"{service.url}/other"), 404, "InvalidRequest")
    refused(http(service.url), 405, "InvalidRequest")


def test_a_request_that_is_too_large_is_refused_by_json(service, monkeypatch):
    monkeypatch.setattr(server, "LARGEST_BODY", 1000)
    refused(service.ask("ListSession", Labels="x" * 2000), 413, "RequestTooLarge")


def test_a_form_that_is_none_is_refused(service):
    url = f"{service.url}/?Action=ListSession"
    refused(http(url, b"\xff\xfe"), 400, "InvalidParameter.Body")


def test_a_failure_inside_answers_json_and_keeps_the_service(service, monkeypatch):
    def fail(query):
        raise RuntimeError("secret detail")

    with monkeypatch.context() as patch:
        patch.setattr(service.host.sessions, "page", fail)
        reply = service.ask("ListSession")
    refused(reply, 400, "InternalError")
    assert b"secret" not in reply.body
    assert service.ask("ListSession").status == 200


def test_a_link_call_needs_the_sessions_own_token(service):
    first, second = service.create(), service.create()
    first["Token"] = second["Token"]
    refused(service.tool(first, "shell", command="ls"), 401, "InvalidApiKey")


def test_a_link_call_to_no_session_is_not_found(service):
    session = service.create()
    session["LinkUrl"] = session["LinkUrl"][:-1] + "x"
    refused(service.tool(session, "shell", command="ls"), 400, "InvalidMcpSession.NotFound")


def test_a_link_call_gives_the_tools_text(service):
    result = service.tool(service.create(), "shell", command="ls").json["data"]["result"]
    assert result["isError"] is False
    assert json.loads(result["content"][0]["text"])["stdout"] == "done"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"args":{}}', b'{"tool":"shell","args":[1]}'])
def test_a_link_call_that_cannot_be_read_is_refused(service, body):
    session = service.create()
    headers = {"X-Access-Token": session["Token"]}
    assert http(f"{session['LinkUrl']}/callTool", body, headers=headers).status == 400


def test_the_log_names_actions_but_no_key_token_code_or_label(service, caplog):
    caplog.set_level("INFO", logger="agentbay_kernel.service")
    session = service.create(Labels='{"project":"topsecret"}')
    service.tool(session, "run_code", code="print('hidden text')")
    service.ask("ListSession", key="wrong-key")
    service.ask("DeleteSessionAsync", SessionId=session["SessionId"])
    text = caplog.text
    assert "CreateMcpSession" in text and "InvalidApiKey" in text and session["SessionId"] in text
    for secret in (service.key, session["Token"], "hidden", "topsecret", "wrong-key"):
        assert secret not in text
