"""Messages and records come whole out of any pieces."""

from __future__ import annotations

from agentbay_kernel.service import frames
from agentbay_kernel.service.workers import records


def test_messages_cut_anywhere_are_put_together() -> None:
    sent = [{"id": n, "text": "ä" * n} for n in range(40)]
    data = b"".join(map(frames.pack, sent))
    for size in (1, 3, 7, 1000, len(data)):
        unpacker = frames.Unpacker()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        assert [one for piece in pieces for one in unpacker.feed(piece)] == sent


def test_records_cut_anywhere_are_put_together() -> None:
    sent = [(records.STDOUT, n, b"x" * n) for n in range(40)]
    data = b"".join(records.pack(*one) for one in sent)
    for size in (1, 8, 9, 10, len(data)):
        unpacker = records.Unpacker()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        assert [one for piece in pieces for one in unpacker.feed(piece)] == sent
