"""Completion in the lines of our magics."""

import asyncio

import pytest

from agentbay_kernel import magics
from agentbay_kernel.errors import Unreachable
from agentbay_kernel.magics import completion, registry
from agentbay_kernel.magics.registry import Context, argument, command

CONTEXT = Context(None, lambda event: None, {}.__setitem__)
NAMES = ["plain", "two words", "plainer", "it's", "folder/", "a folder/"]


@pytest.fixture(autouse=True)
def family(monkeypatch):
    magics.inspect("%agentbay", 1)
    monkeypatch.setattr(registry, "COMMANDS", dict(registry.COMMANDS))
    monkeypatch.setattr(completion, "COMMANDS", registry.COMMANDS)

    async def names(context, word):
        return NAMES

    async def fails(context, word):
        raise Unreachable("no network")

    async def hangs(context, word):
        await asyncio.sleep(60)

    @command(
        "toy",
        "pick",
        argument("first"),
        argument("rest", nargs="*"),
        argument("--label", nargs="+"),
        argument("--kind", choices=("up", "down")),
        argument("--fail"),
        argument("--hang"),
        argument("--flag", action="store_true"),
        complete={"first": names, "--fail": fails, "--hang": hangs, "--label": names},
    )
    async def pick(context, args):
        """Pick a name."""


async def complete(code):
    found = await magics.complete(code, len(code), CONTEXT)
    return None if found is None else sorted(found.texts)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("%agent", ["%agentbay"]), ("x\n%agentbay la", ["labels"]), ("%fs p", ["put"])],
)
async def test_magics_and_their_commands_are_completed(code, expected):
    assert await complete(code) == expected


async def test_other_text_is_not_completed_here():
    assert await complete("agen") is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("%toy pick pl", ["plain", "plainer"]),
        ("x = 1\n%toy pick pl", ["plain", "plainer"]),
        ("%toy pick tw", ["'two words'"]),
        ("%toy pick 'tw", ["'two words'"]),
        ('%toy pick "it', ['"it\'s"']),
        ("%toy pick a", ["'a folder/"]),
        ("%toy pick fol", ["folder/"]),
        ("%toy pick x pl", []),
        ("%toy pick --label a pl", ["plain", "plainer"]),
        ("%toy pick --flag pl", ["plain", "plainer"]),
        ("%toy pick --kind u", ["up"]),
        ("%toy pick --fl", ["--flag"]),
        ("%toy pick x --k", ["--kind"]),
    ],
)
async def test_the_word_at_the_cursor_decides(code, expected):
    assert await complete(code) == expected


async def test_a_completion_replaces_the_whole_word_with_its_quote():
    code = "%toy pick 'two w"
    found = await magics.complete(code, len(code), CONTEXT)
    assert code[: found.start] + found.texts[0] == "%toy pick 'two words'"


async def test_no_completion_when_the_question_fails():
    assert await complete("%toy pick --fail x") == []


async def test_a_question_without_an_answer_does_not_block_typing(monkeypatch):
    monkeypatch.setattr(completion, "ANSWER_SECONDS", 0.01)
    assert await complete("%toy pick --hang x") == []
