"""The panel through a real kernel, the real SDK and the local service; clicks as messages."""

from __future__ import annotations

import contextlib
import html
import json
import time

import pytest
import requests

from tests import kernels
from tests.conftest import PROVIDERS
from tests.kernel.talk import open_here, tell
from tests.kernels import execute_content
from tests.panel.page import VIEW, Page, Refused, lab

HOSTILE = "<img src=x onerror=alert(1)>"
SECTIONS = ["header", "labels", "contexts", "meters", "files", "sessions"]
UNTIL_GO = """
import os, time
print('runs')
while not os.path.exists('/workspace/go'):
    time.sleep(0.02)
"""
PORT = 30111
SERVER = f"""
import http.server, threading
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'tides')
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(('0.0.0.0', {PORT}), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()
"""


@pytest.fixture(scope="module", params=PROVIDERS)
def kernel(request, shared):
    """One kernel for all tests of this module."""
    return shared(request.param)


@pytest.fixture
def page(kernel):
    """A page with the panel, over a session without labels."""
    kernel.execute("pass")
    return Page(kernel)


@contextlib.contextmanager
def running(page):
    """The time in which a cell runs, which ends when a file comes."""
    page.kernel.execute("import os\nif os.path.exists('/workspace/go'): os.remove('/workspace/go')")
    request = page.kernel.send("execute_request", execute_content(UNTIL_GO))
    page.kernel.await_text(request, "runs")
    page.until("header", "state", "busy")
    try:
        yield request
    finally:
        page.upload("/workspace/go", b"go")
        assert page.kernel.finish(request).status == "ok"


@pytest.mark.parametrize("place", ["pipe"])  # the other has a service from the first
def test_before_the_first_cell_it_is_there_and_costs_nothing(start_kernel):
    kernel = start_kernel()
    page = Page(kernel)
    assert page.state["header"]["state"] == "none"
    assert "No session" in page.bundle["text/plain"]
    page.ask("visible", view="v", sections=SECTIONS[:-1])
    page.ask("capabilities")
    assert kernels.service() is None
    page.ask("start")
    page.until("header", "state", "ready")
    page.wait(lambda: (page.state["meters"]["meters"] or {}).get("memory"), "meters")
    assert len(kernels.sessions()) == 1
    page.ask("delete")
    page.until("header", "state", "none")
    assert kernels.sessions() == []


def test_one_panel_whoever_asks_for_it(page):
    other = Page(page.kernel)
    assert other.comm_id == page.comm_id
    comm = lab(page.kernel)
    asked = {"type": "request", "id": 1, "action": "panel", "args": {}}
    tell(page.kernel, comm, asked)
    found = page.kernel.next_message(lambda each: each["content"].get("comm_id") == comm
                                     and each["content"]["data"]["type"] == "reply")  # fmt: skip
    assert found["content"]["data"]["value"] == {"model_id": page.comm_id}
    code = "%%local\nimport agentbay_kernel\nagentbay_kernel.panel()"
    (shown,) = page.kernel.execute(code).of("execute_result")
    assert shown["data"][VIEW]["model_id"] == page.comm_id


def test_it_answers_clicks_while_a_cell_runs(page):
    with running(page):
        page.ask("visible", view="v", sections=SECTIONS)
        page.wait(lambda: page.state["meters"]["meters"], "meters")
        page.ask("set_label", key="project", value="tides")
        assert page.ask("extend")["idle_minutes_left"] == 60
        page.ask("browse", path="/workspace")
        assert page.state["header"]["running_since"] < time.time()
        page.ask("visible", view="v", sections=[])
    page.until("header", "state", "ready")


def test_a_new_interpreter_ends_the_cell_and_keeps_the_files(page):
    page.upload("/workspace/kept.txt", b"kept")
    page.kernel.execute("name = 1")
    request = page.kernel.send("execute_request", execute_content("print('on')\nwhile True: pass"))
    page.kernel.await_text(request, "on")
    assert "replaced" in page.ask("restart_interpreter")["how"]
    assert page.kernel.finish(request).status == "error"
    assert page.kernel.execute("name").content["ename"] == "NameError"
    assert page.kernel.execute("open('/workspace/kept.txt').read()").value() == "'kept'"


