"""The modules arrive as text, and those of another kernel give way to them."""

from __future__ import annotations

import base64
import json
import sys
import zlib

from agentbay_kernel.bridge import archive
from tests.bridge.framing import NONCE, Reader, cut
from tests.remote import cells

OTHER = "f" * 12
LOOK = """
import builtins, getpass, sys
ours = lambda thing: getattr(thing, "__module__", "").startswith("agentbay_remote")
[each for each in sys.meta_path if type(each).__name__ == "Loader"].__len__(), \
    len([name for name in sys.modules if name == "agentbay_remote.install"]), \
    sys.modules["agentbay_remote.install"]._installed._outbox.mark
"""


def test_the_modules_and_the_first_cell_are_one_statement(tmp_path):
    reader = cells.run(sys.executable, cells.texts(["print('hi')\n6 * 7"]), tmp_path)
    assert reader.text() == "hi\n"
    assert cells.of(reader, "m1")["execute_result"]["data"] == {"text/plain": "42"}
    assert cells.of(reader, "m1")["reply"]["status"] == "ok"
    assert reader.messages[0]["t"] == "hello"


def test_the_user_sees_nothing_of_them(tmp_path):
    look = "In, sorted(name for name in globals() if 'agent' in name or name == 'start'), Out"
    reader = cells.run(sys.executable, cells.texts(["x = 1", look]), tmp_path)
    shown = cells.of(reader, "m2")["execute_result"]["data"]["text/plain"]
    assert eval(shown) == (["", "x = 1", look], [], {})


def test_another_kernels_hooks_take_the_place_of_the_former(tmp_path):
    first = cells.texts(["kept = 1", "kept"])
    second = [text.replace(NONCE, OTHER) for text in cells.texts([LOOK, "kept"])]
    reader = cells.run(sys.executable, [*first, *second], tmp_path)
    other = Reader()
    other.demux._mark = other.demux._mark.replace(NONCE, OTHER)
    assert cells.of(reader, "m2")["reply"]["status"] == "ok"
    assert OTHER in reader.text()


def test_loading_twice_leaves_one(tmp_path):
    twice = [*cells.texts(["1"]), *cells.texts([LOOK, "print('once')"])]
    reader = cells.run(sys.executable, twice, tmp_path)
    shown = [each["c"]["data"]["text/plain"] for each in reader.messages if "data" in each["c"]]
    assert shown == ["1", repr((1, 1, "`#~" + NONCE))]
    assert reader.text() == "once\n"
    assert [each["t"] for each in reader.messages].count("hello") == 2
    assert [each["t"] for each in reader.messages].count("reply") == 3


def test_the_archive_holds_every_module_and_no_more():
    loader, packed = archive._packed()
    modules = json.loads(zlib.decompress(base64.b64decode(packed)))
    files = set(archive.resources.files("agentbay_kernel").joinpath("remote").iterdir())
    names = {entry.name.removesuffix(".py") for entry in files if entry.name.endswith(".py")}
    expected = {f"agentbay_remote.{name}" for name in names - {"loader", "__init__"}}
    assert set(modules) == expected | {"agentbay_remote"}
    assert zlib.decompress(base64.b64decode(loader)).decode().startswith('"""The first text')


def test_the_first_text_is_a_statement_that_plain_python_refuses():
    text = archive.first(NONCE, "print('never')")
    assert len(text) < 40_000
    assert len(list(cut(text, (1 << 18,)))) == 1
    try:
        compile(text, "<cell>", "exec")
    except SyntaxError:
        return
    raise AssertionError("something of the cell could run")


def test_the_first_text_carries_any_cell(tmp_path):
    code = "text = '''\"\"\"\n\\x00 {braces} %s é \U0001f600'''\nprint(ascii(text))"
    reader = cells.run(sys.executable, cells.texts([code]), tmp_path)
    assert reader.text() == ascii('"""\n\x00 {braces} %s é \U0001f600') + "\n"
