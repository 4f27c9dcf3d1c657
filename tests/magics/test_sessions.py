"""Several sessions in one notebook, through a real kernel."""

import signal

import pytest

from tests import kernels
from tests.kernels import wait_for


@pytest.fixture
def kernel(shared, place):
    """One kernel whose main session has x = 'main', and gpu, where x = 'gpu'."""
    kernel = shared(place)
    kernel.execute("%agentbay use main")
    if "\ngpu " not in shown(kernel.execute("%agentbay use")):
        kernel.execute("x = 'main'")
        assert kernel.execute("%agentbay new --name gpu --label team=ml -o made").status == "ok"
        assert kernel.execute("%%on gpu\nx = 'gpu'").status == "ok"
    return kernel


def shown(done):
    """All that a cell displayed as text."""
    displays = [each["data"]["text/plain"] for each in done.of("display_data")]
    return done.text() + "\n".join(displays)


MADE_BY_THE_SDK = {
    "pipe": """%%local
import agentbay, agentbay_kernel
account = agentbay_kernel.current().sdk.agent_bay
made = account.create(agentbay.CreateSessionParams(image_id="code_latest"))
print(made.session.session_id)
""",
    "agb": """%%local
import agentbay_kernel
from agb.session_params import CreateSessionParams
account = agentbay_kernel.current().sdk.agb
made = account.create(CreateSessionParams(image_id="agb-code-space-1"))
print(made.session.session_id)
""",
}


def complete(kernel, code):
    """The completions, and the seconds that the fastest of some answers took."""
    asked = {"code": code, "cursor_pos": len(code)}
    replies = [kernel.ask("complete_request", asked) for _ in range(3)]
    return replies[-1].content["matches"], min(each.seconds for each in replies)


def test_a_cell_runs_in_the_session_that_it_names(kernel):
    done = kernel.execute("%%on gpu\nprint('here')\nx")
    assert done.text() == "here\n"
    assert done.value() == "'gpu'"
    assert kernel.execute("x").value() == "'main'"


def test_a_used_session_is_that_of_the_next_cells(kernel):
    assert kernel.execute("%agentbay use gpu\nx").value() == "'gpu'"
    assert kernel.execute("x").value() == "'gpu'"
    assert "gpu" in shown(kernel.execute("%agentbay"))


def test_use_lists_the_sessions_and_marks_the_current(kernel):
    done = kernel.execute("%agentbay use -o rows")
    assert "→ main" in shown(done)
    assert kernel.execute("[row['name'] for row in rows]").value() == "['main', 'gpu']"


def test_an_unknown_name_names_the_nearest(kernel):
    done = kernel.execute("%agentbay use gpuu")
    assert done.content["ename"] == "UsageError"
    assert "Did you mean gpu" in done.content["evalue"]


def test_a_cell_for_an_unknown_session_runs_nowhere(kernel):
    done = kernel.execute("%%on nowhere\nx = 'lost'")
    assert done.content["ename"] == "UsageError"
    assert kernel.execute("x").value() == "'main'"
    assert kernel.execute("%%on gpu").content["ename"] == "UsageError"


def test_an_error_there_has_the_lines_of_the_cell(kernel):
    done = kernel.execute("%%on gpu\na = 1\n1/0")
    assert done.content["ename"] == "ZeroDivisionError"
    assert "line 3" in "".join(done.content["traceback"])


def test_a_syntax_error_beside_a_magic_runs_nothing_there(kernel):
    done = kernel.execute("%%on gpu\nx = 'changed'\n%agentbay use main\nx =")
    assert done.content["ename"] == "SyntaxError"
    assert kernel.execute("%%on gpu\nx").value() == "'gpu'"


def test_our_magics_in_the_cell_mean_that_session(kernel):
    done = kernel.execute("%%on gpu\n%agentbay labels")
    assert "team" in shown(done)
    assert "team" not in shown(kernel.execute("%agentbay labels"))


def test_prompts_are_answered_there(kernel):
    done, prompts = kernel.answering("%%on gpu\nprint(input('who? ') + x)", "I am ")
    assert done.text() == "I am gpu\n"
    assert prompts[0]["prompt"] == "[session] who? "


def test_a_stop_reaches_the_cell_there_and_the_names_stay(kernel):
    code = "%%on gpu\nimport time\nprint('begun', flush=True)\ntime.sleep(600)"
    request = kernel.send("execute_request", kernels.execute_content(code))
    kernel.await_text(request, "begun")
    kernel.interrupt()
    assert kernel.finish(request).content["ename"] == "KeyboardInterrupt"
    assert kernel.execute("%%on gpu\nx").value() == "'gpu'"
    assert kernel.execute("x").value() == "'main'"


def test_every_sessions_history_has_the_cells_of_the_others(kernel):
    kernel.execute("'a cell of main'")
    assert "a cell of main" in kernel.execute("%%on gpu\n' '.join(In)").value()


