"""`%load_ext agentbay_kernel` in a real plain IPython process, and `current()` in a script."""

import os
import re
import subprocess
import sys

import pytest

from tests import kernels
from tests.conftest import PROVIDERS, settle
from tests.kernels import wait_for

SCRIPT = r"""
def section(name):
    print("==", name, flush=True)

def cell(text):
    return get_ipython().run_cell(text)

section("load")
cell("%load_ext agentbay_kernel")
section("status")
cell("%agentbay")
section("new")
cell("%agentbay new --label team=ml -o made")
section("value")
print(made)
section("on")
cell("%%on\nx = 41\nprint('there')\nx + 1")
section("result")
print(_ + 1 if isinstance(_, int) else repr(_))
section("apart")
print("x" in globals())
section("display")
cell("%%on\nfrom IPython.display import display\ndisplay({'a': 1})")
section("update")
cell("%%on\nfor n in range(9): display(f'state {n}', display_id='d', update=n > 0)")
section("error")
print(cell("%%on\ny = 1\n1/0").success)
section("refused")
print(cell("%agentbay labels nolabel").success)
section("unasked")
cell("%agentbay new")
cell("%%on\nx")
section("fs")
cell("%fs ls /")
section("moved")
cell("there = {'list': [1, (2, 3)]}")
cell("%push there")
cell("%%on\nthere['list'].append('back')")
cell("%pull there as fetched")
print(there, fetched)
print(cell("%push nowhere").success)
section("named")
cell("%agentbay new --name gpu")
cell("%%on gpu\nx = 'gpu'\nx")
cell("%%on\nx")
section("prompt")
cell("%%on\nprint('hello ' + input('who? '))")
section("complete")
ip = get_ipython()
print(ip.complete("lab", "%agentbay lab", 13)[1], ip.complete("gp", "%%on gp", 7)[1])
section("current")
import agentbay_kernel
print(agentbay_kernel.current().sdk.code.run("x", "python").result)
section("stop")
import os, signal, threading
class Watched:
    def __init__(self, out): self.out = out
    def write(self, text):
        self.out.write(text)
        if "begun" in text:
            os.kill(os.getpid(), signal.SIGINT)
    def __getattr__(self, name): return getattr(self.out, name)
import sys
sys.stdout = Watched(sys.stdout)
print(cell("%%on\nimport time\nprint('be' + 'gun', flush=True)\ntime.sleep(600)").success)
cell("%%on\nx")
section("end")
"""


@pytest.fixture(scope="module", params=PROVIDERS)
def said(request, tmp_path_factory):
    """What each section of the script said."""
    home = tmp_path_factory.mktemp("h")
    with pytest.MonkeyPatch.context() as patch:
        settle(home, request.param, patch)
        path = home / "script.ipy"
        path.write_text(SCRIPT)
        command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=nocolor", str(path)]
        done = subprocess.run(
            command, cwd=home, input="Ann\n", capture_output=True, text=True, timeout=110
        )
        wait_for(lambda: not kernels.sessions(), "the sessions end with the process", 10)
        rows = home.glob("data/ledger/*.json")
        wait_for(lambda: not list(rows), "nothing is left in the ledger", 10)
        kernels.stop_service()
    parts = [part.partition("\n") for part in done.stdout.split("== ")[1:]]
    return {name: text for name, _, text in parts} | {"stderr": done.stderr}


def test_loading_starts_nothing_and_the_status_says_so(said):
    assert said["load"] == ""
    assert "state     none" in said["status"]


def test_a_value_is_put_into_the_namespace_there(said):
    assert said["value"].strip() in said["new"]
    assert said["value"].startswith("s-")


def test_a_cell_runs_in_the_session(said):
    assert said["on"].startswith("there\n")
    assert "42" in said["on"]
    assert said["apart"] == "False\n"


def test_the_last_value_is_kept_as_ipython_does(said):
    assert said["result"].strip() == "42"


def test_displays_are_shown(said):
    assert "{'a': 1}" in said["display"]


def test_of_a_display_that_changes_a_terminal_shows_the_first_state_and_the_last(said):
    assert re.findall(r"state \d", said["update"]) == ["state 0", "state 8"]


def test_an_error_is_the_sessions_own_traceback_and_fails_the_cell(said):
    assert "ZeroDivisionError" in said["error"]
    assert "standalone" not in said["error"]
    assert said["error"].rstrip().endswith("False")


def test_bad_words_are_one_line_and_fail_the_cell(said):
    assert said["refused"].count("\n") == 2
    assert "neither empty" in said["refused"]
    assert "Traceback" not in said["stderr"]


def test_other_families_work_there(said):
    assert "workspace" in said["fs"]


def test_values_go_there_and_back(said):
    moved = "{'list': [1, (2, 3)]} {'list': [1, (2, 3), 'back']}"
    assert moved in said["moved"].splitlines()
    assert "no name nowhere" in said["moved"]
    assert said["moved"].endswith("False\n")


def test_a_running_session_is_not_replaced_unasked(said):
    assert "would delete session" in said["unasked"]
    assert "41" in said["unasked"]


def test_a_named_session_is_beside_the_first(said):
    assert "'gpu'" in said["named"]
    assert "41" in said["named"]


def test_a_prompt_is_answered(said):
    assert "hello Ann" in said["prompt"]


def test_words_are_completed(said):
    assert said["complete"] == "['labels'] ['gpu']\n"


def test_the_vendors_object_is_at_hand(said):
    assert said["current"] == "41\n"


def test_an_interrupt_stops_the_cell_and_keeps_the_names(said):
    assert "begun" in said["stop"]
    assert "KeyboardInterrupt" in said["stop"]
    assert "41" in said["stop"]


def test_the_script_came_to_its_end(said):
    assert said["end"] == ""


def test_a_script_has_a_session_of_its_own_that_ends_with_it(tmp_path):
    code = (
        "import agentbay_kernel\ns = agentbay_kernel.current()\n"
        "s.files.write('/workspace/a', b'1')\n"
        "print(s.sdk.command.execute_command('cat /workspace/a').output)\n"
    )
    # A proxy that is not there: the service of this computer is reached without one.
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, **proxies},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("1\n", "")
    wait_for(lambda: not kernels.sessions(), "the session ends with the script", 10)
    assert list(tmp_path.iterdir()) == []
