"""How the way to an interpreter is opened again, and how it is found out that there is none."""

import pytest

from agentbay_kernel.bridge.link import Link
from agentbay_kernel.bridge.messages import to_hello
from agentbay_kernel.errors import BridgeError, ChannelEnded, InterpreterGone, SessionGone
from tests.bridge.test_bridge import HELLO
from tests.fakes import FakeSession


class Session(FakeSession):
    """Refuses each terminal with the next of these errors; may have ended itself."""

    def __init__(self, *refusals, ended=False):
        super().__init__()
        self.refusals = list(refusals)
        self.ended = ended

    async def open_terminal(self, on_text, on_end):
        raise self.refusals.pop(0)

    async def status(self):
        if self.ended:
            raise SessionGone("The session has ended")
        return "RUNNING"


async def begin(session):
    """What the link tells of its end."""
    told = []
    link = Link(session, lambda message: None, told.append, lambda: False)
    link.meet("0123456789ab", to_hello(HELLO))
    await link.begin()
    return told


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr("agentbay_kernel.bridge.link.REOPEN_SECONDS", (0.0, 0.0))


@pytest.mark.parametrize(
    "refusals",
    [
        [ChannelEnded("ended"), BridgeError("no terminal")],
        [BridgeError("no terminal")],
        [SessionGone("The session has ended")],
    ],
    ids=["channel ended", "no terminal", "session gone"],
)
async def test_a_session_that_ends_while_the_first_channel_opens_is_told(refusals):
    told = await begin(Session(*refusals, ended=True))
    assert [type(each) for each in told] == [SessionGone]


async def test_an_interpreter_that_died_before_the_first_channel_is_told():
    told = await begin(Session(InterpreterGone("died")))
    assert [type(each) for each in told] == [InterpreterGone]


async def test_a_first_channel_that_ends_at_once_is_opened_again():
    session = Session(ChannelEnded("ended"), BridgeError("not now"), InterpreterGone("died"))
    told = await begin(session)
    assert [type(each) for each in told] == [InterpreterGone]
    assert session.refusals == []
