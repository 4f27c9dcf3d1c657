"""The suite is as large as it should be, its borrowed cells are unchanged, its exceptions few."""

from __future__ import annotations

import hashlib
import tomllib

import pytest

from tests.protocol.differential import cells, known

NAMES = cells.names()
BORROWED = [name for name in NAMES if name.startswith("verbatim/")]
PROVENANCE = tomllib.loads((cells.VERBATIM / "PROVENANCE.toml").read_text())
PACKAGES = {"ipython", "ipywidgets", "tqdm", "matplotlib"}


def count(names):
    return sum(len(cells.read(name)) for name in names)


def test_it_has_at_least_150_cells_and_half_as_many_are_borrowed():
    assert count(NAMES) >= 150
    assert count(BORROWED) >= 150 / 2


def test_each_of_the_four_packages_gave_cells():
    assert {PROVENANCE[name.partition("/")[2]]["package"] for name in BORROWED} == PACKAGES


@pytest.mark.parametrize("name", BORROWED)
def test_a_borrowed_cell_is_unchanged(name):
    text = "\0".join(cells.read(name).values())
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest == PROVENANCE[name.partition("/")[2]]["sha256"]


def test_every_source_is_named_with_its_licence():
    assert set(PROVENANCE) == {name.partition("/")[2] for name in BORROWED}
    for row in PROVENANCE.values():
        assert row.keys() == {"package", "version", "file", "licence", "sha256"}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_packages_licence_is_here(package):
    assert package in (cells.VERBATIM / "LICENSES.txt").read_text().lower()


def test_at_most_five_differences_are_accepted():
    assert len(known.load()) <= known.MOST


def test_no_accepted_difference_is_in_what_a_reader_sees():
    assert {entry.kind for entry in known.load()} <= known.ACCEPTABLE


def test_every_accepted_difference_has_a_reason_and_a_cell():
    for entry in known.load():
        assert len(entry.reason) > 20
        assert entry.cell in {*cells.read(entry.notebook), "-"}


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_read_as_it_was_written(name):
    found = cells.read(name)
    text = "".join(f"# %% {label}\n{source}\n" for label, source in found.items())
    assert text == (cells.HERE / f"{name}.cells").read_text()