def test_labels_are_changed_and_the_rules_errors_come_back(page):
    page.ask("set_label", key="stage", value="draft")
    page.ask("set_label", key="phase", value="final", old="stage")
    page.until("labels", "labels", {**page.state["labels"]["labels"]})
    assert page.state["labels"]["labels"].get("phase") == "final"
    assert "stage" not in page.state["labels"]["labels"]
    for key, value in (("x", ""), ("agentbay-kernel.id", "x"), ("a=b", "c")):
        with pytest.raises(Refused):
            page.ask("set_label", key=key, value=value)
    with pytest.raises(Refused, match="no label"):
        page.ask("remove_label", key="stage")
    page.ask("remove_label", key="phase")


@pytest.fixture
def served(page):
    """The session serves at PORT, until the test's end: this computer's sessions share ports."""
    assert page.kernel.execute(SERVER).status == "ok"
    yield
    assert page.kernel.execute("server.shutdown(); server.server_close()").status == "ok"


@pytest.mark.usefixtures("served")
def test_a_link_is_fetched_on_the_click_and_is_never_synced(page):
    found = page.ask("link", port=PORT, protocol="https")
    assert requests.get(found["url"], timeout=10).text == "tides"
    page.until("link", "status", 200)
    own = page.ask("link")
    assert own["status"] == 200
    with pytest.raises(Refused, match="30100"):
        page.ask("link", port=80)
    secrets = {each["url"].split("://")[1].partition("/")[2] for each in (found, own)}
    said = page.synced() + json.dumps(page.bundle)
    for secret in secrets:
        assert len(secret) > 20
        assert secret not in said
    assert page.state["link"]["shown"].endswith("/…")


@pytest.mark.parametrize("kernel", ["pipe"], indirect=True)  # needs mount
def test_a_context_is_mounted_and_synced_with_progress(page):
    page.ask("mount", name="panel-models", path="/mnt/panel-models")
    page.upload("/mnt/panel-models/a.txt", b"a")
    page.ask("sync", path="/mnt/panel-models")
    (row,) = [r for r in page.state["contexts"]["rows"] if r["name"] == "panel-models"]
    assert row["upload"]["status"] == row["download"]["status"] == "Success"
    steps = [m["content"]["data"]["state"]["contexts"]["doing"] for m in page.heard
             if "contexts" in m["content"]["data"].get("state", {})]  # fmt: skip
    assert any(each and "upload" in each["/mnt/panel-models"]["what"] for each in steps)
    assert "panel-models" in page.ask("context_names")
    with pytest.raises(Refused, match="No context"):
        page.ask("sync", path="/mnt/other")
    with pytest.raises(Refused, match="absolute"):
        page.ask("mount", name="panel-models", path="models")


def test_files_come_and_go_unchanged(page):
    data = bytes(range(256)) * 8192
    page.upload("/workspace/data.bin", data)
    names = {each["name"]: each["size"] for each in page.state["files"]["entries"]}
    assert names["data.bin"] == len(data)
    begun = page.ask("download", path="data.bin")
    got = b""
    while len(got) < begun["size"]:
        _, (piece,) = page.ask("download_piece", download=begun["download"], offset=len(got))
        got += piece
    assert got == data
    with pytest.raises(Refused, match="exists"):
        page.upload("/workspace/data.bin", b"other")
    page.upload("/workspace/data.bin", b"other", force=True)
    assert page.ask("preview", path="data.bin")["text"] == "other"
    with pytest.raises(Refused, match="folder"):
        page.ask("browse", path="/no/such/folder")


