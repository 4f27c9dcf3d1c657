"""Tools, upkeep and account through a real kernel and the vendor's SDK."""

import json
import sqlite3

import psutil
import pytest

from agentbay_kernel.ledger import Ledger
from tests.kernels import service, sessions, wait_for

SECRET = "very-secret-value"
HIDDEN = "value-that-is-shown-nowhere"


@pytest.fixture
def kernel(shared, place):
    """One kernel with a session for all tests of this module."""
    kernel = shared(place)
    kernel.execute("pass")
    return kernel


def shown(done):
    """All that a cell showed, as text."""
    return json.dumps([each["content"] for each in done.outputs], ensure_ascii=False)


def ok(kernel, line):
    done = kernel.execute(line)
    assert done.status == "ok", done.content
    return shown(done)


def refused(kernel, line):
    done = kernel.execute(line)
    assert done.status == "error", shown(done)
    assert done.content["ename"] in ("UsageError", "NotSupported")
    return done.content["evalue"]


def test_a_typed_key_is_not_said_again(kernel):
    assert SECRET not in refused(kernel, f"%agentbay login {SECRET}")


def test_the_value_of_a_call_is_plain_data(kernel):
    ok(kernel, "%agentbay call get_metrics -o use")
    assert kernel.execute("0 < use['mem_used'] < use['mem_total']").value() == "True"


def test_arguments_in_json_reach_the_tool(kernel):
    line = '%agentbay call write_file {"path": "/workspace/it\'s.txt", "content": "a \\"b\\""}'
    ok(kernel, line)
    assert kernel.execute('open("/workspace/it\'s.txt").read()').value() == "'a \"b\"'"


def test_a_tools_schema_is_its_help(kernel):
    done = kernel.execute("%agentbay call read_file?")
    assert "path  (string)" in done.content["payload"][0]["data"]["text/plain"]


def test_tools_are_completed_within_200_ms(kernel):
    code = "%agentbay call write_f"
    kernel.ask("complete_request", {"code": code, "cursor_pos": len(code)})
    reply = kernel.ask("complete_request", {"code": code, "cursor_pos": len(code)})
    assert reply.content["matches"] == ["write_file"]
    assert reply.seconds < 0.2


@pytest.mark.parametrize("place", ["pipe"])  # needs variables
def test_variables_reach_the_interpreter_and_the_shell(kernel):
    ok(kernel, "%agentbay env 'GREETING=guten Tag'")
    assert kernel.execute("import os; os.environ['GREETING']").value() == "'guten Tag'"
    assert kernel.execute("!echo $GREETING").text().split() == ["guten", "Tag"]


@pytest.mark.parametrize("place", ["pipe"])  # needs variables
def test_a_secret_is_in_the_session_and_nowhere_else(kernel):
    done, prompts = kernel.answering("%agentbay env TOKEN=-", HIDDEN)
    assert done.status == "ok"
    assert prompts == [{"prompt": "TOKEN: ", "password": True}]
    assert HIDDEN not in shown(done)
    count = kernel.execute("import os; len(os.environ['TOKEN'])").value()
    assert count == str(len(HIDDEN))
    assert HIDDEN not in kernel.execute("'\\n'.join(In)").value()
    for path in kernel.home.rglob("*"):
        if path.is_file() and "/sessions/" not in str(path):
            assert HIDDEN.encode() not in path.read_bytes(), path
    history = next(kernel.home.rglob("history.sqlite"), None)
    if history is not None:
        with sqlite3.connect(history) as database:
            rows = database.execute("select source_raw from history").fetchall()
        assert HIDDEN not in str(rows)


@pytest.mark.parametrize("place", ["pipe"])  # needs pause
def test_a_cell_wakes_a_paused_session_with_its_names(kernel):
    kernel.execute("kept = 42")
    assert "is paused" in ok(kernel, "%agentbay pause")
    assert kernel.execute("kept").value() == "42"
    ok(kernel, "%agentbay pause")
    assert "runs" in ok(kernel, "%agentbay resume")
    assert kernel.execute("kept").value() == "42"


