import asyncio

import pytest

from agentbay_kernel.events import (
    CellError,
    ClearOutput,
    DisplayData,
    ExecuteResult,
    Stream,
    UpdateDisplayData,
)
from agentbay_kernel.kernel.publisher import FLUSH_CHARACTERS, MOST_TURNS, Publisher


@pytest.fixture
def sent():
    return []


@pytest.fixture
def publisher(sent):
    return Publisher(lambda message: sent.append((message.kind, message.content)), 3)


async def test_the_first_text_is_sent_with_what_came_together_with_it(publisher, sent):
    publisher(Stream("stdout", "a"))
    publisher(Stream("stdout", "\n"))
    await asyncio.sleep(0)
    assert sent == [("stream", {"name": "stdout", "text": "a\n"})]


async def test_text_that_follows_quickly_is_put_together(publisher, sent):
    publisher(Stream("stdout", "a"))
    await asyncio.sleep(0)
    for text in "bc":
        publisher(Stream("stdout", text))
        await asyncio.sleep(0)
    publisher.flush()
    assert [content["text"] for _, content in sent] == ["a", "bc"]


async def test_held_text_is_sent_without_more_output(publisher, sent):
    publisher(Stream("stdout", "a"))
    await asyncio.sleep(0)
    publisher(Stream("stdout", "b"))
    async with asyncio.timeout(5):
        while len(sent) < 2:
            await asyncio.sleep(0.005)


async def test_text_and_displays_keep_their_order(publisher, sent):
    publisher(Stream("stdout", "a"))
    publisher(Stream("stdout", "b"))
    publisher(Stream("stderr", "c"))
    publisher(DisplayData({"text/plain": "d"}))
    assert [kind for kind, _ in sent] == ["stream", "stream", "display_data"]
    assert [content.get("text") for _, content in sent[:2]] == ["ab", "c"]


async def test_streams_that_take_turns_keep_their_order(publisher, sent):
    for turn in range(MOST_TURNS):
        publisher(Stream("stderr" if turn % 2 else "stdout", str(turn)))
    publisher.flush()
    assert [content["text"] for _, content in sent] == [str(turn) for turn in range(MOST_TURNS)]


async def test_streams_that_take_turns_too_often_are_two_messages(publisher, sent):
    for turn in range(10 * MOST_TURNS):
        publisher(Stream("stderr" if turn % 2 else "stdout", str(turn % 2)))
    publisher.flush()
    assert [each["text"] for _, each in sent] == ["0" * 5 * MOST_TURNS, "1" * 5 * MOST_TURNS]


async def test_much_text_is_not_held(publisher, sent):
    publisher(Stream("stdout", "x" * FLUSH_CHARACTERS))
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("event", "kind", "content"),
    [
        (
            DisplayData({"a/b": 1}, {"m": 2}, "id"),
            "display_data",
            {"data": {"a/b": 1}, "metadata": {"m": 2}, "transient": {"display_id": "id"}},
        ),
        (
            UpdateDisplayData({"a/b": 1}, "id"),
            "update_display_data",
            {"data": {"a/b": 1}, "metadata": {}, "transient": {"display_id": "id"}},
        ),
        (
            ExecuteResult({"a/b": 1}),
            "execute_result",
            {"data": {"a/b": 1}, "metadata": {}, "execution_count": 3},
        ),
        (ClearOutput(True), "clear_output", {"wait": True}),
        (
            CellError("E", "v", ("t",)),
            "error",
            {"ename": "E", "evalue": "v", "traceback": ["t"]},
        ),
    ],
)
async def test_each_event_becomes_its_message(publisher, sent, event, kind, content):
    publisher(event)
    assert sent == [(kind, content)]