def test_a_widget_of_a_session_that_was_left_still_answers(kernel):
    kernel.execute(
        "%%on gpu\nimport comm\nheard = []\n"
        "c = comm.create_comm(target_name='t', comm_id='there')\n"
        "c.on_msg(lambda message: heard.append(message['content']['data']))"
    )
    kernel.execute("1")
    assert "there" in kernel.ask("comm_info_request", {}).content["comms"]
    kernel.tell("comm_msg", {"comm_id": "there", "data": {"n": 1}})
    assert kernel.execute("%%on gpu\nheard").value() == "[{'n': 1}]"


def test_a_session_cannot_take_the_comm_of_another(kernel):
    open_comm = "import comm\nc = comm.create_comm(target_name='t', comm_id='mine')"
    assert kernel.execute(f"%%on gpu\n{open_comm}").of("comm_open")
    assert kernel.execute(open_comm).of("comm_open") == []


def test_names_are_completed_at_once(kernel):
    found, seconds = complete(kernel, "%agentbay use g")
    assert found == ["gpu"]
    assert seconds < 0.2
    assert complete(kernel, "%%on g")[0] == ["gpu"]


def test_ids_are_completed_at_once(kernel):
    found, seconds = complete(kernel, "%agentbay attach s-")
    assert set(found) == set(kernels_of(kernel))
    assert seconds < 0.2


def test_labels_and_images_are_completed(kernel):
    kernel.execute("%agentbay labels 'kind=a b'")
    assert complete(kernel, "%agentbay labels ki")[0] == ["kind="]
    assert complete(kernel, "%agentbay labels kind=")[0] == ["'kind=a b'"]
    assert complete(kernel, "%agentbay labels --remove ")[0] == ["kind"]
    assert "linux_latest" in complete(kernel, "%agentbay new --image li")[0]


def test_a_name_with_spaces_and_of_any_script(kernel):
    assert kernel.execute("%agentbay new --name 'größe 1'").status == "ok"
    assert kernel.execute("%%on 'größe 1'\ny = 2\ny").value() == "2"
    done = kernel.execute("%agentbay delete 'größe 1'")
    assert "deleted" in done.text()
    assert "größe" not in shown(kernel.execute("%agentbay use"))


def test_a_used_session_that_is_deleted_gives_way_to_main(kernel):
    kernel.execute("%agentbay new --name short")
    kernel.execute("%agentbay use short")
    assert "Cells now run in main" in kernel.execute("%agentbay delete").text()
    assert kernel.execute("x").value() == "'main'"


@pytest.mark.parametrize(
    "line",
    [
        "%agentbay new --name gpu --mount nopath",
        "%agentbay new --idle 0",
        "%agentbay new",
        "%agentbay new --name gpu",
        "%agentbay new --recycle 3 --yes",
        "%agentbay new --name gpu --label bad",
        "%agentbay new --name '-x'",
        "%agentbay attach s-nothing",
        "%agentbay attach s-nothing --name other",
        "%agentbay delete s-nothing --yes",
        "%agentbay delete nosuchname",
        "%agentbay list --status NOSUCH",
        "%agentbay list --label bad",
        "%agentbay info extra",
        "%agentbay --nonsense",
        "%agentbay labels bad",
        "%%on gpu extra\n1",
    ],
)
def test_bad_words_change_nothing(kernel, line):
    before = sorted(kernels_of(kernel))
    assert kernel.execute(line).content["ename"] == "UsageError"
    assert sorted(kernels_of(kernel)) == before
    assert kernel.execute("x").value() == "'main'"
    assert kernel.execute("%%on gpu\nx").value() == "'gpu'"


def kernels_of(kernel):
    """The ids of all sessions, asked by the kernel's own listing."""
    kernel.execute("%agentbay list --all -o listed")
    return eval(kernel.execute("[row['session'] for row in listed]").value())


def test_info_masks_what_is_secret(kernel):
    text = shown(kernel.execute("%agentbay info -o facts"))
    assert "code_latest" in text
    assert "VpcResource" in text
    values = kernel.execute("str(facts)").value()
    for secret in ("auth_code", "Token", "connection_properties"):
        assert f"'{secret}': '•••'" in values
    assert "/s/" not in values
    assert "/link/" not in values


def test_status_tells_the_engine_and_the_bridge(kernel):
    kernel.execute("%agentbay new --name fresh")
    kernel.execute("%agentbay use fresh")
    before = shown(kernel.execute("%agentbay"))
    assert "none yet" in before
    assert kernel.name in before  # the engine, else the provider
    kernel.execute("1")
    assert "IPython" in shown(kernel.execute("%agentbay"))
    kernel.execute("%agentbay delete fresh")


def test_an_attached_session_is_used_and_stays_when_it_is_left(kernel):
    lent = kernel.execute(MADE_BY_THE_SDK[kernel.name]).text().strip()
    assert "lent" in kernel.execute(f"%agentbay attach {lent} --name lent").text()
    assert kernel.execute("%%on lent\n1 + 1").value() == "2"
    again = kernel.execute(f"%agentbay attach {lent}")
    assert "session lent already" in again.content["evalue"]
    assert kernel.execute("x").value() == "'main'"
    assert "deleted" in kernel.execute("%agentbay delete lent").text()


