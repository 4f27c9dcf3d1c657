"""The connection breaks: no output is lost, the cell says so, the session is kept."""

import random
import re
import time

import pytest

from tests.conftest import MATRIX_ENGINES
from tests.kernels import wait_for
from tests.proxy import Cut
from tests.sizes import size

SEED = random.SystemRandom().randrange(1 << 32)

WRITE = """
import random, sys
from IPython.display import display
source, written, turn = random.Random({seed}), 0, 0
def noise(size):
    global written
    written += size
    return source.randbytes(size // 2).hex()
while written < {size}:
    turn += 1
    for number in range(300):
        print(f'line {{turn}}.{{number}} é', noise(60))
    print('problem', turn, noise(300), file=sys.stderr)
    display({{'text/plain': f'display {{turn}} ' + noise(1000)}}, raw=True)
    display({{'text/plain': f'large {{turn}} ' + noise(300_000)}}, raw=True)
    print(f'dense {{turn}} ' * 30_000, end='')
    sys.stdout.write(noise(150_000) + '\\n')
turn
"""
FRAME = rb"`#~[0-9a-f]{12}"
MOMENTS = {
    "before the first output": Cut(rb'"eventType": "stdout"'),
    "inside text": Cut(rb"line 2\.150 ", 30),
    "inside a frame": Cut(FRAME + rb'j[0-9a-f]+,[0-9a-f]+;\{\\"t\\": \\"display', 60),
    "inside a piece of a large frame": Cut(FRAME + rb"p30d48,", 100_000),
    "inside the last piece of a large frame": Cut(FRAME + rb"q[0-9a-f]+,", 50_000),
    "inside dense text": Cut(FRAME + rb"z[0-9a-f]+,", 200),
    "inside stderr": Cut(FRAME + rb"e[0-9a-f]+,", 100),
    "inside a mark": Cut(FRAME + rb"e", 8),
    "before the end": Cut(rb'"phase": "end"'),
}
BROKE, WHOLE = "reconnecting", "nothing is missing"


def shown(ended):
    """What a cell shows, text that follows text joined, without what is said of the connection."""
    ids, found = {""}, []
    for message in ended.outputs:
        kind, content = message["msg_type"], message["content"]
        if BROKE in content.get("data", {}).get("text/plain", ""):
            ids.add(content["transient"]["display_id"])
        if kind in ("status", "execute_input") or display_id(content) in ids - {""}:
            continue
        if kind == "stream" and found and found[-1][:2] == [kind, content["name"]]:
            found[-1][2].append(content["text"])
        elif kind == "stream":
            found.append([kind, content["name"], [content["text"]]])
        else:
            found.append([kind, content.get("data"), []])
    return [(kind, which, "".join(texts)) for kind, which, texts in found]


def display_id(content):
    return (content.get("transient") or {}).get("display_id", "")


def said(ended):
    """All that was said of the connection."""
    texts = [each["data"]["text/plain"] for each in ended.of("display_data")]
    texts += [each["data"]["text/plain"] for each in ended.of("update_display_data")]
    return "\n".join(text for text in texts if "connection" in text)


def is_said(text):
    return lambda message: text in message["content"].get("data", {}).get("text/plain", "")


def writes(text):
    return lambda message: text in message["content"].get("text", "")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_cut_costs_no_output(far, moment):
    code = WRITE.format(seed=5, size=1_000_000)
    whole = shown(far.execute(code))
    far.proxy.cuts.append(MOMENTS[moment])
    ended = far.execute(code)
    assert far.proxy.cuts == [], "the cut was not made"
    assert WHOLE in said(ended)
    assert ended.status == "ok"
    assert shown(ended) == [(kind, ours, text) for kind, ours, text in whole]


