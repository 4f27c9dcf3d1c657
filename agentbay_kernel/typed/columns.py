"""One-dimensional arrays of pandas and numpy as arrays of Arrow and a few words about each."""

from __future__ import annotations

from typing import Any, Dict, List

from . import zones
from .failures import BadData, NotTyped
from .tables import arrow, one_array

_STORED = "biuf"


class Writer:
    """Collects arrays of any length; a word about one names it by its number."""

    def __init__(self, encode: Any) -> None:
        self._encode = encode
        self.arrays: List[Any] = []
        self.parts: List[Any] = []
        self.kinds: List[str] = []

    def write(self, values: Any) -> Dict[str, Any]:
        """Take an array of numpy or pandas and give the words about it."""
        import numpy
        import pandas as pd

        dtype = values.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            codes = self._numpy(numpy.asarray(values.codes))
            categories = self.write(bare(dtype.categories))
            words = {"codes": codes, "categories": categories, "ordered": bool(dtype.ordered)}
            return {"t": "category", **words}
        if isinstance(dtype, pd.DatetimeTZDtype):
            zone = zones.name_of(dtype.tz)
            return {"t": "zoned", "zone": zone, "of": self._numpy(_naive(values))}
        if isinstance(dtype, pd.PeriodDtype):
            ordinals = numpy.asarray(values.asi8)
            return {
                "t": "period",
                "freq": dtype.name[len("period[") : -1],
                "of": self._numpy(ordinals),
            }
        if isinstance(dtype, pd.IntervalDtype):
            ends = {side: self.write(bare(getattr(values, side))) for side in ("left", "right")}
            return {"t": "interval", "closed": dtype.closed, **ends}
        if isinstance(dtype, numpy.dtype):
            return self._object(values) if dtype.kind == "O" else self._numpy(numpy.asarray(values))
        return self._extension(values, dtype)

    def _extension(self, values: Any, dtype: Any) -> Dict[str, Any]:
        import pandas as pd

        if isinstance(dtype, pd.StringDtype):
            missing = getattr(dtype, "na_value", pd.NA)
            words = {"storage": dtype.storage, "na": missing is pd.NA}
            return {"t": "string", **words, "at": self._strings(values)}
        if type(dtype).__name__ == "ArrowDtype":
            return {"t": "arrow", "at": self._add(one_array(arrow().array(values)))}
        if dtype.name in _masked():
            return {"t": "masked", "d": dtype.name, "at": self._add(arrow().array(values))}
        raise NotTyped(f"Values of {dtype} cannot be sent; astype makes them plain")

    def _numpy(self, values: Any) -> Dict[str, Any]:
        import numpy

        dtype = values.dtype.newbyteorder("=")
        values = numpy.ascontiguousarray(values.astype(dtype, copy=False))
        if dtype.kind not in "biufcmM" or dtype.itemsize > 16 or dtype.char == "g":
            raise NotTyped(f"Values of {dtype} cannot be sent; astype makes them plain")
        stored = values.view(_carrier(dtype))
        return {"t": "numpy", "d": dtype.str, "at": self._add(arrow().array(stored))}

    def _object(self, values: Any) -> Dict[str, Any]:
        import pandas as pd

        pa = arrow()
        if pd.api.types.infer_dtype(values, skipna=False) == "string":
            try:
                return {"t": "text", "at": self._add(pa.array(values, pa.large_string()))}
            except UnicodeError:  # half a surrogate pair, which JSON can say
                pass
        kind, data = self._encode(list(values))
        self.kinds.append(kind)
        self.parts.append(data)
        return {"t": "objects", "part": len(self.parts) - 1}

    def _strings(self, values: Any) -> int:
        pa = arrow()
        objects = values.to_numpy(dtype=object, na_value=None)
        return self._add(pa.array(objects, pa.large_string()))

    def _add(self, values: Any) -> int:
        # A list of one row holds an array of any length beside the others.
        pa = arrow()
        values = one_array(values)
        ends = pa.array([0, len(values)], pa.int64())
        self.arrays.append(pa.LargeListArray.from_arrays(ends, values))
        return len(self.arrays) - 1


