"""Memory of large outputs: kept for the next one, where the C library lets that be said."""

import ctypes
import subprocess
import sys

import pytest

from agentbay_kernel import heap

FAULTS = """
import resource
from agentbay_kernel import heap
if {kept}:
    heap.keep()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        parts = [bytes(1_000_000) for _ in range(4)]
        del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


def faults(*, kept):
    command = [sys.executable, "-c", FAULTS.format(kept=kept)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60)
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other allocators differ")
def test_large_pieces_find_the_memory_of_those_before():
    assert faults(kept=True) < faults(kept=False) / 10


@pytest.mark.parametrize("problem", [AttributeError, OSError, TypeError])
def test_another_c_library_is_left_alone(monkeypatch, problem):
    def refuse(name):
        raise problem

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    heap.keep()
