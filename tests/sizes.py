"""How heavy the heavy tests are: the gate's sizes, and the full ones of a longer run."""

from __future__ import annotations

import os

FULL = os.environ.get("AGENTBAY_KERNEL_TEST_SIZES") == "full"

# name: (gate, full)
SIZES = {
    "slow_create_seconds": (6, 40),
    "slow_delete_seconds": (3, 6),
    "linger_seconds": (2, 30),
    "autorestarts": (1, 5),
    "queued_cells": (5, 50),
    "rate_seconds": (1, 5),
    "interrupts": (10, 50),
    "stream_megabytes": (5, 50),
    "file_megabytes": (4, 20),
    "transfer_megabytes": (48, 2048),
    "transfer_files": (600, 10_000),
    "slow_reader_megabytes": (100, 2000),
    "differential_shares": (2, 1),
    "inner_engine_shares": (6, 1),
    "bench_runs": (5, 9),
    "cut_megabytes": (10, 50),
    "matrix_engines": (1, 2),
    "browser_kernels": (1, 2),
    "journal_megabytes": (120, 500),
    "property_examples": (60, 1000),
    "table_rows": (100_000, 5_000_000),
    "map_items": (24, 200),
    "map_sessions": (3, 8),
    "second_provider_shares": (6, 1),
    "panel_seconds": (10, 60),
    "hidden_seconds": (2, 60),
}

# Which tests run for the second provider, by their beginnings: (gate, full). The gate takes all
# without a kernel of their own, and of the kernels' those that the provider matters most to.
SECOND_PROVIDER = (
    (
        "tests/doctor/",
        "tests/guides/",
        "tests/notebooks/",
        "tests/protocol/differential/test_same.py",
        "tests/providers/",
        "tests/service/",
        "tests/magics/test_account.py",
        "tests/kernel/test_stdin.py",
        "tests/kernel/test_widgets.py",
    ),
    ("tests/",),
)


def size(name: str) -> int:
    """The size of that name for this run."""
    gate, full = SIZES[name]
    return full if FULL else gate
