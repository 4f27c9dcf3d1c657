"""What nbclient does not look at: output after a cell's end, expressions and silent requests."""

from __future__ import annotations

import re

import pytest

from tests import kernels
from tests.kernels import execute_content
from tests.protocol.differential.normal import Normal
from tests.protocol.homes import PLACES, inside, leave

pytestmark = pytest.mark.timeout(120)

LATE = {
    "a thread, in the next cell": (
        "import threading\ngo = threading.Event()\n"
        "def late():\n    go.wait()\n    print('late')\n"
        "thread = threading.Thread(target=late)\nthread.start()\nprint('first')",
        "print('second')\ngo.set()\nthread.join()\nprint('last')",
    ),
    "a thread, when no cell runs": (
        "import threading\nprint('first')\nthreading.Timer(0.5, lambda: print('last')).start()",
    ),
    "a thread's stderr, when no cell runs": (
        "import sys, threading\nprint('first')\n"
        "threading.Timer(0.5, lambda: print('last', file=sys.stderr)).start()",
    ),
    "a thread's display, then its text, when no cell runs": (
        "import threading\nprint('first')\n"
        "def late():\n    display('shown')\n    print('last')\n"
        "threading.Timer(0.5, late).start()",
    ),
    "a task, when no cell runs": (
        "import asyncio\nprint('first')\n"
        "async def late():\n    await asyncio.sleep(0.5)\n    print('last')\n"
        "task = asyncio.create_task(late())",
    ),
    "a task, in the next cell": (
        "import asyncio\nevent = asyncio.Event()\n"
        "async def late():\n    await event.wait()\n    print('late')\n"
        "task = asyncio.create_task(late())\nprint('first')",
        "print('second')\nevent.set()\nawait task\nprint('last')",
    ),
    "a subprocess, when no cell runs": (
        "import subprocess\nprint('first')\n"
        'child = subprocess.Popen(["sh", "-c", "sleep 0.5; echo last"])',
    ),
}

EXPRESSIONS = {
    "value": "a",
    "rich": "Rich()",
    "error": "1 / 0",
    "unknown": "nobody",
    "syntax": "1 +",
    "printing": "print('printed')",
}
CELL = "a = 40 + 2\nclass Rich:\n    def _repr_html_(self):\n        return '<i>'\na"


def heard(kernel, cells):
    """Which cell each piece of output went under, until each line was told; chunks joined."""
    requests = [kernel.send("execute_request", execute_content(cell)) for cell in cells]
    order = {request["header"]["msg_id"]: index for index, request in enumerate(requests)}
    lines = re.findall(r"(?:print\('|display\('|echo )(\w+)", "".join(cells))
    told = {}
    while sum(text.count("\n") for text in told.values()) < len(lines):
        message = kernel.client.get_iopub_msg(timeout=30)
        content, index = message["content"], order.get(message["parent_header"].get("msg_id"))
        if message["msg_type"] == "stream":
            place = index, content["name"]
            told[place] = told.get(place, "") + content["text"]
        elif message["msg_type"] == "display_data":
            told[index, "display"] = content["data"]["text/plain"] + "\n"
    return told


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """A home for each place."""
    made = {engine: tmp_path_factory.mktemp("h") for engine in PLACES}
    yield made
    for home in made.values():
        leave(home)


@pytest.fixture(scope="module")
def references():
    """What a new `python3` told of each case."""
    return {}


def fresh(spec, cells):
    """What a new kernel tells; in a used one ipykernel takes a thread for one that has ended."""
    kernel = kernels.start(spec)
    try:
        kernel.execute("pass")
        return heard(kernel, cells)
    finally:
        kernel.close()


@pytest.mark.parametrize("engine", PLACES)
@pytest.mark.parametrize("case", LATE)
def test_output_after_its_cell_goes_under_the_same_cell(engine, case, homes, references):
    with inside(homes[engine], engine):
        expected = references.get(case) or fresh("python3", LATE[case])
        references[case] = expected
        assert fresh("agentbay", LATE[case]) == expected


@pytest.fixture(scope="module", params=PLACES)
def pair(request, homes):
    """The plain kernel and ours, each after a first cell; both get the same cells."""
    with inside(homes[request.param], request.param):
        both = kernels.start("python3"), kernels.start("agentbay")
    for kernel in both:
        kernel.execute("pass")
    yield both
    for kernel in both:
        kernel.close()


def test_user_expressions_are_the_same(pair):
    plain, ours = (
        Normal()(kernel.execute(CELL, user_expressions=EXPRESSIONS).content) for kernel in pair
    )
    assert ours["user_expressions"] == plain["user_expressions"]
    assert ours["execution_count"] == plain["execution_count"]


@pytest.mark.parametrize(
    "flags",
    [{"silent": True}, {"store_history": False}, {"silent": True, "user_expressions": {"b": "b"}}],
    ids=["silent", "not stored", "silent with an expression"],
)
def test_a_request_with_flags_is_the_same(pair, flags):
    def said(kernel):
        done = kernel.execute("b = 5\nprint('text')\nb", **flags)
        after = kernel.execute("_, In[-2:]")
        return Normal()([done.joined, done.content["status"], done.content["user_expressions"]]), (
            after.content["execution_count"],
            after.value(),
        )

    plain, ours = map(said, pair)
    assert ours == plain


def test_expressions_after_an_error_are_the_same(pair):
    plain, ours = (
        kernel.execute("1 / 0", user_expressions={"c": "1"}).content["user_expressions"]
        for kernel in pair
    )
    assert ours == plain
