"""Comms between the front end and code in the session, as ipykernel's, and apart from our own."""

from __future__ import annotations

import pytest

from tests.kernel.talk import OPEN, comms, messages, open_here, open_talk, states, tell
from tests.kernels import execute_content

TARGET = """
def opened(comm, message):
    print('opened', message['content']['data'], [bytes(each) for each in message['buffers']])
    comm.send({'hello': 1})
    comm.on_msg(lambda said: comm.send({'pong': said['content']['data']}))
get_ipython().kernel.comm_manager.register_target('asked for', opened)
"""


def test_a_comm_is_announced_with_all_it_brings(every):
    ended = every.execute(OPEN)
    (opened,) = [each for each in ended.outputs if each["msg_type"] == "comm_open"]
    assert opened["content"]["target_name"] == "talk"
    assert opened["content"]["comm_id"] == ended.value().strip("'")
    assert messages(ended) == [["comm_open", {"a": 1}, {"m": 2}, b"one"]]


def test_messages_go_both_ways_with_buffers(every):
    ended = tell(every, open_talk(every), {"n": [1, "ä"]}, buffers=[b"abc", bytes(range(256))])
    backwards = bytes(range(256))[::-1]
    assert messages(ended) == [["comm_msg", {"echo": {"n": [1, "ä"]}}, {"x": 1}, b"cba", backwards]]
    assert every.execute("heard[-1][1][0], len(heard[-1][1][1])").value() == "(b'abc', 256)"


def test_what_a_handler_says_is_under_its_message_between_busy_and_idle(every):
    ended = tell(every, open_talk(every), {"n": 1})
    assert ended.text() == "heard {'n': 1}\n"
    kinds = [each["msg_type"] for each in ended.outputs]
    assert (kinds[0], kinds[-1]) == ("status", "status")
    assert sorted(kinds[1:-1]) == ["comm_msg", *["stream"] * (len(kinds) - 3)]
    assert states(ended) == ["busy", "idle"]


def test_the_first_comm_of_a_subshell_is_heard_there(every, subshell):
    every.execute(TARGET)
    comm_id, opened = open_here(every, "asked for", header_extra=subshell)
    ended = tell(every, comm_id, {"n": 1}, header_extra=subshell)
    assert states(opened) == states(ended) == ["busy", "idle"]
    assert messages(ended) == [["comm_msg", {"pong": {"n": 1}}, {}]]


@pytest.fixture
def lost(either):
    """A subshell that a page still names after it has gone."""
    made = either.ask("create_subshell_request", {}, channel="control").content["subshell_id"]

    def end():
        either.ask("delete_subshell_request", {"subshell_id": made}, channel="control")

    return {"subshell_id": made}, end


@pytest.mark.parametrize("where", ["", "%%local\n"])
def test_a_comm_that_spoke_on_a_lost_subshell_answers(either, lost, where):
    header, end = lost
    either.execute(where + TARGET)
    comm_id, _ = open_here(either, "asked for", header_extra=header)
    tell(either, comm_id, {"n": 1}, header_extra=header)
    end()
    for extra in ({}, header, {}):
        ended = tell(either, comm_id, {"n": 2}, buffers=[b"bytes"], header_extra=extra)
        assert messages(ended) == [["comm_msg", {"pong": {"n": 2}}, {}]]
        assert states(ended) == ["busy", "idle"]


def test_a_comm_is_opened_and_closed_on_a_lost_subshell(either, lost):
    header, end = lost
    end()
    either.execute(TARGET)
    comm_id, opened = open_here(
        either, "asked for", {"n": 1}, buffers=[b"bytes"], header_extra=header
    )
    assert opened.text() == "opened {'n': 1} [b'bytes']\n"
    assert comms(either)[comm_id] == "asked for"
    tell(either, comm_id, {}, kind="comm_close", header_extra=header)
    assert comm_id not in comms(either)


def test_a_comms_message_goes_to_the_subshell_that_it_names_when_its_own_is_lost(either, lost):
    header, end = lost
    other = either.ask("create_subshell_request", {}, channel="control").content
    extra = {"subshell_id": other["subshell_id"]}
    code = "def opened(comm, message):\n    comm.on_msg(lambda _: (comm.send({}), print(name())))"
    register = "get_ipython().kernel.comm_manager.register_target('named', opened)"
    name = "import threading\nname = lambda: threading.current_thread().name"
    either.execute(f"%%local\n{name}\n{code}\n{register}")
    comm_id, _ = open_here(either, "named", header_extra=header)
    tell(either, comm_id, {}, header_extra=header)
    end()
    assert (
        tell(either, comm_id, {}, header_extra=extra).text() == f"subshell-{other['subshell_id']}\n"
    )
    either.ask("delete_subshell_request", extra, channel="control")


