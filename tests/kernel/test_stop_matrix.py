"""What a Stop does to each kind of code, on both engines, and within which time."""

import re
import time

import pytest

from tests.conftest import MATRIX_ENGINES, MATRIX_PLACES
from tests.kernel.conftest import GRACE_SECONDS
from tests.kernel.test_cut import COMM, writes
from tests.kernels import execute_content

SECONDS = 4.0
"""From a Stop to the end of what takes it; a loaded machine is slow."""

ENDS = {
    "sleep": "import time\nprint('on'); time.sleep(60)",
    "busy loop": "print('on')\nwhile True: pass",
    "awaiting": "import asyncio\nprint('on'); await asyncio.sleep(60)",
    "awaiting once more": (
        "import asyncio\nawait asyncio.sleep(0.01); print('on'); await asyncio.sleep(60)"
    ),
    "subprocess": "import subprocess\nprint('on'); subprocess.run(['sleep', '60'])",
    "C code that lets others run": "import threading\nprint('on'); threading.Event().wait(60)",
    "many prints": "print('on')\nwhile True: print('line')",
    "many displays": "import time\nprint('on')\nwhile True: display(1); time.sleep(0.001)",
    "a thread joined": (
        "import threading, time\nprint('on')\n"
        "each = threading.Thread(target=time.sleep, args=(20,), daemon=True)\n"
        "each.start(); each.join()"
    ),
}

STUBBORN = {
    "a cell that catches it": (
        "import time\nprint('on')\nwhile True:\n"
        "    try: time.sleep(60)\n    except KeyboardInterrupt: pass"
    ),
    "C code that holds the lock": (
        "import time\nprint('on', flush=True); time.sleep(0.2)\nsum(range(10**12))"
    ),
    "C code that lets others run and never looks": (
        "import hashlib\nprint('on')\nhashlib.pbkdf2_hmac('sha256', b'x', b'y', 2**31 - 1)"
    ),
}


def stop(far):
    far.kernel.interrupt()
    return time.monotonic()


@pytest.mark.parametrize("kind", ENDS)
def test_a_stop_ends_it_and_keeps_the_state(far, kind):
    far.execute("state = 41")
    request = far.begin(ENDS[kind])
    far.seen(request, writes("on"))
    began = stop(far)
    ended = far.kernel.finish(request)
    assert time.monotonic() - began < SECONDS
    assert ended.content["ename"] == "KeyboardInterrupt"
    assert len(ended.of("error")) == 1
    assert far.execute("state + 1").value() == "42"


@pytest.mark.parametrize("code", ["!echo on; sleep 60", "%%bash\necho on; sleep 60"])
def test_a_command_is_stopped_and_ends_as_ipythons_magic_ends_it(far, code):
    request = far.begin(code)
    far.seen(request, writes("on"))
    began = stop(far)
    ended = far.kernel.finish(request)
    assert time.monotonic() - began < SECONDS
    assert ended.content.get("ename", "") in ("", "KeyboardInterrupt", "CalledProcessError")
    assert far.execute("6 * 7").value() == "42"


@pytest.mark.parametrize("far", MATRIX_ENGINES, indirect=True)  # needs a terminal
def test_the_first_stop_goes_over_the_control_channel(far):
    far.kernel.ask("complete_request", {"code": "pri", "cursor_pos": 3}, timeout=60)
    for _ in range(3):
        request = far.begin(ENDS["sleep"])
        far.seen(request, writes("on"))
        before, trips = far.proxy.tools, far.proxy.round_trips
        stop(far)
        assert far.kernel.finish(request).content["ename"] == "KeyboardInterrupt"
        assert far.proxy.tools == before
        assert far.proxy.round_trips <= trips + 2
    assert far.log.count("the interrupt went over the control channel") >= 3


def test_a_regular_expression_that_takes_for_ever_is_stopped(far):
    request = far.begin("import re\nprint('on', flush=True)\nre.match('(a+)+$', 'a' * 60 + 'b')")
    far.seen(request, writes("on"))
    began = stop(far)
    assert far.kernel.finish(request).content["ename"] == "KeyboardInterrupt"
    assert time.monotonic() - began < SECONDS + GRACE_SECONDS


@pytest.mark.parametrize("kind", STUBBORN)
def test_what_ignores_a_stop_is_said_and_ends_with_the_second(far, kind):
    far.execute("state = 1; open('kept.txt', 'w').write('here')")
    session = far.session_id()
    request = far.begin(STUBBORN[kind])
    far.seen(request, writes("on"))
    time.sleep(0.5)  # into the code that ignores it
    began = stop(far)
    far.seen(request, writes("Stop again"))
    assert time.monotonic() - began < GRACE_SECONDS + SECONDS
    began = stop(far)
    ended = far.kernel.finish(request)
    assert time.monotonic() - began < GRACE_SECONDS + SECONDS
    assert ended.content["ename"] == "KeyboardInterrupt"
    assert "names are gone" in ended.content["evalue"]
    assert len(ended.of("error")) == 1
    first = far.execute("open('kept.txt').read()")
    assert first.value() == "'here'"
    assert first.text("stderr").count("was replaced") == 1
    assert far.execute("state").content["ename"] == "NameError"
    assert far.session_id() == session


def test_a_stopped_interpreter_is_killed_by_the_second_stop(far):
    request = far.begin(
        "import os, signal\nprint('on', flush=True)\nos.kill(os.getpid(), signal.SIGSTOP)"
    )
    time.sleep(1)  # it has stopped itself by then, its last words may not have come
    began = stop(far)
    far.seen(request, writes("Stop again"))
    stop(far)
    ended = far.kernel.finish(request)
    assert time.monotonic() - began < 2 * (GRACE_SECONDS + SECONDS)
    assert "names are gone" in ended.content["evalue"]
    assert far.execute("6 * 7").value() == "42"


