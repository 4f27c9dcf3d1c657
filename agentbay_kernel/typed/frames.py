"""DataFrames, Series and indexes of pandas, every type, name and level kept."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from . import plain
from .columns import Reader, Writer, as_index, bare
from .failures import BadData, NotTyped
from .packing import pack, unpack
from .tables import arrow, decode_table, encode_table


def encode_pandas(value: Any, encode: Any) -> bytes:
    """A frame, series or index: one stream of Arrow, and what that cannot say in the header."""
    import pandas as pd

    writer = Writer(encode)
    if isinstance(value, pd.Index):
        words: Dict[str, Any] = {"is": "index", "index": _index(writer, value)}
    elif isinstance(value, pd.Series):
        column = _column(writer, value, value.name)
        words = {"is": "series", "data": column, "name": _name(value.name)}
    else:
        data = [_column(writer, value.iloc[:, at], label) for at, label in enumerate(value.columns)]
        words = {"is": "frame", "data": data, "columns": _index(writer, value.columns)}
    if not isinstance(value, pd.Index):
        words["index"] = _index(writer, value.index)
        words["attrs"] = plain.dumps(dict(value.attrs))
    names = [str(at) for at in range(len(writer.arrays))]
    table = encode_table(arrow().table(writer.arrays, names=names))
    return pack({"words": words, "kinds": writer.kinds}, [table, *writer.parts])


def decode_pandas(data: Any, decode: Any) -> Any:
    """The frame, series or index; raises BadData when a word about it is not true."""
    pa = arrow()
    header, parts = unpack(data)
    try:
        table = decode_table(parts[0])
        found = list(zip(header["kinds"], parts[1:]))
        return _made(Reader(table, found, decode), header["words"])
    except BadData:
        raise
    except (
        pa.ArrowException, ValueError, TypeError, KeyError, IndexError, AttributeError,
        OverflowError, RecursionError, MemoryError,
    ) as error:  # fmt: skip
        raise BadData(f"This is no data of pandas: {type(error).__name__}") from error


def _made(reader: Reader, words: Dict[str, Any]) -> Any:
    import pandas as pd

    index = _read_index(reader, words["index"])
    if words["is"] == "index":
        return index
    if words["is"] == "series":
        made = _series(reader.read(words["data"]), index)
        made.name = plain.loads(words["name"])
    else:
        columns = [_series(reader.read(each), index) for each in words["data"]]
        made = pd.DataFrame(dict(enumerate(columns)), index=index, copy=False)
        made.columns = _read_index(reader, words["columns"])
    made.attrs.update(plain.loads(words["attrs"]))
    return made


def _series(values: Any, index: Any) -> Any:
    import pandas as pd

    # Without the type pandas would look for a better one.
    return pd.Series(values, index=index, dtype=values.dtype, copy=False)


def _column(writer: Writer, values: Any, label: Any) -> Dict[str, Any]:
    try:
        return writer.write(bare(values))
    except NotTyped as error:
        raise NotTyped(f"Column {label!r}: {error}") from error


def _index(writer: Writer, index: Any) -> Dict[str, Any]:
    import numpy
    import pandas as pd

    if isinstance(index, pd.RangeIndex):
        bounds = [index.start, index.stop, index.step]
        return {"t": "range", "of": bounds, "name": _name(index.name)}
    if isinstance(index, pd.MultiIndex):
        levels = [_index(writer, level) for level in index.levels]
        codes = [writer.write(numpy.asarray(each)) for each in index.codes]
        names = [_name(name) for name in index.names]
        return {"t": "levels", "levels": levels, "codes": codes, "names": names}
    freq = getattr(index, "freq", None) if index.dtype.kind in "mM" else None
    words = {"t": "index", "of": writer.write(bare(index)), "name": _name(index.name)}
    return {**words, "freq": freq.freqstr if freq is not None else None}


def _read_index(reader: Reader, words: Dict[str, Any]) -> Any:
    import pandas as pd

    if words["t"] == "range":
        return pd.RangeIndex(*map(int, words["of"]), name=plain.loads(words["name"]))
    if words["t"] == "levels":
        levels: List[Any] = [_read_index(reader, each) for each in words["levels"]]
        codes = [reader.read(each) for each in words["codes"]]
        names = [plain.loads(name) for name in words["names"]]
        return pd.MultiIndex(levels=levels, codes=codes, names=names)
    index = as_index(reader.read(words["of"]), plain.loads(words["name"]))
    if words["freq"] is not None:
        index.freq = str(words["freq"])
    return index


def _name(name: Any) -> str:
    text = plain.dumps(name)
    json.loads(text)
    return text
