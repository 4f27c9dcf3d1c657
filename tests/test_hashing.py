"""The checksums of files and of their pieces."""

import hashlib
import os

import pytest

from agentbay_kernel.hashing import hash_file, hash_piece, hash_pieces

DATA = bytes(range(256)) * 8192


@pytest.fixture
def path(tmp_path):
    (tmp_path / "a").write_bytes(DATA)
    return tmp_path / "a"


@pytest.fixture
def opened(path):
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_a_files_checksum_is_of_all_of_it(path):
    assert hash_file(path) == sha256(DATA)


@pytest.mark.parametrize(
    ("offset", "length"),
    [(0, len(DATA)), (10, 100), (5, (1 << 20) + 7), (len(DATA) - 3, 10), (len(DATA), 1), (0, 0)],
)
def test_a_pieces_checksum_is_of_what_the_file_has_there(opened, offset, length):
    assert hash_piece(opened, offset, length) == sha256(DATA[offset : offset + length])


def test_each_piece_has_its_checksum(opened):
    assert hash_pieces(opened, [(0, 4), (4, 4)]) == [sha256(DATA[:4]), sha256(DATA[4:8])]
