"""What code in a session may not do with frames of its own, against a real kernel."""

from __future__ import annotations

import textwrap

import pytest

from tests import kernels

FORGE = """
import json, sys
_box = sys.modules["agentbay_remote.install"]._installed._outbox
def forge(kind, content, parent="", **more):
    payload = json.dumps({"t": kind, "c": content, "p": parent, **more})
    _box._write(f"{_box.mark}j{len(payload):x},0;{payload}\\n")
"""
INNOCENT = {"status", "execute_input"}


@pytest.fixture
def kernel(shared):
    running = shared("pipe")
    running.execute("pass")
    return running


def forging(kernel, code, **flags):
    """Run a cell that forges."""
    return kernel.execute(FORGE + textwrap.dedent(code), **flags)


def kinds(ended):
    return {message["msg_type"] for message in ended.outputs}


def comms(kernel):
    return kernel.ask("comm_info_request", {}).content["comms"]


def test_what_a_session_may_say_passes_so_that_these_tests_can_fail(kernel):
    ended = forging(
        kernel,
        """
        forge("stream", {"name": "stdout", "text": "forged"})
        forge("comm_open", {"comm_id": "fine", "target_name": "mine", "data": {}})
        """,
    )
    assert ended.text() == "forged"
    assert kinds(ended) == INNOCENT | {"stream", "comm_open"}
    assert comms(kernel)["fine"] == {"target_name": "mine"}


@pytest.mark.parametrize("target", ["agentbay", "agentbay.panel", "jupyter.widget.control"])
def test_a_comm_to_one_of_the_kernels_targets_is_not_opened(kernel, target):
    content = {"comm_id": f"to-{target}", "target_name": target, "data": {}}
    ended = forging(kernel, f"forge('comm_open', {content})")
    assert kinds(ended) == INNOCENT
    assert f"to-{target}" not in comms(kernel)


LOCAL = """%%local
import comm
mine = comm.create_comm(target_name="local-target")
heard = []
mine.on_msg(heard.append)
mine.on_close(heard.append)
print(mine.comm_id)"""


@pytest.mark.parametrize("kind", ["comm_open", "comm_msg", "comm_close"])
def test_a_comm_of_the_kernels_process_is_out_of_reach(kernel, kind):
    comm_id = kernel.execute(LOCAL).text().strip()
    content = {"comm_id": comm_id, "target_name": "local-target", "data": {"forged": 1}}
    ended = forging(kernel, f"forge({kind!r}, {content})")
    assert kinds(ended) == INNOCENT
    assert comms(kernel)[comm_id] == {"target_name": "local-target"}
    assert kernel.execute("%%local\nlen(heard)").value() == "0"


def test_a_comm_that_was_not_opened_says_nothing(kernel):
    ended = forging(kernel, "forge('comm_msg', {'comm_id': 'nowhere', 'data': {}})")
    assert kinds(ended) == INNOCENT


@pytest.mark.parametrize("parent", ["nobody", "", ["x"], {"a": 1}, None, 5])
def test_a_parent_that_is_no_request_of_this_kernel_is_taken_for_the_own(kernel, parent):
    ended = forging(kernel, f"forge('stream', {{'name': 'stdout', 'text': 'here'}}, {parent!r})")
    assert ended.text() == "here"


def test_an_earlier_cell_may_still_get_output(kernel):
    first = kernel.execute("pass")
    request = first.request["header"]["msg_id"]
    ended = forging(kernel, f"forge('stream', {{'name': 'stdout', 'text': 'late'}}, {request!r})")
    assert kinds(ended) == INNOCENT
    late = kernels.wait_for(lambda: kernel.pending.pop(request, None), "late output")
    assert [message["content"]["text"] for message in late] == ["late"]


NEVER = (
    "status", "execute_input", "execute_reply", "execute_request", "kernel_info_reply",
    "complete_reply", "inspect_reply", "history_reply", "comm_info_reply", "interrupt_reply",
    "input_reply", "shutdown_reply", "shutdown_request", "debug_event", "debug_request",
    "iopub_welcome", "answer", "ready", "", "nonsense",
)  # fmt: skip


def test_no_message_of_another_kind_is_published(kernel):
    content = {"execution_state": "idle", "status": "ok", "code": "x", "execution_count": 1}
    ended = forging(
        kernel,
        f"""
        for kind in {NEVER}:
            forge(kind, {content})
        print("after")
        """,
    )
    assert kinds(ended) == INNOCENT | {"stream"}
    states = [each["execution_state"] for each in ended.of("status")]
    assert states == ["busy", "idle"]
    assert ended.text() == "after\n"
    assert len(ended.of("execute_input")) == 1


def test_nobody_is_asked_where_the_request_does_not_allow_it(kernel):
    asked = {"prompt": "password: ", "password": True, "id": "1", "file": "/tmp/x"}
    code = f"forge('input_request', {asked})\nprint('asked')\nwhile True: pass"
    request = kernel.send("execute_request", kernels.execute_content(FORGE + code))
    said = []
    while "stream" not in said:
        said.append(kernel.client.get_iopub_msg(timeout=30)["msg_type"])
    kernel.interrupt()
    assert kernel.finish(request).content["ename"] == "KeyboardInterrupt"
    assert not kernel.client.stdin_channel.msg_ready()


