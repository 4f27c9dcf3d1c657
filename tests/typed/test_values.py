"""Values there and back: what came is what went, in type and content."""

import datetime as dt
import decimal
import fractions
import sys
import uuid
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from agentbay_kernel import typed

BERLIN = ZoneInfo("Europe/Berlin")
HUGE = 1 << 20_000


def back(value):
    found = typed.decode(*typed.encode(value))
    assert type(found) is type(value)
    return found


@pytest.mark.parametrize(
    "value",
    [
        1, HUGE, True, None, 1.5, float("inf"), "ü\ud800", "$", b"\0x", bytearray(b"y"),
        [1, (2, 3), {4, 5}, frozenset({6})], {1: 2, "$": 3, (1, 2): [4]},
        {"a": [{"b": [1.5, None]}]}, complex(1, 2), decimal.Decimal("1.10"), range(3),
        fractions.Fraction(1, 3), uuid.UUID(int=5),
        dt.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1), dt.date(2024, 1, 2),
        dt.time(1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2))), dt.timedelta(1, 2, 3),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_plain_data_keeps_its_types(value):
    found = back(value)
    assert found == value
    if value is not HUGE:  # which Python writes out in no text
        assert repr(found) == repr(value)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3, order="F"), np.arange(3, dtype=">i2"), np.zeros((0, 4)),
        np.array(["2024", "NaT"], dtype="M8[D]"), np.array([1 + 2j]), np.array(["a", "äb"]),
        np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]), np.array(7),
    ],
    ids=repr,
)  # fmt: skip
def test_arrays_keep_type_and_shape_and_can_be_written(array):
    found = back(array)
    np.testing.assert_array_equal(found, array)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.flags.writeable


COLUMNS = {
    "zoned": pd.date_range("2024-10-27", periods=6, freq="h", tz=BERLIN),
    "utc": pd.date_range("2024", periods=6, tz="UTC", unit="s"),
    "fixed": pd.date_range("2024", periods=6, tz=dt.timezone(dt.timedelta(hours=2))),
    "naive": pd.to_datetime(["2020-01-01", None] * 3),
    "category": pd.Categorical(["a", "b", None] * 2, categories=["b", "a", "x"], ordered=True),
    "dates": pd.Categorical(pd.date_range("2024", periods=2).repeat(3)),
    "Int64": pd.array([1, None, 3] * 2, dtype="Int64"),
    "Float32": pd.array([1, None, 3] * 2, dtype="Float32"),
    "boolean": pd.array([True, None, False] * 2, dtype="boolean"),
    "str": ["x", None, "y"] * 2,
    "string": pd.array(["a", None] * 3, dtype="string[python]"),
    "objects": pd.Series(["x", None, float("nan")] * 2, dtype=object),
    "text": pd.Series(["x", "y"] * 3, dtype=object),
    "lists": [[1, [2]], [], [3, "a"], [None], [1.5], [{}]],
    "tuples": [(1, 2)] * 6,
    "mixed": pd.Series(
        [pd.Timestamp("2024", tz="UTC"), pd.NA, pd.NaT, 1, pd.Period("2024"), "x"], dtype=object
    ),
    "nan": [1.5, float("nan")] * 3,
    "delta": pd.to_timedelta([1, None] * 3),
    "complex": [1j, 2] * 3,
    "period": pd.period_range("2024-01", periods=6, freq="M"),
    "interval": pd.interval_range(0, 6),
    "arrow": pd.array([[1], [2, 3]] * 3, dtype=pd.ArrowDtype(pa.list_(pa.int32()))),
    "small": np.arange(6, dtype="u1"),
    "half": np.arange(6, dtype="f2"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_keep_type_content_and_missing_values(name):
    frame = pd.DataFrame({name: COLUMNS[name]})
    found = back(frame)
    pd.testing.assert_frame_equal(found, frame, check_exact=True)
    assert [type(each) for each in found[name]] == [type(each) for each in frame[name]]


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(2, 12, 5, name="r"),
        pd.date_range("2024", periods=3, freq="D", tz=BERLIN),
        pd.Index(["a", 1], name=("a", 2)),
        pd.CategoricalIndex(list("aba")),
        pd.MultiIndex.from_product(
            [["a", "b"], pd.date_range("2024", periods=2)], names=["k", None]
        ),
    ],
    ids=lambda index: type(index).__name__,
)
def test_indexes_keep_names_levels_and_frequency(index):
    pd.testing.assert_index_equal(back(index), index, exact=True)
    series = pd.Series(range(len(index)), index=index, name=("x", 1))
    pd.testing.assert_series_equal(back(series), series, check_freq=True)


@pytest.mark.parametrize(
    "columns",
    [["a", "a"], pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]), [1, "x"], pd.RangeIndex(2)],
    ids=str,
)
def test_any_columns_and_attributes_stay(columns):
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=columns)
    frame.attrs["unit"] = "kg"
    found = back(frame)
    pd.testing.assert_frame_equal(found, frame)
    assert found.attrs == frame.attrs


def test_a_frame_without_columns_and_one_without_rows():
    for frame in (pd.DataFrame(index=[1, 2]), pd.DataFrame({"a": pd.array([], dtype="Int8")})):
        pd.testing.assert_frame_equal(back(frame), frame)


def test_arrows_own_kinds():
    table = pa.table({"a": [1, None], "d": pa.array(["x", "y"]).dictionary_encode()})
    for value in (table, table.to_batches()[0], table.column(0), pa.array([[1], []]), table[:0]):
        assert back(value).equals(value)


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "CMYK", "P", "F", "I;16"])
def test_images_keep_every_pixel(mode):
    image = Image.new(mode, (5, 3))
    image.putpixel((4, 2), (3,) * len(image.getbands()) if len(image.getbands()) > 1 else 3)
    image.info["dpi"] = [72, 72]
    found = back(image)
    assert (found.mode, found.size, found.info) == (mode, (5, 3), {"dpi": [72, 72]})
    assert found.tobytes() == image.tobytes()
    assert found.getpalette() == image.getpalette()


def test_containers_may_hold_any_of_them():
    frame = pd.DataFrame({"a": [1]})
    found = back({"train": frame, "x": [np.arange(3), np.float32(1), pd.Timestamp("2024")]})
    pd.testing.assert_frame_equal(found["train"], frame)
    assert [type(each) for each in found["x"]] == [np.ndarray, np.float32, pd.Timestamp]


class Point:
    pass


LOOP = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Point(), "has no safe form"),
        ([Point()], "has no safe form"),
        (LOOP, "contains itself"),
        (np.array([Point()]), "tolist"),
        (np.ma.masked_array([1], [True]), "asarray"),
        (pd.DataFrame({"a": [Point()]}), "Column 'a'"),
        (pd.DataFrame({"a": pd.arrays.SparseArray([1])}), "astype"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_go_is_refused_with_a_way(value, words):
    with pytest.raises(typed.NotTyped, match=words):
        typed.encode(value)


def test_only_on_request_is_anything_pickled():
    kind, data = typed.encode(slice(1), allow_pickle=True)
    assert kind == "pickle"
    assert typed.decode(kind, data, allow_pickle=True) == slice(1)
    with pytest.raises(typed.BadData, match="run code"):
        typed.decode(kind, data)


def test_without_pyarrow_a_table_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(typed.NotTyped, match=r"%pip install 'pyarrow>=14\.0\.1'"):
        typed.encode(pd.DataFrame({"a": [1]}))