def test_messages_sent_at_once_are_handled_in_order_each_with_its_states(every):
    comm_id = open_talk(every)
    requests = [every.send("comm_msg", {"comm_id": comm_id, "data": {"n": n}}) for n in range(20)]
    ended = [every.until_idle(each) for each in requests]
    assert [states(each) for each in ended] == [["busy", "idle"]] * 20
    assert [messages(each)[0][1] for each in ended] == [{"echo": {"n": n}} for n in range(20)]
    assert every.execute("[data['n'] for data, _ in heard]").value() == str(list(range(20)))


def test_a_message_reaches_a_cell_that_awaits_it(every):
    comm_id = open_talk(every)
    code = "import asyncio\nprint('runs')\nwhile not heard:\n    await asyncio.sleep(0.01)\nheard"
    request = every.send("execute_request", execute_content(code))
    every.await_text(request, "runs")
    every.send("comm_msg", {"comm_id": comm_id, "data": {"n": 1}})
    assert every.finish(request).value() == "[({'n': 1}, [])]"


SLEEPS = "import time\nprint('runs', flush=True)\ntime.sleep(1)\nlen(heard)"


def test_a_message_waits_for_a_cell_that_does_not_await(every):
    comm_id = open_talk(every)
    request = every.send("execute_request", execute_content(SLEEPS))
    every.await_text(request, "runs")
    message = every.send("comm_msg", {"comm_id": comm_id, "data": {"n": 1}})
    assert every.finish(request).value() == "0"
    ended = every.until_idle(message)
    assert messages(ended) == [["comm_msg", {"echo": {"n": 1}}, {"x": 1}]]
    assert states(ended) == ["busy", "idle"]


def test_a_message_beside_an_awaiting_cell_has_its_states(either):
    # ipywidgets sends no further change of a widget before it has heard the last one's idle.
    comm_id = open_talk(either)
    code = "import asyncio\nprint('runs')\nwhile len(heard) < 3:\n    await asyncio.sleep(0.01)"
    request = either.send("execute_request", execute_content(code))
    either.await_text(request, "runs")
    for n in range(3):
        assert states(tell(either, comm_id, {"n": n})) == ["busy", "idle"]
    assert either.finish(request).status == "ok"


def test_on_a_subshell_a_message_is_handled_while_a_cell_runs(every, subshell):
    every.execute(TARGET)
    comm_id, _ = open_here(every, "asked for", header_extra=subshell)
    code = "import time\nprint('runs', flush=True)\ntime.sleep(2)"
    request = every.send("execute_request", execute_content(code))
    every.await_text(request, "runs")
    answer = tell(every, comm_id, {"n": 1}, header_extra=subshell)
    ended = every.finish(request)
    assert messages(answer) == [["comm_msg", {"pong": {"n": 1}}, {}]]
    assert states(answer) == ["busy", "idle"]
    assert answer.outputs[-1]["header"]["date"] < ended.reply["header"]["date"]


def test_the_front_end_opens_a_comm_to_the_sessions_target(every):
    every.execute(TARGET)
    comm_id, opened = open_here(every, "asked for", {"why": "so"}, buffers=[b"bytes"])
    assert opened.text() == "opened {'why': 'so'} [b'bytes']\n"
    assert messages(opened) == [["comm_msg", {"hello": 1}, {}]]
    assert comms(every)[comm_id] == "asked for"


def test_a_target_that_nobody_registered_is_refused(every):
    comm_id, opened = open_here(every, "nobody's")
    assert [each["comm_id"] for each in opened.of("comm_close")] == [comm_id]
    assert "No such comm target registered: nobody's" in opened.text("stderr")
    assert comm_id not in comms(every)


def test_a_target_that_fails_is_closed_with_its_traceback(every):
    every.execute(
        "def fails(comm, message):\n    1/0\n"
        "get_ipython().kernel.comm_manager.register_target('fails', fails)"
    )
    comm_id, opened = open_here(every, "fails")
    assert [each["comm_id"] for each in opened.of("comm_close")] == [comm_id]
    assert "ZeroDivisionError" in opened.text("stderr")


def test_a_handler_that_fails_is_told_under_its_message(every):
    comm_id = open_talk(every)
    every.execute("talk.on_msg(lambda message: 1/0)")
    ended = tell(every, comm_id, {})
    assert "ZeroDivisionError" in ended.text("stderr")
    assert states(ended) == ["busy", "idle"]
    assert every.execute("6 * 7").value() == "42"


