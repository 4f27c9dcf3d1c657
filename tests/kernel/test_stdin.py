"""Prompts of code in the session: asked in the front end, marked, and never kept."""

from __future__ import annotations

import queue

import pytest

from tests.kernel.same import prompt_of
from tests.kernels import execute_content

WORDS = "{} was called, but this frontend does not support input requests."


def test_input_gives_the_answer(every):
    ended, prompts = every.answering("input('name? ')", "Ada")
    assert ended.value() == "'Ada'"
    assert prompts == [{"prompt": prompt_of(every, "name? "), "password": False}]


def test_prompts_follow_one_another(every):
    ended, prompts = every.answering("[input('a'), input('b')]", "one", "two")
    assert ended.value() == "['one', 'two']"
    assert [each["prompt"] for each in prompts] == [prompt_of(every, each) for each in "ab"]


def test_getpass_asks_for_a_password(every):
    ended, prompts = every.answering("import getpass\ngetpass.getpass('pin: ')", "1234")
    assert ended.value() == "'1234'"
    assert prompts == [{"prompt": prompt_of(every, "pin: "), "password": True}]


@pytest.mark.parametrize("code", ["input()", "import getpass\ngetpass.getpass()"])
def test_without_a_prompt_there_is_none(every, code):
    _, prompts = every.answering(code, "x")
    assert prompts[0]["prompt"] == prompt_of(every, "")


def test_an_answer_has_all_of_unicode(every):
    ended, prompts = every.answering("input('名前 ')", "Åsa 😀")
    assert ended.value() == "'Åsa 😀'"
    assert prompts[0]["prompt"] == prompt_of(every, "名前 ")


@pytest.mark.parametrize(
    ("call", "parameter"),
    [("getpass('p', stream=sys.stderr)", "stream"), ("getpass('p', echo_char='*')", "echo_char")],
)
def test_getpass_takes_what_a_terminal_would_need_with_a_warning(every, call, parameter):
    ended, _ = every.answering(f"import sys, getpass\ngetpass.{call}", "secret")
    assert ended.value() == "'secret'"
    assert f"The `{parameter}` parameter of `getpass.getpass`" in ended.text("stderr")


def test_output_before_a_prompt_arrives_before_it(every):
    code = "import sys\nprint('out', end='')\nprint('err', end='', file=sys.stderr)\ninput('? ')"
    request = every.send("execute_request", execute_content(code, allow_stdin=True))
    asked = every.client.get_stdin_msg(timeout=30)
    arrived = {}
    while len(arrived) < 2:
        message = every.client.get_iopub_msg(timeout=10)
        every.pending.setdefault(message["parent_header"]["msg_id"], []).append(message)
        if message["msg_type"] == "stream":
            arrived[message["content"]["text"]] = message["header"]["date"]
    assert set(arrived) == {"out", "err"}
    assert max(arrived.values()) <= asked["header"]["date"]
    every.client.input("x")
    assert every.finish(request).value() == "'x'"


def test_stop_at_the_prompt_ends_the_cell(every):
    request = every.send("execute_request", execute_content("input('? ')", allow_stdin=True))
    every.prompt()
    every.interrupt()
    assert every.finish(request).content["ename"] == "KeyboardInterrupt"


def test_an_answer_to_a_prompt_that_was_stopped_is_nobodys(every):
    request = every.send("execute_request", execute_content("input('? ')", allow_stdin=True))
    every.prompt()
    every.interrupt()
    every.finish(request)
    every.client.input("stale")
    every.execute("pass")
    assert every.answering("input('again ')", "fresh")[0].value() == "'fresh'"


def test_the_end_of_the_answers_is_an_eof_error(every):
    ended, _ = every.answering("input()", "\x04")
    assert ended.content["ename"] == "EOFError"


@pytest.mark.parametrize(
    ("code", "name"),
    [("input('x')", "raw_input"), ("import getpass; getpass.getpass('x')", "getpass")],
)
def test_where_nobody_can_be_asked_it_is_an_error_in_ipykernels_words(every, code, name):
    error = every.execute(code, allow_stdin=False).content
    assert (error["ename"], error["evalue"]) == ("StdinNotImplementedError", WORDS.format(name))


def test_an_error_at_a_prompt_shows_the_users_line_and_readable_others(either):
    lines = either.execute("input('x')", allow_stdin=False).content["traceback"]
    assert "Cell" in lines[2]
    assert "Could not get source" not in "".join(lines)


THREAD = """
import threading
answers = []
thread = threading.Thread(target=lambda: answers.append(input('from a thread ')))
thread.start()
thread.join()
answers
"""


