"""Tables and arrays of Arrow as Arrow's own stream, read without trust."""

from __future__ import annotations

from typing import Any, Iterator, List

from .failures import BadData, need

OLDEST = (14, 0, 1)
_RECORDS, _DICTIONARY = 3, 2
_END = b"\xff\xff\xff\xff\0\0\0\0"


def arrow() -> Any:
    """pyarrow, in a version that runs nothing that a file names."""
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError:
        raise need("pyarrow", "'pyarrow>=14.0.1'") from None
    numbers = tuple(int(text) for text in pyarrow.__version__.split(".")[:3] if text.isdigit())
    if numbers < OLDEST:
        raise need("pyarrow 14.0.1 or later", "'pyarrow>=14.0.1'")
    return pyarrow


def encode_table(table: Any) -> Any:
    """The stream of a table, whose buffers are not compressed."""
    pa = arrow()
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=None)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def decode_table(data: Any) -> Any:
    """The table of a stream, every value and offset checked.

    A stream with compressed buffers is refused, since its size says nothing of theirs.
    """
    pa = arrow()
    if bytes(data[-len(_END) :]) != _END:
        raise BadData("The table has no end")
    try:
        for metadata in _metadata(pa, data):
            if _compressed(bytes(metadata)):
                raise BadData("The table is compressed")
        with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
            table = reader.read_all()
        table.validate(full=True)
        if table.nbytes > len(data):
            raise BadData("The table's columns share their bytes")
    except BadData:
        raise
    except (pa.ArrowException, ValueError, TypeError, KeyError, OSError, IndexError) as error:
        raise BadData("This is no table of Arrow") from error
    return table


def wrap(value: Any) -> Any:
    """A table of whatever of Arrow's kinds; `unwrap` makes that kind of it."""
    pa = arrow()
    if isinstance(value, pa.Table):
        kind, table = b"table", value
    elif isinstance(value, pa.RecordBatch):
        kind, table = b"batch", pa.Table.from_batches([value])
    else:
        kind = b"chunks" if isinstance(value, pa.ChunkedArray) else b"array"
        table = pa.table({"": value})
    meta = dict(table.schema.metadata or {})
    meta[b"agentbay"] = kind
    return table.replace_schema_metadata(meta)


def unwrap(table: Any) -> Any:
    """The value of which `wrap` made a table."""
    meta = dict(table.schema.metadata or {})
    kind = meta.pop(b"agentbay", b"table")
    table = table.replace_schema_metadata(meta or None)
    if kind == b"table":
        return table
    if kind == b"batch":
        batches = table.combine_chunks().to_batches()
        pa = arrow()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
    if table.num_columns != 1:
        raise BadData("This is no array of Arrow")
    return table.column(0) if kind == b"chunks" else one_array(table.column(0))


def one_array(chunks: Any) -> Any:
    """A column as one array."""
    pa = arrow()
    if not isinstance(chunks, pa.ChunkedArray):
        return chunks
    if chunks.num_chunks == 1:
        return chunks.chunk(0)
    return pa.concat_arrays(chunks.chunks) if chunks.num_chunks else pa.array([], chunks.type)


def _metadata(pa: Any, data: Any) -> Iterator[Any]:
    reader = pa.ipc.MessageReader.open_stream(pa.py_buffer(data))
    while True:
        try:
            yield reader.read_next_message().metadata
        except StopIteration:
            return


def _compressed(flat: bytes) -> bool:
    """Whether a message has compressed buffers, read out of its flat buffer."""
    message = _number(flat, 0, 4)
    kind = _field(flat, message, 1)
    header = _field(flat, message, 2)
    if not kind or not header or flat[kind] not in (_RECORDS, _DICTIONARY):
        return False
    batch = header + _number(flat, header, 4)
    if flat[kind] == _DICTIONARY:
        inner = _field(flat, batch, 1)
        if not inner:
            return False
        batch = inner + _number(flat, inner, 4)
    return bool(_field(flat, batch, 3))


def _field(flat: bytes, table: int, slot: int) -> int:
    """Where a field of a flat buffer's table lies, 0 when it has none."""
    listing = table - _number(flat, table, 4, signed=True)
    at = 4 + 2 * slot
    offset = _number(flat, listing + at, 2) if at < _number(flat, listing, 2) else 0
    return table + offset if offset else 0


def _number(flat: bytes, at: int, size: int, *, signed: bool = False) -> int:
    piece = flat[at : at + size]
    if at < 0 or len(piece) < size:
        raise BadData("This is no table of Arrow")
    return int.from_bytes(piece, "little", signed=signed)


__all__: List[str] = ["arrow", "decode_table", "encode_table", "one_array", "unwrap", "wrap"]
