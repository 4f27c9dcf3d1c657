"""Bytes of a session that lies: nothing of them runs or grows here."""

import json
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from agentbay_kernel import typed
from agentbay_kernel.typed import files, packing, tables


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit",))


@pytest.mark.parametrize("kind", [kind for kind in typed.KINDS if kind not in ("pickle", "bytes")])
@pytest.mark.parametrize(
    "data", [b"", b"\0" * 64, pickle.dumps(Bomb()), b"\xff" * 200, b"[" * 9999]
)
def test_noise_is_refused(kind, data):
    with pytest.raises(typed.BadData):
        typed.decode(kind, data)


@pytest.mark.parametrize("kind", ["cobol", "", None, ["json"]])
def test_a_kind_that_is_none_is_refused(kind):
    with pytest.raises(typed.BadData):
        typed.decode(kind, b"1")


@pytest.mark.parametrize(
    "value", [np.arange(9.0), pd.DataFrame({"a": [1], "b": ["x"]}), pa.array([1])]
)
def test_bytes_that_were_cut_are_refused(value):
    kind, data = typed.encode(value)
    for length in range(0, len(data) - 1, max(1, len(data) // 40)):
        with pytest.raises(typed.BadData):
            typed.decode(kind, data[:length])


@pytest.mark.parametrize("shape", ["(10000000000000,)", "(-1,)", "(2, 10)", "'x'"])
def test_an_array_is_no_larger_than_its_bytes(shape):
    _, data = typed.encode(np.arange(9))
    for old in (b"(9,), }" + b" " * 30,):
        new = shape.encode() + b", }"
        forged = data.replace(old, new.ljust(len(old)))
        assert forged != data
        with pytest.raises(typed.BadData):
            typed.decode("array", forged)


def test_an_array_of_objects_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([Bomb()]), allow_pickle=True)
    with pytest.raises(typed.BadData, match="objects"):
        typed.decode("array", (tmp_path / "a.npy").read_bytes())


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
@pytest.mark.parametrize(
    "column", [pa.array([0] * 1000), pa.array(["x"] * 500).dictionary_encode()]
)
def test_a_compressed_table_is_refused(codec, column):
    sink = pa.BufferOutputStream()
    table = pa.table({"a": column})
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    with pytest.raises(typed.BadData, match="compressed"):
        typed.decode("arrow", sink.getvalue().to_pybytes())


def test_a_table_with_wrong_offsets_is_refused():
    good = tables.encode_table(pa.table({"a": ["ab", "cd"]})).to_pybytes()
    bad = good.replace(
        (2).to_bytes(4, "little") + (4).to_bytes(4, "little"), b"\x02\0\0\0\xff\0\0\0"
    )
    assert bad != good
    with pytest.raises(typed.BadData):
        typed.decode("arrow", bad)


@pytest.mark.parametrize(
    "change",
    [
        {"t": "numpy", "d": "|O", "at": 0},
        {"t": "numpy", "d": "<i4", "at": 0},
        {"t": "numpy", "d": "<i8", "at": 7},
        {"t": "objects", "part": 0},
        {"t": "arrow"},
        {"t": "code", "at": 0},
        ["numpy"],
    ],
)
def test_words_that_are_not_true_are_refused(change):
    _, data = typed.encode(pd.Series([1, 2]))
    header, parts = packing.unpack(data)
    header["words"]["data"] = change
    with pytest.raises(typed.BadData):
        typed.decode("pandas", packing.pack(header, parts))


@pytest.mark.parametrize(
    "text",
    [
        '{"$": "part", "v": 0}',
        '{"$": "os.system", "v": "id"}',
        '{"$": "datetime", "v": ["2024-01-01", ["zoneinfo", "../../etc/passwd"], 0]}',
        '{"$": "datetime", "v": ["2024-01-01", ["dateutil", "/etc/passwd"], 0]}',
        '{"$": "datetime", "v": ["2024-01-01", ["os", "system"], 0]}',
        '{"$": "set", "v": [[1]]}',
        '{"$": "bytes", "v": "***"}',
        '{"$": []}',
    ],
)
def test_tags_say_nothing_but_plain_data(text):
    with pytest.raises(typed.BadData):
        typed.decode("json", text.encode())


def test_an_image_of_more_pixels_than_pillow_allows_is_refused(monkeypatch):
    kind, data = typed.encode(Image.new("L", (20, 20)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 399)
    with pytest.raises(typed.BadData, match="400 pixels"):
        typed.decode(kind, data)


def test_an_image_without_its_pixels_is_refused():
    header = {"mode": "RGB", "size": [9000, 9000], "info": {}}
    with pytest.raises(typed.BadData):
        typed.decode("image", packing.pack(header, [b"\0" * 100]))


@pytest.mark.parametrize(
    "notice",
    [
        None,
        {},
        {"kind": "json", "size": -1, "sha256": "", "about": ""},
        {"kind": "json", "size": "1", "sha256": "", "about": ""},
        {"kind": "exe", "size": 1, "sha256": "", "about": ""},
    ],
)
def test_an_announcement_that_cannot_be_read_is_refused(notice):
    with pytest.raises(typed.BadData):
        files.check(notice)


def test_what_is_shown_of_an_announcement_steers_no_terminal():
    notice = {"kind": "json", "size": 1, "sha256": "x", "about": "\x1b[2Jdict", "more": 1}
    assert files.check(json.loads(json.dumps(notice)))["about"] == "[2Jdict"


@pytest.mark.parametrize("change", [b"[1, 3]", b"[1, 2, 3]"])
def test_a_file_that_is_not_what_was_announced_is_refused(tmp_path, change):
    path = str(tmp_path / "value")
    notice = files.write([1, 2], path)
    assert files.read(path, notice) == [1, 2]
    (tmp_path / "value").write_bytes(change)
    with pytest.raises(typed.BadData, match="announced"):
        files.read(path, notice)