def test_a_prompt_is_given_up(far):
    request = far.begin("state = 3\ninput('name? ')", allow_stdin=True)
    far.kernel.prompt()
    began = stop(far)
    ended = far.kernel.finish(request)
    assert time.monotonic() - began < SECONDS
    assert ended.content["ename"] == "KeyboardInterrupt"
    assert far.execute("state").value() == "3"


@pytest.mark.parametrize("place", MATRIX_PLACES)
@pytest.mark.parametrize("kind", ["sleep", "busy loop", "awaiting", "subprocess"])
def test_a_first_cell_is_stopped(new_far, kind):
    far = new_far()
    request = far.begin(ENDS[kind])
    far.seen(request, writes("on"))
    began = stop(far)
    ended = far.kernel.finish(request)
    assert time.monotonic() - began < SECONDS
    assert ended.content["ename"] == "KeyboardInterrupt"
    assert far.execute("6 * 7").value() == "42"


@pytest.mark.parametrize("place", MATRIX_PLACES)
@pytest.mark.parametrize("after", [0.0, 0.1, 0.3, 0.6, 1.0])
def test_a_cell_is_stopped_while_its_session_starts(new_far, after):
    far = new_far()
    request = far.begin(ENDS["sleep"])
    far.seen(request, lambda each: each["content"].get("execution_state") == "busy")
    time.sleep(after)  # the moment itself
    began = stop(far)
    ended = far.kernel.finish(request)
    assert time.monotonic() - began < 10
    assert ended.content["ename"] == "KeyboardInterrupt"
    assert far.execute("6 * 7").value() == "42"


def test_a_dead_network_ends_the_waiting(new_far):
    far = new_far()
    far.execute("pass")
    request = far.begin(ENDS["sleep"].replace("60", "5"))
    far.seen(request, writes("on"))
    far.proxy.freeze()
    began = stop(far)
    ended = far.kernel.finish(request)
    assert time.monotonic() - began < GRACE_SECONDS + SECONDS
    assert ended.content["ename"] == "KeyboardInterrupt"
    assert "does not answer" in ended.content["evalue"]
    far.proxy.come_back()
    assert far.execute("6 * 7").value() == "42"


LOOP = COMM.replace(
    "def answer(message): ", "def answer(message):\n    print('on')\n    while True: pass\n    "
)
CATCHING = COMM.replace(
    "def answer(message): ",
    "def answer(message):\n    print('on')\n    while True:\n"
    "        try:\n            time.sleep(60)\n"
    "        except KeyboardInterrupt: pass\n    ",
)


def comm_message(far, comm_id, **options):
    content = {"comm_id": comm_id, "data": 1}
    return far.kernel.send("comm_msg", content, **options)


def test_a_comm_handler_that_loops_is_stopped(far):
    comm_id = far.execute("state = 3\n" + LOOP).value().strip("'")
    request = comm_message(far, comm_id)
    far.seen(request, writes("on"))
    began = stop(far)
    far.seen(request, lambda each: each["content"].get("execution_state") == "idle")
    assert time.monotonic() - began < SECONDS
    assert far.execute("state").value() == "3"


def test_a_comm_handler_in_a_subshell_is_stopped(far):
    comm_id = far.execute("state = 3\n" + LOOP).value().strip("'")
    made = far.kernel.ask("create_subshell_request", {}, channel="control")
    shell = {"subshell_id": made.content["subshell_id"]}
    request = comm_message(far, comm_id, header_extra=shell)
    far.seen(request, writes("on"))
    began = stop(far)
    far.seen(request, lambda each: each["content"].get("execution_state") == "idle")
    assert time.monotonic() - began < SECONDS
    far.kernel.ask("delete_subshell_request", shell, channel="control")
    assert far.execute("state").value() == "3"


def test_a_comm_handler_that_catches_the_stop_ends_with_the_second(far):
    comm_id = far.execute("import time\n" + CATCHING).value().strip("'")
    request = comm_message(far, comm_id)
    far.seen(request, writes("on"))
    stop(far)
    far.seen(request, writes("Stop again"))
    began = stop(far)
    far.seen(request, lambda each: each["content"].get("execution_state") == "idle")
    assert time.monotonic() - began < GRACE_SECONDS + SECONDS
    assert far.execute("6 * 7").value() == "42"


def test_a_stop_hits_nothing_but_the_cell_that_runs(far):
    requests = [
        far.kernel.send("execute_request", execute_content(code, stop_on_error=False))
        for code in (ENDS["sleep"], "import time; time.sleep(0.5); 'next'")
    ]
    far.seen(requests[0], writes("on"))
    stop(far)
    assert far.kernel.finish(requests[0]).content["ename"] == "KeyboardInterrupt"
    assert far.kernel.finish(requests[1]).value() == "'next'"


def test_many_stops_are_one(far):
    far.execute("state = 41")
    request = far.begin(ENDS["sleep"])
    far.seen(request, writes("on"))
    for _ in range(5):
        stop(far)
    ended = far.kernel.finish(request)
    assert ended.content["ename"] == "KeyboardInterrupt"
    assert len(re.findall("KeyboardInterrupt", str(ended.of("error")[0]["ename"]))) == 1
    assert far.execute("state + 1").value() == "42"