def test_a_thread_may_ask(every):
    ended, prompts = every.answering(THREAD, "yes")
    assert ended.value() == "['yes']"
    assert prompts[0]["prompt"] == prompt_of(every, "from a thread ")


def test_an_awaiting_cell_may_ask(every):
    ended, _ = every.answering("import asyncio\nawait asyncio.sleep(0)\ninput('? ')", "x")
    assert ended.value() == "'x'"


def test_libraries_that_ask_the_kernel_itself_are_answered(every):
    ended, prompts = every.answering("get_ipython().kernel.raw_input('? ')", "x")
    assert ended.value() == "'x'"
    assert prompts[0]["prompt"] == prompt_of(every, "? ")


def test_a_mixed_cell_may_ask_in_each_piece(either):
    ended, prompts = either.answering("a = input('a')\n%agentbay labels\n(a, input('b'))", "1", "2")
    assert ended.value() == "('1', '2')"
    assert len(prompts) == 2


def test_a_local_cells_prompt_has_no_mark(either):
    ended, prompts = either.answering("%%local\ninput('here? ')", "yes")
    assert ended.value() == "'yes'"
    assert prompts == [{"prompt": "here? ", "password": False}]


def test_a_local_cell_may_not_ask_where_nobody_can_be_asked(either):
    either.answering("%%local\ninput()", "x")
    error = either.execute("%%local\ninput()", allow_stdin=False).content
    assert error["ename"] == "StdinNotImplementedError"


def test_breakpoint_asks_for_commands(either):
    code = "def twice(n):\n    breakpoint()\n    return 2 * n\ntwice(21)"
    ended, prompts = either.answering(code, "p n + 1", "c")
    assert [each["prompt"] for each in prompts] == [prompt_of(either, "ipdb> ")] * 2
    assert "\n22\n" in ended.text()
    assert ended.value() == "42"


def test_a_debugger_looks_at_the_last_error(every):
    every.execute("def fails(n):\n    return 1 / n\nfails(0)")
    ended, prompts = every.answering("%debug", "p [n] * 3", "q")
    assert [each["prompt"] for each in prompts] == [prompt_of(every, "ipdb> ")] * 2
    assert "[0, 0, 0]" in ended.text()
    assert ended.status == "ok"


def test_pdb_is_ipythons_debugger(every):
    ended, prompts = every.answering("import pdb\npdb.set_trace()\nprint('on')", "c")
    assert prompts[0]["prompt"] == prompt_of(every, "ipdb> ")
    assert ended.text().endswith("on\n")


def test_stop_leaves_the_debugger(every):
    code = "import pdb\npdb.set_trace()\nprint('on')"
    request = every.send("execute_request", execute_content(code, allow_stdin=True))
    every.prompt()
    every.interrupt()
    assert "--KeyboardInterrupt--" in every.finish(request).text()


def test_stop_works_after_a_debugger_went_on(every):
    every.answering("import pdb\npdb.set_trace()\nprint('on')", "c")
    request = every.send("execute_request", execute_content("input('? ')", allow_stdin=True))
    every.prompt()
    every.interrupt()
    assert every.finish(request).content["ename"] == "KeyboardInterrupt"


HALVES = ("correct-horse-", "battery-staple")
SEARCH = f"""
import os
secret = {HALVES[0]!r} + {HALVES[1]!r}
found = []
for top in ('/workspace', '/tmp', os.path.expanduser('~'), '/run', '/var/tmp'):
    for folder, _, names in os.walk(top):
        for path in (os.path.join(folder, name) for name in names):
            if os.path.isfile(path) and os.path.getsize(path) < 1 << 20:
                with open(path, 'rb') as file:
                    found += [path] if secret.encode() in file.read() else []
ip = get_ipython()
kept = [text for text in ip.history_manager.input_hist_raw if secret in text]
found + kept
"""


def test_a_password_is_kept_nowhere(either):
    password = "".join(HALVES)
    ended, _ = either.answering("import getpass; len(getpass.getpass('pw '))", password)
    assert ended.value() == str(len(password))
    assert password not in str(ended.outputs) + str(ended.reply)
    assert either.execute(SEARCH).value() == "[]"
    asked = {"hist_access_type": "tail", "n": 100, "output": True, "raw": True}
    assert password not in str(either.ask("history_request", asked).content)
    here = [path for path in either.home.rglob("*") if path.is_file()]
    assert any(path.suffix == ".log" for path in here)
    assert [path for path in here if password.encode() in path.read_bytes()] == []


def test_no_prompt_is_left_over(every):
    every.execute("pass")
    with pytest.raises(queue.Empty):
        every.client.get_stdin_msg(timeout=0.2)
