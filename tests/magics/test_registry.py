"""Commands: how they are found, parsed, explained, and where their value goes."""

import pytest

from agentbay_kernel import cells, magics
from agentbay_kernel.errors import ToolError, UsageError
from agentbay_kernel.events import CellError
from agentbay_kernel.magics import registry
from agentbay_kernel.magics.registry import Context, argument, command


@pytest.fixture(autouse=True)
def family(monkeypatch):
    magics.inspect("%agentbay", 1)
    monkeypatch.setattr(registry, "COMMANDS", dict(registry.COMMANDS))

    @command("toy", "give", argument("word"), argument("--twice", action="store_true"))
    async def give(context, args):
        """Give a word back."""
        return {"word": args.word * (2 if args.twice else 1)}

    @command("%%toy", "", argument("word"))
    async def keep(context, args):
        """Run the cell."""
        return await context.run(f"{args.word}:{args.body}")


@pytest.fixture
def ran():
    return []


@pytest.fixture
def context(ran):
    async def inside(code, emit):
        ran.append(code)
        return CellError("E", "no", ()) if "bad" in code else None

    return Context(None, lambda event: None, {}.__setitem__, {}, inside)


async def test_a_value_goes_into_a_name_of_the_session(context, ran):
    await magics.run("toy", "give 'it''s' -o found", context)
    space = {}
    exec(ran[0], space)
    assert space["found"] == {"word": "its"}


@pytest.mark.parametrize("name", ["1x", "class", "a.b", "a;b", ""])
async def test_what_is_no_name_is_refused_before_anything_runs(context, ran, name):
    with pytest.raises(UsageError, match="no name"):
        await magics.run("toy", f"give x -o '{name}'", context)
    assert ran == []


async def test_a_value_that_did_not_arrive_is_told(context):
    with pytest.raises(ToolError, match="E: no"):
        await magics.run("toy", "give bad -o found", context)


async def test_a_cell_magic_gets_the_lines_below(context, ran):
    done = await magics.run("toy", "w", context, "a\nb\n")
    assert ran == ["w:a\nb\n"]
    assert done.error is None


async def test_the_error_of_a_cell_magics_code_is_the_cells(context):
    done = await magics.run("toy", "bad", context, "")
    assert done.error.ename == "E"


async def test_a_mistyped_option_gets_the_nearest(context):
    with pytest.raises(UsageError, match="Did you mean --twice"):
        await magics.run("toy", "give x --twise", context)


async def test_a_mistyped_command_gets_the_nearest(context):
    with pytest.raises(UsageError, match="Did you mean %toy give"):
        await magics.run("toy", "giv x", context)


async def test_nothing_runs_where_there_is_no_interpreter():
    context = Context(None, lambda event: None, {}.__setitem__)
    with pytest.raises(UsageError, match="notebook"):
        await context.run("1")


def test_commands_stand_in_their_families_order_whichever_was_imported_first():
    before = list(registry.COMMANDS.items())
    registry.COMMANDS.clear()
    registry.COMMANDS.update(sorted(before, key=lambda item: item[0] != ("%agentbay", "link")))
    assert list(registry.COMMANDS.items()) != before
    registry.arrange(magics.FAMILIES)
    assert list(registry.COMMANDS.items()) == before


def test_cells_and_registry_know_the_same_magics():
    assert set(registry.subcommands()) - {"toy"} == set(cells.LINE_MAGICS)
    assert {cells.LOCAL, *registry.cell_magics()} - {"toy"} == set(cells.CELL_MAGICS)
