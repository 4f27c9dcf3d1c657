"""Looking after a session: environment, metrics, time, sleep."""

import pytest

from agentbay_kernel.errors import NotSupported, ToolError, UsageError
from agentbay_kernel.events import CellError
from tests.magics.acting import Acting


@pytest.fixture
def user():
    return Acting()


@pytest.fixture
def machine(user):
    return user.manager.session.machine


async def test_only_names_of_variables_are_listed(user, machine):
    machine.environment["TOKEN"] = "very-secret"
    text = await user.do("%agentbay env")
    assert "TOKEN" in text
    assert "very-secret" not in text
    assert await user.value("%agentbay env") == ["PATH", "TOKEN"]


async def test_variables_are_set(user, machine):
    text = await user.do("%agentbay env MODE=test 'GREETING=guten Tag' EMPTY=")
    assert machine.environment | {"PATH": ""} == {
        "PATH": "",
        "MODE": "test",
        "GREETING": "guten Tag",
        "EMPTY": "",
    }
    assert "guten Tag" in text


@pytest.mark.parametrize("line", ["%agentbay env TOKEN=-", "%agentbay env TOKEN --secret"])
async def test_a_secret_is_asked_for_and_not_shown(user, machine, line):
    user.answers = ["very-secret"]
    text = await user.do(line)
    assert machine.environment["TOKEN"] == "very-secret"
    assert user.asked == [("TOKEN: ", True)]
    assert "very-secret" not in text


async def test_a_failure_does_not_tell_the_secret(user, machine):
    user.answers = ["very-secret"]
    machine.error = ToolError("cannot set TOKEN to very-secret")
    with pytest.raises(ToolError, match="cannot set TOKEN to") as caught:
        await user.do("%agentbay env TOKEN=-")
    assert "very-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "words",
    ["1A=b", "A", "A=b --secret", "--secret", "=b", "'A B=c'"],
)
async def test_what_is_no_variable_is_refused(user, machine, words):
    with pytest.raises(UsageError):
        await user.do(f"%agentbay env {words}")
    assert machine.environment == {"PATH": "/bin"}


async def test_a_secret_without_a_value_sets_nothing(user, machine):
    user.answers = [""]
    with pytest.raises(UsageError, match="nothing is set"):
        await user.do("%agentbay env A=1 TOKEN=-")
    assert machine.environment == {"PATH": "/bin"}


async def test_an_interpreter_that_the_tool_did_not_reach_gets_them_too(user):
    ran = []

    async def inside(code, emit):
        ran.append(code)
        return CellError("AssertionError", "", ()) if code.startswith("assert") else None

    user.inside = inside
    await user.do("%agentbay env A=b")
    assert "environ.update" in ran[-1]


async def test_variables_are_completed(user):
    assert await user.complete("%agentbay env PA") == ["PATH="]


async def test_metrics_are_readable_and_plain(user):
    text = await user.do("%agentbay metrics")
    assert "12.5 % of 4 cores" in text
    assert "1.00 of 4.00 GiB (25 %)" in text
    assert (await user.value("%agentbay metrics"))["cpu_count"] == 4


async def test_extend_refreshes_and_tells_what_is_left(user):
    text = await user.do("%agentbay extend")
    assert user.manager.session.kept_alive == 1
    assert "ends in any case" in text


async def test_pause_and_resume(user, machine):
    assert "The next cell" in await user.do("%agentbay pause")
    assert machine.paused
    assert user.manager.lifetime.paused
    assert user.manager.changes == 1
    await user.do("%agentbay resume")
    assert not machine.paused


async def test_a_provider_that_cannot_pause_leaves_the_session_as_it_is(user, machine):
    machine.error = NotSupported("not for you")
    with pytest.raises(NotSupported):
        await user.do("%agentbay pause")
    assert not user.manager.lifetime.paused


@pytest.mark.parametrize("name", ["extend", "pause", "resume"])
async def test_without_a_session_there_is_nothing_to_look_after(user, name):
    user.manager.session = None
    with pytest.raises(UsageError, match="no session"):
        await user.do(f"%agentbay {name}")
    assert user.manager.started == 0