@pytest.mark.parametrize("place", ["pipe"])  # needs pause
def test_tab_does_not_wait_for_a_paused_session(kernel):
    kernel.execute("kept_name = 42")
    ok(kernel, "%agentbay pause")
    # The first one loads what completes here.
    kernel.ask("complete_request", {"code": "kept_na", "cursor_pos": 7})
    reply = kernel.ask("complete_request", {"code": "kept_na", "cursor_pos": 7})
    assert reply.content["status"] == "ok"
    assert reply.seconds < 5
    assert kernel.execute("kept_name").value() == "42"


@pytest.mark.parametrize("place", ["pipe"])  # needs pause
def test_a_widget_wakes_a_paused_session(kernel):
    kernel.execute(
        "from comm import create_comm\n"
        "talk, got = create_comm(target_name='t'), []\n"
        "talk.on_msg(lambda message: got.append(message['content']['data']))"
    )
    name = kernel.execute("print(talk.comm_id)").text().strip()
    ok(kernel, "%agentbay pause")
    kernel.tell("comm_msg", {"comm_id": name, "data": {"a": 1}})
    assert kernel.execute("got").value() == "[{'a': 1}]"


def test_a_link_is_seen_to_answer(kernel):
    kernel.execute(
        "import subprocess, sys\n"
        "server = subprocess.Popen([sys.executable, '-m', 'http.server', '30112'])"
    )
    try:
        wait_for(
            lambda: "answers (HTTP 200)" in ok(kernel, "%agentbay link --port 30112"),
            "the server answers",
        )
        done = kernel.execute("%agentbay link --port 30112")
        assert "/request_ai/" not in shown(done)
        kernel.execute("%%local\nimport requests\nstatus = requests.get(agentbay_link).status_code")
        assert kernel.execute("%%local\nstatus").value() == "200"
    finally:
        kernel.execute("server.kill(); server.wait()")


def test_config_tells_the_variable_of_a_value(kernel):
    assert "variable AGENTBAY_KERNEL_LINGER_SECONDS" in ok(kernel, "%agentbay config")


def test_what_a_killed_kernel_left_is_found_and_ended(start_kernel):
    dead, living = start_kernel(), start_kernel()
    dead.execute("pass")
    living.execute("pass")
    assert "No kernel has left" in ok(living, "%agentbay leftovers")
    kernel = psutil.Process(dead.pid)
    for process in [*kernel.children(recursive=True), kernel]:
        if "guardian" in " ".join(process.cmdline()) or process == kernel:
            process.kill()
    left = wait_for(
        lambda: [row for row in Ledger.of_user().rows() if not row.owned()], "a row without owner"
    )
    (name,) = [row.session_id for row in left]
    assert name in ok(living, "%agentbay leftovers")
    assert name in refused(living, "%agentbay leftovers --delete")
    assert name in sessions()
    assert f"{name} is deleted" in ok(living, "%agentbay leftovers --delete --yes")
    wait_for(lambda: name not in sessions(), "the session is gone")
    assert living.execute("6 * 7").value() == "42"


def test_a_key_by_login_is_used_by_the_next_kernel(start_kernel, monkeypatch, surroundings):
    first = start_kernel()
    first.execute("pass")
    record = service()
    assert record is not None
    monkeypatch.setenv("AGENTBAY_KERNEL_PROVIDER", "agentbay")
    monkeypatch.setenv("AGENTBAY_ENDPOINT", record.url)
    second = start_kernel()
    assert "No AgentBay API key" in second.execute("1").content["evalue"]
    wrong, _ = second.answering("%agentbay login", "akm-wrong-key")
    assert wrong.content["ename"] == "KeyRefused"
    assert not list(surroundings.rglob("login.json"))
    done, prompts = second.answering("%agentbay login", record.key)
    assert done.status == "ok", done.content
    assert prompts[0]["password"]
    assert record.key not in shown(done)
    second.close()
    third = start_kernel()
    assert third.execute("21 * 2").value() == "42"
    logs = b"".join(path.read_bytes() for path in surroundings.rglob("log/*"))
    assert record.key.encode() not in logs