@pytest.mark.timeout(300)
# Without a terminal what was missed comes in far fewer bytes than the cuts wait for.
@pytest.mark.parametrize("far", MATRIX_ENGINES, indirect=True)
def test_cuts_at_random_moments_cost_no_output(far):
    print("seed", SEED)
    total = size("cut_megabytes") * 1_000_000
    code = WRITE.format(seed=SEED, size=total)
    whole = shown(far.execute(code, timeout=200))
    moments = random.Random(SEED)
    far.proxy.cuts += [Cut(after=moments.randrange(total // 4)) for _ in range(3)]
    ended = far.execute(code, timeout=200)
    assert far.proxy.cuts == [], "the cuts were not made"
    assert shown(ended) == whole


def test_while_disconnected_the_cell_says_so_and_later_that_all_is_there(far):
    request = far.begin("import time\nfor n in range(25): print(n); time.sleep(0.1)")
    far.seen(request, writes("3"))
    far.proxy.go_away()
    lost = far.seen(request, is_said(BROKE))
    far.proxy.come_back()
    back = far.seen(request, is_said(WHOLE))
    assert back["msg_type"] == "update_display_data"
    assert display_id(back["content"]) == display_id(lost["content"])
    ended = far.kernel.finish(request)
    assert shown(ended) == [("stream", "stdout", "".join(f"{n}\n" for n in range(25)))]


def test_a_network_that_stays_away_for_a_while_costs_no_output(far):
    request = far.begin("import time\nfor n in range(30): print(n); time.sleep(0.1)\nn")
    far.seen(request, writes("3"))
    far.proxy.go_away()
    time.sleep(4)  # the outage itself: the cell ends in it
    far.proxy.come_back()
    ended = far.kernel.finish(request)
    assert ended.value() == "29"
    assert ended.text() == "".join(f"{n}\n" for n in range(30))
    assert far.execute("n").value() == "29"


def test_a_network_that_does_not_come_back_is_given_up_and_the_session_kept(new_far):
    far = new_far(AGENTBAY_KERNEL_RECONNECT_SECONDS="2")
    far.execute("x = 41")
    request = far.begin("import time\nprint('on'); time.sleep(3)")
    far.seen(request, writes("on"))
    began = time.monotonic()
    far.proxy.go_away()
    ended = far.kernel.finish(request, timeout=60)
    assert time.monotonic() - began < 40
    assert ended.content["ename"] == "ConnectionLost"
    assert "is kept" in ended.content["evalue"]
    assert "not come back" in said(ended)
    far.proxy.come_back()
    assert far.execute("x + 1").value() == "42"


@pytest.mark.parametrize("how", ["os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_an_interpreter_that_dies_while_disconnected_is_said(far, how):
    far.execute("x = 1; open('kept.txt', 'w').write('here')")
    session = far.session_id()
    request = far.begin(f"import os, time\nprint('on'); time.sleep(1.5)\n{how}")
    far.seen(request, writes("on"))
    far.proxy.go_away()
    far.seen(request, is_said(BROKE))
    time.sleep(1.5)  # it dies in this time
    far.proxy.come_back()
    ended = far.kernel.finish(request, timeout=40)
    assert ended.content["ename"] == "InterpreterDied"
    assert len(ended.of("error")) == 1
    assert "files are kept" in "\n".join(ended.content["traceback"])
    first = far.execute("open('kept.txt').read()")
    assert first.value() == "'here'"
    assert first.text("stderr").count("was replaced") == 1
    assert far.execute("x").content["ename"] == "NameError"
    assert far.session_id() == session


def test_a_stop_reaches_a_cell_whose_connection_broke_and_is_back(far):
    request = far.begin("import time\nprint('on'); time.sleep(60)")
    far.seen(request, writes("on"))
    far.proxy.cut()
    far.seen(request, is_said(WHOLE))
    began = time.monotonic()
    far.kernel.interrupt()
    ended = far.kernel.finish(request)
    assert ended.content["ename"] == "KeyboardInterrupt"
    assert time.monotonic() - began < 2


def test_a_stop_without_a_network_ends_the_waiting_and_says_so(far):
    request = far.begin("import time\nprint('on'); time.sleep(5)")
    far.seen(request, writes("on"))
    far.proxy.go_away()
    far.seen(request, is_said(BROKE))
    began = time.monotonic()
    far.kernel.interrupt()
    ended = far.kernel.finish(request)
    assert time.monotonic() - began < 8
    assert ended.content["ename"] == "KeyboardInterrupt"
    assert "does not answer" in ended.content["evalue"]
    far.proxy.come_back()
    assert far.execute("6 * 7").value() == "42"


def test_a_completion_works_after_a_cut_while_idle(far):
    far.execute("something_long = 1")
    far.kernel.ask("complete_request", {"code": "something_l", "cursor_pos": 11}, timeout=60)
    far.proxy.cut()
    found = far.kernel.ask("complete_request", {"code": "something_l", "cursor_pos": 11})
    assert found.content["matches"] == ["something_long"]


def test_a_cell_works_after_a_cut_while_idle(far):
    far.proxy.cut()
    assert far.execute("print('there'); 1").text() == "there\n"


COMM = """
from comm import create_comm
if 'ours' in globals(): ours.close()
ours = create_comm(target_name='ours')
def answer(message): ours.send({'echo': message['content']['data']})
ours.on_msg(answer)
ours.comm_id
"""


def test_a_comm_works_after_a_cut_while_idle(far):
    comm_id = far.execute(COMM).value().strip("'")
    far.proxy.cut()
    told = far.kernel.tell("comm_msg", {"comm_id": comm_id, "data": 5})
    assert [each["data"] for each in told.of("comm_msg")] == [{"echo": 5}]


def test_what_a_thread_prints_while_the_network_is_away_comes_once(far):
    request = far.begin(
        "import threading, time\n"
        "def work():\n    for n in range(30): print(f'<{n}>'); time.sleep(0.1)\n"
        "threading.Thread(target=work).start()"
    )
    far.kernel.client.get_shell_msg(timeout=30)
    far.seen(request, writes("<5>"))
    far.proxy.go_away()
    time.sleep(1)  # the outage itself
    far.proxy.come_back()
    far.seen(request, writes("<29>"))
    found = far.kernel.pending.pop(request["header"]["msg_id"])
    text = "".join(each["content"].get("text", "") for each in found)
    assert text == "".join(f"<{n}>\n" for n in range(30))


FIRST = {
    "before the hooks have said hello": Cut(rb'"eventType": "stdout"'),
    "inside of the hello": Cut(rb"hello", 100),
    "behind the hello": Cut(rb"line 1\.", 40),
}


@pytest.mark.parametrize("moment", FIRST)
def test_a_cut_in_the_first_cell_of_a_session_costs_no_output(new_far, moment):
    code = WRITE.format(seed=5, size=400_000)
    far = new_far()
    far.proxy.cuts.append(FIRST[moment])
    first = far.execute(code)
    assert far.proxy.cuts == [], "the cut was not made"
    assert first.status == "ok"
    assert WHOLE in said(first)
    shown_first = [each for each in shown(first) if "Starting" not in str(each[1])]
    assert [each for each in shown_first if each[0] != "clear_output"] == shown(far.execute(code))


def test_what_the_journal_cannot_hold_is_said_to_the_character(far):
    request = far.begin(
        "import time\nprint('on'); time.sleep(2)\n"
        "for n in range(1600): print(end=f'{n:06}' + 'x' * 49_994)\nprint('end')"
    )
    far.seen(request, writes("on"))
    far.proxy.go_away()
    far.seen(request, is_said(BROKE))
    time.sleep(4)  # it writes in this time
    far.proxy.come_back()
    ended = far.kernel.finish(request, timeout=60)
    lost = int(re.search(r"\[(\d+) characters of output are lost", ended.text("stderr"))[1])
    assert lost > 10_000_000
    assert lost + len(ended.text()) == len("on\n") + 1600 * 50_000 + len("end\n")
    assert ended.text().endswith("end\n")
    assert f"{lost} characters of output are lost" in said(ended)


HELD = """
import sys, time
journal = sys.modules['agentbay_remote.install']._installed._outbox.journal
end = time.monotonic() + 20
while journal.end - journal.start > 20_000_000 and time.monotonic() < end:
    print(end='y' * 70_000)
    time.sleep(0.1)
"""


def drained(far, request):
    """The characters that a cell wrote, none of them kept here."""
    mid, received = request["header"]["msg_id"], 0
    while True:
        message = far.kernel.client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") == mid:
            received += len(message["content"].get("text", ""))
            if message["content"].get("execution_state") == "idle":
                far.kernel.client.get_shell_msg(timeout=30)
                return received


def test_what_has_arrived_is_not_kept_in_the_session(far):
    code = (
        f"for n in range(1000): print(end='x' * 50_000)\n{HELD}held = journal.end - journal.start"
    )
    assert drained(far, far.begin(code)) >= 50_000_000
    assert int(far.execute("held").value()) <= 20_000_000


@pytest.mark.timeout(300)
def test_a_large_print_takes_bounded_memory_of_the_interpreter(fars):
    far = fars("pipe")  # an ipykernel keeps what it has not sent, with our hooks and without
    total = size("journal_megabytes") * 1_000_000
    code = (
        "import resource\nbefore = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"for n in range({total // 50_000}): print(end='x' * 50_000)\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
    )
    assert drained(far, far.begin(code)) == total
    assert int(far.execute("grown").value()) < 100_000


@pytest.mark.parametrize("far", MATRIX_ENGINES, indirect=True)  # needs a terminal
def test_the_status_names_the_control_channel(far):
    def facts():
        text = far.execute("%agentbay").of("display_data")[0]["data"]["text/plain"]
        return dict(re.findall(r"^(bridge|control channel) +(.*)$", text, re.M))

    far.execute("1")
    # A cut of the test before may have been met by its opening, which is tried again.
    wait_for(lambda: facts()["control channel"] == "terminal", "there is no terminal", 60)
    assert re.match(r"IPython [\d.]+ on Python [\d.]+, ", facts()["bridge"])


def test_small_cells_cost_one_round_trip_each(far):
    far.execute("1")
    before = far.proxy.round_trips
    for _ in range(20):
        far.execute("1")
    assert far.proxy.round_trips - before <= 21