def test_the_accounts_sessions_are_listed_attached_to_and_deleted(page):
    first = page.state["header"]["session_id"]
    page.kernel.execute("%agentbay new --name aside")
    (other,) = set(kernels_of(page)) - {first}
    with running(page), pytest.raises(Refused, match="cell is running"):
        page.ask("attach", session_id=other)
    page.ask("attach", session_id=other)
    page.until("header", "session_id", other)
    assert page.state["header"]["name"] == "aside"
    page.ask("attach", session_id=first)
    page.ask("delete", session_id=other)
    assert kernels_of(page) == [first]
    with pytest.raises(Refused, match="There is no session"):
        page.ask("attach", session_id="s-none")


def kernels_of(page):
    """The ids that the panel's section shows."""
    page.ask("show_sessions")
    return [row["session_id"] for row in page.state["account"]["rows"]]


def test_hostile_strings_are_data_to_the_page_and_text_in_the_twin(page):
    page.ask("set_label", key="evil", value=HOSTILE)
    page.upload(f"/workspace/{HOSTILE}", b"x")
    assert HOSTILE in [each["name"] for each in page.state["files"]["entries"]]
    page.until("labels", "labels", {**page.state["labels"]["labels"], "evil": HOSTILE})
    again = Page(page.kernel)
    assert HOSTILE not in again.bundle["text/html"]
    assert html.escape(HOSTILE) in again.bundle["text/html"]
    page.ask("remove_label", key="evil")


def test_a_page_that_is_loaded_again_gets_the_panel_as_it_was(page):
    unfolded = ["files", "meters"]
    update = {"method": "update", "state": {"sections": unfolded}, "buffer_paths": []}
    tell(page.kernel, page.comm_id, update)
    version = {"metadata": {"version": "1.0.0"}}
    control, _ = open_here(page.kernel, "jupyter.widget.control", **version)
    ended = tell(page.kernel, control, {"method": "request_states"})
    (answer,) = [each for each in ended.outputs if each["msg_type"] == "comm_msg"]
    state = answer["content"]["data"]["states"][page.comm_id]["state"]
    assert state["sections"] == unfolded
    assert state["header"]["session_id"] == page.state["header"]["session_id"]


def test_code_in_the_session_cannot_speak_on_the_panels_comms(page):
    comm = lab(page.kernel)
    code = (
        "import comm, json\n"
        f"for name in {[page.comm_id, comm]!r}:\n"
        "    fake = comm.create_comm(comm_id=name, target_name='jupyter.widget')\n"
        "    fake.send({'type': 'state', 'method': 'update', 'state': {'header': {}}})\n"
        "    fake.close()\n"
        "comm.create_comm(target_name='agentbay')"
    )
    ended = page.kernel.execute(code)
    assert ended.status == "ok"
    assert [each for each in ended.outputs if each["msg_type"].startswith("comm")] == []
    page.ask("capabilities")


def test_a_session_deleted_elsewhere_is_said(cloud, start_kernel):
    kernel = start_kernel()
    kernel.execute("pass")
    page = Page(kernel)
    record = kernels.service()
    session_id = page.state["header"]["session_id"]
    kernels.release(record, session_id)
    page.ask("visible", view="v", sections=SECTIONS)
    page.until("header", "state", "ended")
    page.ask("visible", view="v", sections=[])
    page.ask("start")
    page.until("header", "state", "ready")
    assert page.state["header"]["session_id"] != session_id


def test_a_service_that_was_killed_is_an_error_in_its_place(start_kernel):
    kernel = start_kernel()
    kernel.execute("pass")
    page = Page(kernel)
    kernels.stop_service()
    with pytest.raises(Refused):
        page.ask("extend")
    page.ask("capabilities")
    assert kernel.execute("%agentbay").status == "ok"


def test_in_another_kernel_the_extension_brings_the_panel(shared):
    kernel = shared("python3")
    assert kernel.execute("%load_ext agentbay_kernel").status == "ok"
    page = Page(kernel)
    page.ask("start")
    page.until("header", "state", "ready")
    page.ask("set_label", key="project", value="tides")
    assert page.state["labels"]["labels"] == {"project": "tides"}
    page.ask("delete")
    kernel.execute("%unload_ext agentbay_kernel")
