"""Values between %%local cells and the session, through a real kernel."""

import time

import pytest

from tests import kernels
from tests.sizes import size

MAKE = """
import numpy as np, pandas as pd
def make(n):
    rows = np.arange(n)
    index = pd.MultiIndex.from_arrays([rows // 7, rows % 7], names=["week", "day"])
    frame = {
        "zoned": pd.date_range("2024-01-01", periods=n, freq="s", tz="Europe/Berlin"),
        "kind": pd.Categorical.from_codes(rows % 3, ["a", "b", "c"], ordered=True),
        "count": pd.array(rows % 5, dtype="Int64"),
        "value": rows / 3,
        "word": pd.Series(rows % 100).astype(str).to_numpy(),
        "list": [[1, [2, 3]], [], [None]] * (n // 3) + [[0]] * (n % 3),
    }
    frame = pd.DataFrame(frame, index=index)
    frame.loc[frame.index[::4], "count"] = pd.NA
    return frame
"""


@pytest.fixture
def kernel(shared, place):
    """One kernel with a session for all tests of this module."""
    kernel = shared(place)
    if kernel.execute("%%local\n'make' in globals()").value() != "True":
        kernel.execute(f"%%local\n{MAKE}")
        kernel.execute(MAKE)
    return kernel


@pytest.mark.parametrize(
    "value",
    [
        "{'a': (1, {2, 3}), 'b': None, 3: b'x'}",
        "__import__('numpy').arange(6, dtype='>i2').reshape(2, 3)",
        "b'\\x00' * 100",
        "__import__('datetime').datetime(2024, 1, 1, tzinfo=__import__('datetime').timezone.utc)",
        "__import__('PIL.Image').Image.new('RGB', (4, 3), 'red')",
        "make(10)",
        "__import__('pyarrow').table({'a': [1, None], 'b': [[1], []]})",
    ],
)
def test_a_value_goes_there_and_back_the_same(kernel, value):
    assert kernel.execute(f"%%local\nsent = {value}").status == "ok"
    done = kernel.execute("%push sent")
    assert done.status == "ok", done.content
    same = f"type(sent) is type({value}) and repr(sent) == repr({value})"
    if "Image" in value:
        same = f"sent.tobytes() == {value}.tobytes()"
    assert kernel.execute(same).value() == "True"
    assert kernel.execute("%pull sent as back").status == "ok"
    assert kernel.execute(f"%%local\n{same.replace('sent', 'back')}").value() == "True"


@pytest.mark.timeout(1800)
def test_a_large_table_comes_equal_and_its_size_is_said_first(kernel):
    rows = size("table_rows")
    kernel.execute(f"big = make({rows})", timeout=200)
    done = kernel.execute("%pull big -o facts", timeout=400)
    assert f"big: DataFrame, {rows:,} rows × 6 columns (" in done.text()
    same = f"pd.testing.assert_frame_equal(big, make({rows}), check_exact=True)"
    kernel.execute("%push big", timeout=400)
    for cell in (f"%%local\n{same}", same):
        assert kernel.execute(cell, timeout=400).status == "ok"
    assert kernel.execute("facts[0]['kind'], facts[0]['size'] > 100").value() == "('pandas', True)"
    assert kernel.execute("del big").status == kernel.execute("%%local\ndel big").status == "ok"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%push nowhere", "no name nowhere"),
        ("%push a.b", "no name of a variable"),
        ("%push class", "no name of a variable"),
        ("%push x x", "given twice"),
        ("%pull nowhere", "NameError"),
        ("%pull f()", "no name of a variable"),
        ("%pull x as", "needs a name"),
        ("%pull x as 1", "no name of a variable"),
    ],
)
def test_bad_words_are_refused_in_one_line(kernel, line, words):
    done = kernel.execute(line)
    assert done.status == "error"
    assert words in done.content["evalue"]
    assert len(done.content["traceback"]) == 1


def test_all_names_are_set_or_none(kernel):
    kernel.execute("%%local\none, two = 1, object()")
    done = kernel.execute("%push one two")
    assert "two was not sent: A object has no safe form" in done.content["evalue"]
    assert kernel.execute("'one' in globals()").value() == "False"


def test_what_has_no_safe_form_comes_only_when_asked_for(kernel):
    kernel.execute("import fractions\nclass Odd(list): pass\nodd = slice(1, 2)")
    done = kernel.execute("%pull odd")
    assert "--allow-pickle" in done.content["evalue"]
    assert "runs code" in done.content["evalue"]
    assert kernel.execute("%pull --allow-pickle odd").status == "ok"
    assert kernel.execute("%%local\nodd").value() == "slice(1, 2, None)"


def sent(kernel):
    """Let what packs values be in the session, whatever ran before."""
    kernel.execute("first = 1")
    assert kernel.execute("%pull first").status == "ok"


def test_a_hostile_session_runs_nothing_here(kernel):
    sent(kernel)
    kernel.execute(
        "class Bomb:\n"
        "    def __reduce__(self): return (exec, ('bombed = 1; import builtins; "
        "builtins.bombed = 1',))\n"
        "import agentbay_typed, agentbay_typed.files as f, pickle\n"
        "kept = f.encode\n"
        "f.encode = lambda value, allow_pickle=False: ('pickle', pickle.dumps(Bomb()))\n"
        "x = 1"
    )
    assert "pickle" in kernel.execute("%pull x").content["evalue"]
    kernel.execute("f.encode = lambda value, allow_pickle=False: ('array', pickle.dumps(Bomb()))")
    assert "no array" in kernel.execute("%pull x").content["evalue"]
    kernel.execute("f.encode = kept")
    bombed = kernel.execute("%%local\nimport builtins\nhasattr(builtins, 'bombed')").value()
    assert bombed == "False"


def test_a_stop_leaves_nothing_half(kernel):
    sent(kernel)
    kernel.execute(
        "import agentbay_typed.files as f, time\n"
        "def slow(*args, **options):\n"
        "    open('begun', 'w').close()\n"
        "    time.sleep(60)\n"
        "kept, f.write, value = f.write, slow, 1"
    )
    request = kernel.send("execute_request", kernels.execute_content("%pull value as half"))
    while not list(kernel.home.glob("data/sessions/*/fs/workspace/begun")):
        time.sleep(0.01)
    kernel.interrupt()
    assert kernel.finish(request).status == "error"
    kernel.execute("f.write = kept")
    assert kernel.execute("%%local\n'half' in globals()").value() == "False"
    left = "import glob, tempfile\nglob.glob(tempfile.gettempdir() + '/.agentbay-kernel-*')"
    assert kernel.execute(left).value() == "[]"


def test_names_are_completed(kernel):
    kernel.execute("%%local\nlocal_name = 1")
    kernel.execute("session_name = 1")
    for code, name in [("%push local_", "local_name"), ("%pull session_", "session_name")]:
        asked = {"code": code, "cursor_pos": len(code)}
        # The first completion loads what completes, for which nobody is kept waiting.
        while name not in kernel.ask("complete_request", asked).content["matches"]:
            pass
