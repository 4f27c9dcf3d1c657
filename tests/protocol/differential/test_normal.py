"""What is normalised is replaced, and nothing beside it."""

from __future__ import annotations

import pytest

from tests.protocol.differential.normal import ID, RULES, Normal

ONE = "0123456789abcdef0123456789abcdef"
TWO = "fedcba9876543210fedcba9876543210"
DASHED = "01234567-89ab-cdef-0123-456789abcdef"

REPLACED = [
    ("<function f at 0x7f0ddc01a0b0>", "<function f at ADDRESS>"),
    (
        "<ExecutionResult object at 7f513c9cfa10, execution_count=7",
        "<ExecutionResult object at ADDRESS, execution_count=7",
    ),
    ("/tmp/ipykernel_123/4567.py:3: UserWarning", "TEMP/ipykernel_PID/4567.py:3: UserWarning"),
    (
        "13.3 μs ± 2.98 μs per loop (mean ± std. dev. of 7 runs, 100,000 loops each)",
        "TIME per loop of 7 runs",
    ),
    (
        "1 ns ± 0.5 ns per loop (mean ± std. dev. of 1 run, 1 loop each)",
        "TIME per loop of 1 runs",
    ),
    (
        "The slowest run took 10.66 times longer than the fastest. "
        "This could mean that an intermediate result is being cached.\n1 ns",
        "1 ns",
    ),
    ("CPU times: user 1.2 ms, sys: 3 μs, total: 1.2 ms\n", "CPU times: TIME\n"),
    ("CPU times: total: 0 ns\n", "CPU times: TIME\n"),
    ("Wall time: 1min 3s\n", "Wall time: TIME\n"),
    ("Wall time:       0.01 s.\n", "Wall time:       TIME\n"),
    ("  System :       0.01 s.\n", "  System :       TIME\n"),
    ("| 3/4 [00:01<00:00,  3.99it/s]\r", "| 3/4 [TIME<TIME, RATE]\r"),
    (" 1/3\u2007[00:00&lt;00:00,\u2007135.68it/s]", " 1/3\u2007[TIME&lt;TIME, RATE]"),
    ("1it [00:00, 135.64it/s]", "1it [TIME, RATE]"),
    ("IPY_MODEL_" + ONE, "IPY_MODEL_id-1"),
    (DASHED, "id-1"),
    (DASHED + "_12_3", "message-1"),
    ("a79a0c236e9ca807", "id-1"),
]

KEPT = [
    "0x7f0ddc01a0b0",
    "at 0x12",
    "look at 12345678",
    "1.5 ms and 3 ns",
    "time: 3 s",
    "/tmp/other_123/4567.py",
    "3/4 [00:01]",
    "[00:01<00:02]",
    ONE[:-1],
    ONE + "0",
    "x" + ONE,
    "in a79a0c236e9ca807",
    "In [3]: 100%|████| 3/3",
    "\x1b[0;31mred\x1b[0m",
]


@pytest.mark.parametrize(("text", "expected"), REPLACED)
def test_a_text_that_varies_is_replaced(text, expected):
    assert Normal()(text) == expected


@pytest.mark.parametrize("text", KEPT)
def test_a_text_that_only_looks_alike_stays(text):
    assert Normal()(text) == text


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.reason)
def test_no_rule_can_match_nothing(rule):
    assert rule.reason
    assert rule.pattern.search("") is None
    assert ID.search("") is None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.reason)
def test_every_rule_is_tried_here(rule):
    assert any(rule.pattern.search(text) for text, _ in REPLACED)


def test_ids_are_told_apart_by_the_order_of_their_appearance():
    assert Normal()([ONE, TWO, ONE]) == ["id-1", "id-2", "id-1"]


def test_swapped_ids_still_differ():
    assert Normal()([ONE, TWO, ONE]) != Normal()([ONE, TWO, TWO])


def test_two_runs_ids_are_the_same():
    assert Normal()({ONE: [TWO, ONE]}) == Normal()({TWO: [ONE, TWO]})


def test_keys_are_normalised_too():
    assert Normal()({ONE: {"a": 1}}) == {"id-1": {"a": 1}}


def test_no_entry_is_lost():
    value = [ONE, TWO, "", None, 0, False, {}, [], "Wall time: 1 s"]
    assert len(Normal()(value)) == len(value)


def test_the_kernels_folder_has_one_name():
    assert Normal("/work/a")("in /work/a/b.py") == Normal("/c")("in /c/b.py") == "in FOLDER/b.py"


def test_a_megabyte_of_digits_takes_no_time():
    assert len(Normal()("0123456789" * 100_000)) == 1_000_000
