"""A session that refuses terminals: the shell tool takes their place, slower, and it is said."""

import time

import pytest

from tests.conftest import MATRIX_PLACES
from tests.kernel.test_cut import COMM, WHOLE, WRITE, is_said, said, shown, writes
from tests.proxy import Cut


@pytest.fixture(scope="module")
def refusing(fars):
    def get(engine):
        far = fars(engine)
        far.proxy.refused = {"pty.create"}
        return far

    return get


@pytest.fixture(params=MATRIX_PLACES)
def far(request, refusing):
    far = refusing(request.param)
    far.execute("pass")
    far.execute("pass")
    yield far
    far.proxy.come_back()
    far.proxy.cuts.clear()


def status(far):
    return far.execute("%agentbay").of("display_data")[0]["data"]["text/plain"]


def test_the_status_says_what_is_slower_and_why(far):
    far.kernel.ask("complete_request", {"code": "pri", "cursor_pos": 3}, timeout=60)
    line = next(line for line in status(far).splitlines() if line.startswith("control channel"))
    assert "shell tool: slower completion and widgets, because" in line
    assert "terminal" in line


def test_completion_knows_the_sessions_names(far):
    far.execute("something_long = 1")
    content = {"code": "something_l", "cursor_pos": 11}
    found = far.kernel.ask("complete_request", content, timeout=60)
    assert found.content["matches"] == ["something_long"]


def test_a_comm_is_answered(far):
    comm_id = far.execute(COMM).value().strip("'")
    told = far.kernel.tell("comm_msg", {"comm_id": comm_id, "data": 5})
    assert [each["data"] for each in told.of("comm_msg")] == [{"echo": 5}]
    far.execute("ours.close()")


def test_a_comm_message_too_large_for_a_command_line_arrives(far):
    comm_id = far.execute(COMM).value().strip("'")
    data = "x" * 1_000_000
    told = far.kernel.tell("comm_msg", {"comm_id": comm_id, "data": data})
    assert [each["data"] for each in told.of("comm_msg")] == [{"echo": data}]
    far.execute("ours.close()")


def test_what_a_thread_prints_after_its_cell_arrives(far):
    request = far.begin(
        "import threading, time\n"
        "def work():\n    for n in range(10): print(f'<{n}>'); time.sleep(0.1)\n"
        "threading.Thread(target=work).start()"
    )
    far.kernel.client.get_shell_msg(timeout=30)
    far.seen(request, writes("<9>"))
    found = far.kernel.pending.pop(request["header"]["msg_id"])
    text = "".join(each["content"].get("text", "") for each in found)
    assert text == "".join(f"<{n}>\n" for n in range(10))


def is_quiet(far, seconds, within):
    """Whether the kernel asks the session for nothing during some seconds."""
    began = last = time.monotonic()
    count = far.proxy.tools
    while time.monotonic() < began + within:
        if far.proxy.tools != count:
            count, last = far.proxy.tools, time.monotonic()
        if time.monotonic() > last + seconds:
            return True
        time.sleep(0.05)
    return False


def test_nothing_is_asked_for_once_there_is_nothing_to_come(far):
    request = far.begin("import threading\nthreading.Timer(0.5, lambda: print('<late>')).start()")
    far.kernel.client.get_shell_msg(timeout=30)
    far.seen(request, writes("<late>"))
    # A kernel that goes on looking pauses this long only after nine seconds.
    assert is_quiet(far, seconds=3, within=8)


def test_a_prompt_is_answered(far):
    ended, _ = far.kernel.answering("input('name? ')", "Ada")
    assert ended.value() == "'Ada'"


def test_a_stop_ends_a_cell(far):
    request = far.begin("import time\nprint('on'); time.sleep(60)")
    far.seen(request, writes("on"))
    far.kernel.interrupt()
    assert far.kernel.finish(request).content["ename"] == "KeyboardInterrupt"


def test_a_cut_costs_no_output(far):
    code = WRITE.format(seed=9, size=1_000_000)
    whole = shown(far.execute(code))
    far.proxy.cuts.append(Cut(rb"line 2\.150 ", 30))
    ended = far.execute(code)
    assert far.proxy.cuts == [], "the cut was not made"
    assert WHOLE in said(ended)
    assert shown(ended) == whole


def test_a_cell_goes_on_after_the_network_was_away(far):
    request = far.begin("import time\nfor n in range(30): print(n); time.sleep(0.1)")
    far.seen(request, writes("3"))
    far.proxy.go_away()
    far.seen(request, is_said("reconnecting"))
    far.proxy.come_back()
    assert far.kernel.finish(request).text() == "".join(f"{n}\n" for n in range(30))
