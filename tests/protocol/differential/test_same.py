"""A notebook is the same under `agentbay` as under `python3`, on each engine and provider."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

import agentbay_kernel
from tests.protocol.differential import cells, compare, judge, known, recording
from tests.protocol.homes import PLACES, inside, leave
from tests.sizes import size

pytestmark = pytest.mark.timeout(240)

NAMES = cells.names()


def rotating(names: list[str], shares: int) -> list[str]:
    """One of `shares` parts of the names; which one changes with the product's code.

    So a run can be repeated, and in time every notebook has its turn.
    """
    sources = sorted(Path(agentbay_kernel.__file__).parent.rglob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).digest()
    return names[digest[0] % shares :: shares]


RUNS = [("pipe", name) for name in rotating(NAMES, size("differential_shares"))]
RUNS += [("ipykernel", name) for name in rotating(NAMES, size("inner_engine_shares"))]
RUNS += [("agb", name) for name in rotating(NAMES, size("second_provider_shares"))]


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """A home for each place, whose one service has all the notebooks' sessions."""
    made = {engine: tmp_path_factory.mktemp("h") for engine in PLACES}
    yield made
    for home in made.values():
        leave(home)


@pytest.fixture(scope="module")
def references():
    """What `python3` did with each notebook that was asked for."""
    return {}


@pytest.mark.parametrize(("engine", "name"), RUNS, ids=map("-".join, RUNS))
async def test_a_notebook_is_the_same(engine, name, homes, references, tmp_path_factory):
    sources = cells.read(name)
    listed = known.places(known.load(), name, engine)

    async def run(kernel):
        folder = tmp_path_factory.mktemp("work")
        return compare.plain(await recording.record(kernel, sources, folder))

    async def complaints():
        with inside(homes[engine], engine):
            actual = asyncio.create_task(run("agentbay"))
            expected = references.get(name) or await run("python3")
            references[name] = expected
            await actual
        return judge.complaints(name, expected, actual.result(), listed)

    said = await complaints()
    if said:
        # A slow moment makes bare ipykernel differ from itself, as by one more step of a bar;
        # what a kernel does otherwise it does the second time as well.
        del references[name]
        said = await complaints()
    if said:
        pytest.fail("\n\n".join(["not as under python3:", *said]), pytrace=False)