def test_a_new_session_leaves_an_attached_one_alone(kernel):
    lent = kernel.execute(MADE_BY_THE_SDK[kernel.name]).text().strip()
    kernel.execute(f"%agentbay attach {lent} --name lent")
    assert f"{lent} goes on by itself" in kernel.execute("%agentbay new --name lent").text()
    assert lent in kernels_of(kernel)
    kernel.execute(f"%agentbay delete lent {lent} --yes")


def test_a_session_that_ended_elsewhere_is_said_and_the_others_stay(kernel):
    kernel.execute("%agentbay new --name frail -o frail")
    kernel.execute("%%on frail\n1")
    ended = kernel.execute(
        "%%on frail\n%%local\nimport agentbay_kernel\n"
        "print(agentbay_kernel.current().sdk.delete().success)"
    )
    assert ended.text() == "True\n"
    assert kernel.execute("%%on frail\n1").content["ename"] == "SessionGone"
    assert kernel.execute("x").value() == "'main'"
    assert kernel.execute("%%on frail\n1").value() == "1"
    kernel.execute("%agentbay delete frail")


def test_several_are_deleted_and_a_failure_is_told_for_each(kernel):
    kernel.execute("%agentbay new --name one --label batch=7")
    kernel.execute("%agentbay new --name two --label batch=7")
    before = set(kernels_of(kernel))
    dry = kernel.execute("%agentbay delete --label batch=7 --dry-run -o doomed")
    assert "Would delete" in dry.text()
    assert set(kernels_of(kernel)) == before
    refused = kernel.execute("%agentbay delete --label batch=7")
    assert "--yes" in refused.content["evalue"]
    assert set(kernels_of(kernel)) == before
    doomed = eval(kernel.execute("doomed").value())
    done = kernel.execute(f"%agentbay delete {doomed[0]} s-nothing {doomed[1]} --yes")
    assert "1 of 3 sessions were not deleted" in done.content["evalue"]
    assert "s-nothing" in done.content["evalue"]
    assert before - set(kernels_of(kernel)) == set(doomed)
    assert kernel.execute("x").value() == "'main'"


def test_the_vendors_own_object_is_one_line_away(kernel):
    code = (
        "%%local\nimport agentbay_kernel\nmine = agentbay_kernel.current()\n"
        "print(type(mine.sdk).__module__, mine.sdk.get_labels().success)\n"
        "command = mine.sdk.command\n"
        "run = getattr(command, 'execute_command', None) or command.execute\n"
        "print(run('echo there').output.strip())\n"
        "print(repr(mine), repr(mine.sdk))"
    )
    done = kernel.execute(code)
    module = {"pipe": "agentbay._sync.session", "agb": "agb.session"}[kernel.name]
    assert done.text().splitlines()[:2] == [f"{module} True", "there"]
    assert "key" not in done.text()


def test_the_extension_is_a_friendly_no_op_here(kernel):
    done = kernel.execute("%%local\n%load_ext agentbay_kernel")
    assert done.status == "ok"
    assert "part of this kernel" in done.text()
    assert "part of this kernel" in kernel.execute("%load_ext agentbay_kernel").text()


@pytest.mark.parametrize("how", ["gracefully", "now"])
def test_a_restart_keeps_every_session_and_its_files(start_kernel, how):
    kernel = with_two_sessions(start_kernel)
    before = set(kernels.sessions())
    kernel.manager.restart_kernel(now=how == "now")
    kernel.client.wait_for_ready(timeout=30)
    assert "left by the kernel before" in shown(kernel.execute("%agentbay use"))
    assert kernel.execute("%%on gpu\nopen('kept').read()").value() == "'there'"
    assert kernel.execute("%%on gpu\nx").content["ename"] == "NameError"
    assert kernel.execute("open('kept').read()").value() == "'here'"
    assert set(kernels.sessions()) == before
    kernel.close()
    wait_for(lambda: not kernels.sessions(), "a shutdown ends every session", 5)


def test_a_killed_kernel_leaves_no_session(start_kernel, monkeypatch):
    monkeypatch.setenv("AGENTBAY_KERNEL_RESTART_WAIT_SECONDS", "0")
    kernel = with_two_sessions(start_kernel)
    kernel.manager.signal_kernel(signal.SIGKILL)
    wait_for(lambda: not kernels.sessions(), "the guardians end every session", 40)


def with_two_sessions(start_kernel):
    """A kernel of its own with two sessions and a file in each."""
    kernel = start_kernel()
    kernel.execute("open('kept', 'w').write('here'); x = 1")
    kernel.execute("%agentbay new --name gpu")
    kernel.execute("%%on gpu\nopen('kept', 'w').write('there'); x = 1")
    assert len(kernels.sessions()) == 2
    return kernel