def test_nobody_is_asked_once_the_cell_has_ended(kernel):
    asked = {"prompt": "password: ", "password": True, "id": "1", "file": "/tmp/x"}
    forging(
        kernel,
        f"""
        import threading
        ended = threading.Event()
        run = _box.run
        def late():
            while _box.run is run:
                pass
            _box.emit("input_request", {asked})
            _box.emit("stream", {{"name": "stdout", "text": "late"}}, parent={{}})
            ended.set()
        threading.Thread(target=late).start()
        """,
        allow_stdin=True,
    )
    assert kernel.execute("ended.wait(20)").value() == "True"
    assert not kernel.client.stdin_channel.msg_ready()


def test_the_first_reply_counts_and_there_is_no_second(kernel):
    ended = forging(
        kernel,
        """
        forge("reply", {"status": "ok", "user_expressions": {"a": {"status": "ok"}}})
        forge("reply", {"status": "error", "ename": "Forged", "evalue": "", "traceback": []})
        """,
    )
    assert (ended.status, ended.content["user_expressions"]) == ("ok", {"a": {"status": "ok"}})
    assert kernel.execute("1").value() == "1"
    assert not kernel.client.shell_channel.msg_ready()


def test_a_reply_for_another_request_counts_for_none(kernel):
    other = kernel.execute("pass").request["header"]["msg_id"]
    forged = {"status": "error", "ename": "Forged", "evalue": "", "traceback": []}
    ended = forging(kernel, f"forge('reply', {forged}, {other!r})\n7")
    assert (ended.status, ended.value()) == ("ok", "7")
    assert not kernel.client.shell_channel.msg_ready()


def test_a_second_hello_changes_nothing(kernel):
    hello = dict.fromkeys(("python", "ipython", "executable", "control", "relay"), "/nowhere")
    ended = forging(
        kernel, f"forge('hello', {hello})\nforge('hello', {hello}, 'x')\nname_to_find = 1"
    )
    assert kinds(ended) == INNOCENT
    asked = {"code": "name_to_find", "cursor_pos": 4, "detail_level": 0}
    assert kernel.ask("inspect_request", asked).content["found"]
    assert kernel.execute("name_to_find").value() == "1"


def reply_with(payload, **more):
    return f"forge('reply', {{'status': 'ok', 'payload': {payload!r}, **{more!r}}})"


def test_a_page_and_a_next_input_pass(kernel):
    page = {"source": "page", "data": {"text/plain": "help"}, "start": 2}
    following = {"source": "set_next_input", "text": "x = 1", "replace": False}
    assert forging(kernel, reply_with([page, following])).content["payload"] == [page, following]


@pytest.mark.parametrize(
    "payload",
    [
        {"source": "load", "text": "x"},
        {"source": "edit", "filename": "/etc/passwd", "line_number": 1},
        {"source": "edit_magic", "filename": "/etc/passwd"},
        {"source": "ask_exit", "keepkernel": False},
        {"source": "set_next_input", "text": "%%local\nimport os", "replace": False},
        {"source": "set_next_input", "text": "1\n%fs put ~/.ssh/id_rsa", "replace": True},
        {"source": "set_next_input", "text": "%agentbay delete", "replace": False},
    ],
    ids=lambda payload: f"{payload['source']}:{payload.get('text', '')[:9]}".strip(),
)
def test_another_payload_is_refused_and_the_user_hears_of_it(kernel, payload):
    ended = forging(kernel, reply_with([payload]))
    assert (ended.status, ended.content["payload"]) == ("ok", [])
    assert payload["source"] in ended.text("stderr")
    assert len(ended.text("stderr").splitlines()) == 1


@pytest.mark.parametrize(("depth", "told"), [(100, True), (400, False), (900, False)])
def test_a_reply_too_deep_to_be_sent_on_is_dropped_and_the_true_one_told(kernel, depth, told):
    ended = forging(
        kernel,
        f"""
        found = '{{"a": ' + "[" * {depth} + "]" * {depth} + "}}"
        content = '{{"status": "ok", "user_expressions": %s}}' % found
        payload = '{{"t": "reply", "p": "", "c": %s}}' % content
        _box._write(f"{{_box.mark}}j{{len(payload):x}},0;{{payload}}\\n")
        """,
    )
    assert ended.status == "ok"
    assert bool(ended.content["user_expressions"]) is told
    assert kernel.execute("2").value() == "2"


def test_text_that_no_message_can_carry_is_replaced(kernel):
    ended = forging(
        kernel,
        r"""
        forge("stream", {"name": "stdout", "text": "a\ud800b"})
        forge("display_data", {"data": {"text/plain": "\udfff"}, "metadata": {"\ud800": "\ud800"}})
        forge("error", {"ename": "\ud800", "evalue": "\ud800", "traceback": ["\ud800", 5]})
        """,
    )
    assert ended.text() == "a\ufffdb"
    assert ended.of("display_data")[0]["data"] == {"text/plain": "\ufffd"}
    assert ended.of("error")[0]["traceback"] == ["\ufffd"]
    assert ended.status == "ok"
