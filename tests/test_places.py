import asyncio

import pytest

from agentbay_kernel.errors import UsageError
from agentbay_kernel.identity import Identity
from agentbay_kernel.ledger import Ledger, Row
from agentbay_kernel.places import MAIN, Place, Places


class Manager:
    """As much of a SessionManager as places need."""

    def __init__(self, left=()):
        self.identity = Identity(kernel_id="k")
        self.session = None
        self.left = left
        self.closed = []
        self.touched = 0
        self.may_claim = True

    def left_names(self):
        return self.left

    def claim(self):
        return self.may_claim

    def touch(self):
        self.touched += 1

    async def close(self, *, restart):
        self.closed.append(restart)


class Bridges:
    current = None


@pytest.fixture
def places():
    return Places(lambda name: Place(name, Manager(), Bridges()))


def test_the_main_place_is_there_and_current(places):
    assert places.current is places.main
    assert [place.name for place in places] == [MAIN]


def test_a_place_is_added_once_and_used(places):
    gpu = places.add("gpu")
    assert places.add("gpu") is gpu
    assert places.current is places.main
    assert places.use("gpu") is gpu is places.current


@pytest.mark.parametrize("name", ["", " gpu", "--gpu", "a\nb", "a\tb"])
def test_what_is_no_name_is_refused(places, name):
    with pytest.raises(UsageError):
        places.add(name)
    assert len(list(places)) == 1


@pytest.mark.parametrize("name", ["g p u", "日本語", "a#b", "a/b"])
def test_any_printable_text_is_a_name(places, name):
    assert places.add(name).name == name


def test_an_unknown_name_is_answered_with_the_nearest(places):
    places.add("training")
    with pytest.raises(UsageError, match="Did you mean training"):
        places.use("trainig")


def test_a_visit_ends_where_it_began(places):
    places.add("gpu")
    with places.at("gpu"):
        assert places.current.name == "gpu"
        with places.at(MAIN):
            assert places.current is places.main
        assert places.current.name == "gpu"
    assert places.current is places.main


def test_a_choice_during_a_visit_holds_after_it(places):
    places.add("gpu")
    with places.at(MAIN):
        places.use("gpu")
        assert places.current is places.main
    assert places.current.name == "gpu"


def test_a_place_that_goes_leaves_the_main_one_current(places):
    places.add("gpu")
    places.use("gpu")
    places.drop("gpu")
    assert places.current is places.main
    places.drop(MAIN)
    assert places.current is places.main


def test_what_a_former_process_left_is_claimed_by_its_names():
    places = Places(lambda name: Place(name, Manager(("gpu", "cpu")), Bridges()))
    places.claim()
    assert [place.name for place in places] == [MAIN, "gpu", "cpu"]


def test_a_name_that_another_process_holds_is_not_taken():
    def make(name):
        place = Place(name, Manager(("gpu",)), Bridges())
        place.manager.may_claim = False
        return place

    places = Places(make)
    places.claim()
    assert [place.name for place in places] == [MAIN]


def test_the_notebook_becomes_known_to_every_place(places):
    places.add("gpu")
    places.note(None)
    places.note("/n/a.ipynb")
    places.note("/n/b.ipynb")
    assert {place.manager.identity.notebook for place in places} == {"/n/a.ipynb"}


async def test_a_close_reaches_every_place_though_one_fails(places):
    class Failing(Manager):
        async def close(self, *, restart):
            raise RuntimeError("no")

    places.main.manager = Failing()
    gpu = places.add("gpu")
    with pytest.raises(RuntimeError):
        await places.close(restart=True)
    assert gpu.manager.closed == [True]


async def test_places_are_closed_side_by_side(places):
    both = asyncio.Barrier(2)

    class Waiting(Manager):
        async def close(self, *, restart):
            await both.wait()

    places.main.manager = Waiting()
    places.add("gpu").manager = Waiting()
    async with asyncio.timeout(5):
        await places.close(restart=False)


def test_each_name_has_a_row_of_its_own(tmp_path):
    ledger = Ledger(tmp_path)
    own = Identity(kernel_id="k")
    for identity in (own, own.named("gpu"), Identity(kernel_id="k2").named("other")):
        ledger.put(Row(identity.key, f"s-{identity.place}", "local", "e", "f"))
    assert ledger.names(own.kernel) == ["gpu"]
    assert ledger.get(own.key).session_id == "s-"