class Reader:
    """Makes the arrays of words about them, as what they were; nothing else is believed."""

    def __init__(self, table: Any, parts: List[Any], decode: Any) -> None:
        self._table = table
        self._parts = parts
        self._decode = decode

    def read(self, words: Dict[str, Any]) -> Any:
        """The array that some words are about."""
        import pandas as pd

        kind = words["t"]
        if kind == "numpy":
            return self._numpy(words)
        if kind == "category":
            index = as_index(self.read(words["categories"]))
            made = pd.CategoricalDtype(index, ordered=bool(words["ordered"]))
            return pd.Categorical.from_codes(self.read(words["codes"]), dtype=made)
        if kind == "zoned":
            instants = pd.DatetimeIndex(self.read(words["of"])).tz_localize("UTC")
            return instants.tz_convert(zones.zone_of(words["zone"])).array
        if kind == "period":
            return _periods(self.read(words["of"]), str(words["freq"]))
        if kind == "interval":
            left, right = (as_index(self.read(words[side])) for side in ("left", "right"))
            return pd.arrays.IntervalArray.from_arrays(left, right, closed=str(words["closed"]))
        return self._rest(kind, words)

    def _rest(self, kind: str, words: Dict[str, Any]) -> Any:
        import pandas as pd

        if kind == "objects":
            values = self._decode(*self._parts[words["part"]])
            if type(values) is not list:
                raise BadData("A column is no list")
            return _objects(values)
        found = self._array(words["at"])
        if kind == "text":
            return _objects(self._text(found))
        if kind == "string":
            return _strings(self._text(found), words)
        if kind == "masked" and words["d"] in _masked():
            return _masked()[words["d"]].__from_arrow__(found)
        if kind == "arrow":
            return pd.arrays.ArrowExtensionArray(arrow().chunked_array([found]))
        raise BadData(f"There is no kind of column {str(kind)[:80]!r}")

    def _numpy(self, words: Dict[str, Any]) -> Any:
        import numpy

        dtype = numpy.dtype(str(words["d"]))
        if dtype.kind not in "biufcmM" or dtype.char == "g":
            raise BadData("A column has no type that can be read")
        found = self._array(words["at"])
        if found.null_count:
            raise BadData("A column has holes")
        stored = numpy.array(found.to_numpy(zero_copy_only=False))
        if stored.dtype != _carrier(dtype):
            raise BadData("A column has another type than it says")
        return stored.view(dtype)

    def _text(self, found: Any) -> List[Any]:
        if found.type != arrow().large_string():
            raise BadData("A column has another type than it says")
        return list(found.to_pylist())

    def _array(self, at: Any) -> Any:
        pa = arrow()
        column = one_array(self._table.column(at))
        if len(column) != 1 or column.null_count or not pa.types.is_large_list(column.type):
            raise BadData("A column is not in its place")
        return column[0].values


def as_index(values: Any, name: Any = None) -> Any:
    """An index of just these values; pandas guesses at nothing."""
    import pandas as pd

    return pd.Index(values, dtype=values.dtype, name=name, copy=False)


def bare(index: Any) -> Any:
    """The array of numpy or pandas that a series or index holds."""
    import numpy

    return index.to_numpy() if isinstance(index.dtype, numpy.dtype) else index.array


def _naive(values: Any) -> Any:
    import pandas as pd

    return pd.DatetimeIndex(values).tz_convert("UTC").tz_localize(None).to_numpy()


def _carrier(dtype: Any) -> Any:
    """The type as which values are stored: times as numbers, complex ones as two."""
    import numpy

    if dtype.kind in "mM":
        return numpy.dtype("i8")
    return numpy.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype


def _masked() -> Dict[str, Any]:
    import pandas as pd

    names = [f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)]
    kinds = {name: getattr(pd, f"{name}Dtype")() for name in (*names, "Float32", "Float64")}
    return {**kinds, "boolean": pd.BooleanDtype()}


def _objects(values: List[Any]) -> Any:
    import numpy

    # An assignment of the whole list would make lists of one length into dimensions.
    found: Any = numpy.empty(len(values), dtype=object)
    for number, value in enumerate(values):
        found[number] = value
    return found


def _strings(values: List[Any], words: Dict[str, Any]) -> Any:
    import pandas as pd

    storage = "pyarrow" if words["storage"] == "pyarrow" else "python"
    if words["na"]:
        return pd.array(_objects(values), dtype=pd.StringDtype(storage))
    nan = float("nan")
    try:
        dtype = pd.StringDtype(storage, na_value=nan)
    except TypeError:  # before pandas 2.3 such columns hold objects
        return _objects([nan if value is None else value for value in values])
    return pd.array(_objects(values), dtype=dtype)


def _periods(ordinals: Any, freq: str) -> Any:
    import pandas as pd

    if hasattr(pd.PeriodIndex, "from_ordinals"):
        return pd.PeriodIndex.from_ordinals(ordinals, freq=freq).array
    return pd.PeriodIndex(ordinal=ordinals, freq=freq).array
