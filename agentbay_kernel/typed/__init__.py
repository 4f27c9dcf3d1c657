"""Values as bytes that are safe to read, their types kept: between this computer and a session.

The session gets these modules as text, so they run on Python 3.8 and later with the standard
library; numpy, pandas, pyarrow and Pillow are used where a value needs them.
"""

from __future__ import annotations

import pickle
import sys
from typing import Any, Dict, List, Tuple

from . import plain
from .failures import BadData, NotTyped
from .packing import pack, unpack

__all__ = ["BadData", "NotTyped", "decode", "describe", "encode", "kind_of"]

KINDS = ("json", "bytes", "array", "scalar", "image", "arrow", "pandas", "mixed", "pickle")
_LIBRARIES: Dict[str, Dict[str, Tuple[str, ...]]] = {
    "numpy": {"array": ("ndarray",), "scalar": ("generic",)},
    "pandas": {"pandas": ("DataFrame", "Series", "Index")},
    "pyarrow": {"arrow": ("Table", "RecordBatch", "Array", "ChunkedArray")},
    "PIL.Image": {"image": ("Image",)},
}


def encode(value: Any, *, allow_pickle: bool = False) -> Tuple[str, bytes]:
    """The kind of a value and its bytes; raises NotTyped, which says what to do instead.

    With `allow_pickle` what has no safe form is pickled.
    """
    try:
        return _encoded(value)
    except NotTyped:
        if not allow_pickle:
            raise
        return "pickle", pickle.dumps(value, protocol=4)


def decode(kind: str, data: Any, *, allow_pickle: bool = False) -> Any:
    """The value of bytes that may come from anybody; raises BadData unless all of it is sound.

    Only with `allow_pickle` is a pickle opened, which runs whatever its maker put into it.
    """
    if kind not in KINDS:
        raise BadData(f"There is no kind of data {str(kind)[:80]!r}")
    if kind == "pickle":
        if not allow_pickle:
            raise BadData("The data is a pickle, which can run code when it is opened")
        return pickle.loads(data)
    return _DECODERS[kind](data)


def kind_of(value: Any) -> str:
    """The kind as which a value goes; plain data may turn out to be `mixed`."""
    if type(value) is bytes:
        return "bytes"
    # What makes such a value has imported its library.
    for name, kinds in _LIBRARIES.items():
        library = sys.modules.get(name)
        for kind, classes in kinds.items() if library is not None else ():
            if any(isinstance(value, getattr(library, each)) for each in classes):
                return kind
    return "json"


def describe(value: Any) -> str:
    """A few words about a value, as `DataFrame, 3 rows × 2 columns`."""
    kind, name = kind_of(value), type(value).__name__
    if kind == "array":
        return f"array of {value.dtype}, " + " × ".join(f"{n:,}" for n in value.shape)
    shape = getattr(value, "shape", None)
    if kind in ("pandas", "arrow") and shape:
        columns = f" × {shape[1]:,} columns" if len(shape) > 1 else ""
        return f"{name}, {shape[0]:,} rows{columns}"
    if kind == "image":
        return f"image, {value.size[0]:,} × {value.size[1]:,} pixels"
    if type(value) in (str, bytes, list, tuple, dict, set, frozenset):
        return f"{name} of {len(value):,}"
    return name


def _encoded(value: Any) -> Tuple[str, bytes]:
    kind = kind_of(value)
    if kind == "json":
        return _encode_plain(value)
    if kind == "bytes":
        return kind, value
    if kind == "pandas":
        from .frames import encode_pandas

        return kind, encode_pandas(value, _encoded)
    if kind == "arrow":
        from .tables import encode_table, wrap

        return kind, encode_table(wrap(value)).to_pybytes()
    from . import arrays

    return kind, arrays.encode_image(value) if kind == "image" else arrays.encode_array(value)


def _encode_plain(value: Any) -> Tuple[str, bytes]:
    """Plain data as JSON; what of another kind is in it goes along as parts."""
    kinds: List[str] = []
    parts: List[bytes] = []

    def store(part: Any) -> int:
        pandas = sys.modules.get("pandas")
        if pandas is not None and pandas.api.types.is_scalar(part) and kind_of(part) == "json":
            made = _one_of_pandas(pandas, part)
        else:
            made = part
        kind = "element" if made is not part else kind_of(part)
        if kind == "json":
            raise NotTyped(_refusal(part))
        kinds.append(kind)
        parts.append(_encoded(made)[1])
        return len(parts) - 1

    text = plain.dumps(value, store)
    if not parts:
        return "json", text.encode()
    return "mixed", pack({"value": text, "kinds": kinds}, parts)


def _one_of_pandas(pandas: Any, part: Any) -> Any:
    """A series that holds one scalar of pandas, as a Timestamp; others are left as they are."""
    kinds = (pandas.Timestamp, pandas.Timedelta, pandas.Period, pandas.Interval)
    if part is pandas.NaT:
        return pandas.Series([part], dtype="datetime64[ns]")
    if part is pandas.NA:
        return pandas.Series([part], dtype="Int64")
    return pandas.Series([part]) if isinstance(part, kinds) else part


def _refusal(value: Any) -> str:
    kind = type(value)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    return f"A {name} has no safe form: send its data as a dict, an array or a table"


def _decode_plain(data: Any) -> Any:
    return plain.loads(_text(data))


def _decode_mixed(data: Any) -> Any:
    header, parts = unpack(data)
    try:
        kinds, text = header["kinds"], header["value"]
        found = [
            _decode_element(part) if kind == "element" else _DECODERS[kind](part)
            for kind, part in zip(kinds, parts)
        ]
        return plain.loads(text, found.__getitem__)
    except BadData:
        raise
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise BadData("This is no data of ours") from error


def _decode_element(data: Any) -> Any:
    return _decode_pandas(data).array[0]


def _decode_pandas(data: Any) -> Any:
    from .frames import decode_pandas

    return decode_pandas(data, lambda kind, part: _DECODERS[kind](part))


def _decode_arrow(data: Any) -> Any:
    from .tables import decode_table, unwrap

    return unwrap(decode_table(data))


def _text(data: Any) -> str:
    try:
        return str(bytes(data), "utf-8")
    except UnicodeDecodeError as error:
        raise BadData("This is no text") from error


def _array(name: str) -> Any:
    def decode_one(data: Any) -> Any:
        from . import arrays

        return getattr(arrays, name)(data)

    return decode_one


_DECODERS = {
    "json": _decode_plain,
    "bytes": bytes,
    "array": _array("decode_array"),
    "scalar": _array("decode_scalar"),
    "image": _array("decode_image"),
    "arrow": _decode_arrow,
    "pandas": _decode_pandas,
    "mixed": _decode_mixed,
}
