"""Changes to live objects are taken back exactly."""

from __future__ import annotations

import io
import types

import pytest
import traitlets

from agentbay_kernel.remote.patches import Patches


class Plain:
    shared = "class"

    def method(self):
        return "method"

    @staticmethod
    def static():
        return "static"


class Traits(traitlets.HasTraits):
    number = traitlets.Int(1)
    anything = traitlets.Any()


@pytest.fixture
def patches():
    return Patches()


def test_an_instances_own_attribute_comes_back(patches):
    owner = Plain()
    owner.own = 1
    patches.set(owner, "own", 2)
    assert owner.own == 2
    patches.undo()
    assert vars(owner) == {"own": 1}


def test_an_attribute_of_the_class_is_uncovered_again(patches):
    owner = Plain()
    patches.set(owner, "method", lambda: "new")
    assert owner.method() == "new"
    patches.undo()
    assert (vars(owner), owner.method()) == ({}, "method")


@pytest.mark.parametrize("name", ["shared", "method", "static", "absent"])
def test_a_class_is_as_before(patches, name):
    before = dict(vars(Plain))
    patches.set(Plain, name, property(lambda self: "new"))
    assert getattr(Plain(), name) == "new"
    patches.undo()
    assert dict(vars(Plain)) == before


def test_a_module_is_as_before(patches):
    owner = types.ModuleType("m")
    owner.known = 1
    patches.set(owner, "known", 2)
    patches.set(owner, "absent", 3)
    assert (owner.known, owner.absent) == (2, 3)
    patches.undo()
    assert (owner.known, hasattr(owner, "absent")) == (1, False)


@pytest.mark.parametrize("name", ["number", "anything"])
def test_a_trait_has_its_former_value(patches, name):
    owner = Traits(number=5)
    before = getattr(owner, name)
    patches.set(owner, name, 7)
    assert getattr(owner, name) == 7
    patches.undo()
    assert getattr(owner, name) == before


def test_the_read_only_method_of_a_file_can_be_covered(patches, tmp_path):
    with open(tmp_path / "f", "w") as owner:
        assert isinstance(owner, io.TextIOWrapper)
        patches.set(owner, "write", lambda text: "new")
        assert owner.write("a") == "new"
        patches.undo()
        assert owner.write("a") == 1
        assert "write" not in vars(owner)


def test_the_newest_goes_first(patches):
    owner = Plain()
    for value in range(5):
        patches.set(owner, "own", value)
    patches.undo()
    assert vars(owner) == {}


def test_what_the_users_code_removed_stays_removed_and_harms_nothing(patches):
    owner = Plain()
    patches.set(owner, "first", 1)
    patches.set(owner, "second", 2)
    del owner.second
    patches.undo()
    assert vars(owner) == {}


def test_undoing_twice_changes_nothing(patches):
    owner = Plain()
    patches.set(owner, "own", 1)
    patches.undo()
    owner.own = 2
    patches.undo()
    assert owner.own == 2


def test_a_wrapped_method_is_the_former_one_while_it_is_off(patches):
    owner, off = Plain(), [False]
    patches.wrap(owner, "method", lambda: "new", lambda: off[0])
    assert owner.method() == "new"
    off[0] = True
    assert owner.method() == "method"
    patches.undo()
    assert vars(owner) == {}
