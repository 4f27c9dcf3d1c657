"""The hooks in the oldest IPython that a session may have."""

from __future__ import annotations

import pytest

from tests import oldest
from tests.remote import cells

CELLS = {
    "result": "print('a'); 6 * 7",
    "display": "from IPython.display import *\nh = display(HTML('<b>'), display_id='d')",
    "update": "h.update(HTML('<i>'))",
    "clear": "from IPython.display import clear_output; clear_output(wait=True)",
    "await": "import asyncio; await asyncio.sleep(0.001); 'awaited'",
    "error": "def f():\n    1/0\nf()",
    "syntax": "def f(:",
    "history": "In[1], _i, Out",
    "shell": "!echo child",
    "magic": "%%bash\necho bash",
    "page": "print?",
    "next": "get_ipython().set_next_input('y = 1')",
    "stderr": "import sys; print('err', file=sys.stderr)",
    "comm": "import comm; c = comm.create_comm(target_name='t'); c.send({'a': 1}, buffers=[b'b'])",
    "input": "input('?')",
    "large": "print('x' * 300_000); {'text': 'y' * 300_000}",
    "capture": "%%capture shown\ndisplay(5); print('hidden')",
    "captured": "len(shown.outputs), shown.stdout",
    "exit": "raise SystemExit(3)",
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """The reader of all cells, run in one shell, and a function for the messages of one."""
    sent = cells.texts(CELLS.values(), expressions={"e": "1 + 1"})
    return cells.run(oldest.python(), sent, tmp_path_factory.mktemp("old"))


@pytest.fixture
def said(seen):
    requests = {name: f"m{number}" for number, name in enumerate(CELLS, 1)}
    return lambda name: cells.of(seen, requests[name])


def test_it_is_the_oldest(seen):
    hello = seen.messages[0]["c"]
    assert hello["ipython"] == "7.34.0"
    assert hello["loop"]


def test_no_frame_is_broken_and_each_cell_has_its_reply(seen, said):
    assert seen.demux.broken == 0
    failed = {name for name in CELLS if said(name)["reply"]["status"] == "error"}
    assert failed == {"error", "syntax", "input", "exit"}


def test_results_and_expressions(said):
    assert said("result")["execute_result"]["data"] == {"text/plain": "42"}
    assert said("result")["execute_result"]["execution_count"] == 1
    found = said("result")["reply"]["user_expressions"]["e"]
    assert found["data"] == {"text/plain": "2"}
    assert said("await")["execute_result"]["data"] == {"text/plain": "'awaited'"}


def test_displays(said):
    assert said("display")["display_data"]["transient"] == {"display_id": "d"}
    assert said("update")["update_display_data"]["data"]["text/html"] == "<i>"
    assert said("clear")["clear_output"] == {"wait": True}
    assert said("captured")["execute_result"]["data"] == {"text/plain": "(1, 'hidden\\n')"}


def test_errors(said):
    assert said("error")["error"]["ename"] == "ZeroDivisionError"
    assert len(said("error")["error"]["traceback"]) > 2
    assert said("syntax")["error"]["ename"] == "SyntaxError"
    assert said("input")["error"]["ename"] == "StdinNotImplementedError"
    assert said("exit")["error"]["ename"] == "SystemExit"


def test_history_has_the_cells_as_typed(said):
    shown = eval(said("history")["execute_result"]["data"]["text/plain"])
    assert shown == (CELLS["result"], CELLS["syntax"], {1: 42, 5: "awaited"})


def test_payloads(said):
    assert [each["source"] for each in said("page")["reply"]["payload"]] == ["page"]
    assert said("next")["reply"]["payload"][0]["text"] == "y = 1"


def test_comms(said):
    assert said("comm")["comm_open"]["target_name"] == "t"
    assert said("comm")["comm_msg"]["data"] == {"a": 1}


def test_text_of_all_kinds_is_whole_and_in_order(seen, said):
    text = seen.text()
    parts = ["a\n", "child\n", "bash\n", "x" * 300_000]
    assert [part in text for part in parts] == [True] * 4
    assert sorted(map(text.find, parts)) == list(map(text.find, parts))
    assert "err\n" in seen.text("stderr")
    assert len(said("large")["execute_result"]["data"]["text/plain"]) > 300_000


def test_its_ipykernel_takes_them_too(tmp_path):
    """As an inner ipykernel, whose session is the one door for messages."""
    program = tmp_path / "client.py"
    program.write_text(CLIENT)
    sent = cells.texts(
        [CELLS["result"], CELLS["display"], CELLS["error"], "await asyncio.sleep(0)"]
    )
    reader = cells.run(oldest.python(), sent, tmp_path, program)
    assert reader.messages[0]["c"]["inner_kernel"] is True
    assert reader.text() == "a\n"
    assert cells.of(reader, "m1")["execute_result"]["data"] == {"text/plain": "42"}
    assert cells.of(reader, "m2")["display_data"]["transient"] == {"display_id": "d"}
    assert cells.of(reader, "m3")["error"]["ename"] == "ZeroDivisionError"
    assert [cells.of(reader, f"m{n}")["reply"]["status"] for n in range(1, 5)] == [
        "ok", "ok", "error", "error",
    ]  # fmt: skip


CLIENT = """
import json, subprocess, sys
from jupyter_client.manager import start_new_kernel
# An ipykernel repeats there what it reads from the descriptors.
aside = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
manager, client = start_new_kernel(kernel_name="python3", **aside)
def output(message):
    if message["msg_type"] == "stream":
        sys.stdout.write(message["content"]["text"])
for text in json.load(sys.stdin):
    client.execute_interactive(text, output_hook=output, allow_stdin=False, timeout=50)
client.stop_channels()
manager.shutdown_kernel(now=True)
"""