def test_the_front_end_closes_a_comm(every):
    comm_id = open_talk(every)
    assert comms(every)[comm_id] == "talk"
    tell(every, comm_id, {}, "comm_close")
    assert every.execute("heard").value() == "['closed']"
    assert comm_id not in comms(every)


def test_a_message_to_a_comm_that_is_closed_goes_nowhere(every):
    comm_id = open_talk(every)
    tell(every, comm_id, {}, "comm_close")
    ended = tell(every, comm_id, {"late": 1})
    assert states(ended) == ["busy", "idle"]
    assert "Traceback" not in ended.text("stderr")
    assert every.execute("heard").value() == "['closed']"


def test_code_closes_a_comm(every):
    comm_id = open_talk(every)
    ended = every.execute("talk.close({'why': 'done'})")
    assert messages(ended) == [["comm_close", {"why": "done"}, {}]]
    assert comm_id not in comms(every)


def test_ipykernels_own_comm_class_works(every):
    ended = every.execute(
        "import warnings\nwarnings.simplefilter('ignore')\nfrom ipykernel.comm import Comm\n"
        "old = Comm(target_name='old', data={'k': 1}); old.send({'z': 2}); old.close()"
    )
    assert [each[:2] for each in messages(ended)] == [
        ["comm_open", {"k": 1}],
        ["comm_msg", {"z": 2}],
        ["comm_close", {}],
    ]


HERE = """%%local
import comm
try:
    here
except NameError:
    here = comm.create_comm(target_name='here', data={}, comm_id='the-kernels-own')
    heard_here = []
    here.on_msg(lambda message: heard_here.append(message['content']['data']))
"""


def test_comms_of_both_places_are_listed(either):
    either.execute(HERE)
    comm_id = open_talk(either)
    listed = comms(either)
    assert (listed[comm_id], listed["the-kernels-own"]) == ("talk", "here")
    assert comms(either, target_name="here") == {"the-kernels-own": "here"}
    assert "the-kernels-own" not in comms(either, target_name="talk")


def test_each_place_hears_its_own_comm(either):
    either.execute(HERE)
    comm_id = open_talk(either)
    tell(either, "the-kernels-own", {"for": "here"})
    tell(either, comm_id, {"for": "there"})
    assert either.execute("%%local\nheard_here[-1]").value() == "{'for': 'here'}"
    assert either.execute("heard").value() == "[({'for': 'there'}, [])]"


@pytest.mark.parametrize("act", ["", ".send({'forged': 1})", ".close()"])
def test_the_session_cannot_touch_a_comm_of_the_kernel(either, act):
    either.execute(HERE)
    code = f"forged = comm.create_comm(target_name='talk', comm_id='the-kernels-own'){act}"
    assert messages(either.execute(f"import comm\n{code}")) == []
    assert comms(either)["the-kernels-own"] == "here"


def test_a_restart_ends_all_comms(kernel):
    open_talk(kernel)
    kernel.manager.restart_kernel()
    kernel.client.wait_for_ready(timeout=30)
    assert comms(kernel) == {}


def test_a_session_that_is_deleted_closes_its_comms(kernel):
    comm_id = open_talk(kernel)
    ended = kernel.execute("%agentbay delete")
    assert [each["comm_id"] for each in ended.of("comm_close")] == [comm_id]
    assert comms(kernel) == {}


def test_without_a_session_a_message_goes_nowhere(kernel):
    ended = tell(kernel, "unknown", {})
    assert states(ended) == ["busy", "idle"]
    assert comms(kernel) == {}


def test_a_cell_finds_the_messages_done_that_came_during_the_one_before(every):
    comm_id = open_talk(every)
    first = every.send("execute_request", execute_content(SLEEPS))
    every.await_text(first, "runs")
    for n in range(5):
        every.send("comm_msg", {"comm_id": comm_id, "data": {"n": n}})
    second = every.send("execute_request", execute_content("[data['n'] for data, _ in heard]"))
    assert every.finish(first).value() == "0"
    assert every.finish(second).value() == "[0, 1, 2, 3, 4]"


def test_large_messages_arrive_whole_among_others(every):
    comm_id = open_talk(every)
    requests = []
    for n in range(6):
        buffers = [bytes([n]) * (300_000 if n % 2 else 3)]
        content = {"comm_id": comm_id, "data": {"n": n}}
        requests.append(every.send("comm_msg", content, buffers=buffers))
    ended = [every.until_idle(each) for each in requests]
    assert [messages(each)[0][1] for each in ended] == [{"echo": {"n": n}} for n in range(6)]
    assert [len(messages(each)[0][3]) for each in ended] == [3, 300_000] * 3
