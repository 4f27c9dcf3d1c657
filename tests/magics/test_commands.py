import pytest

from agentbay_kernel import magics
from agentbay_kernel.config import AgentBayOptions
from agentbay_kernel.errors import UsageError
from agentbay_kernel.magics.registry import COMMANDS
from agentbay_kernel.places import Place, Places
from agentbay_kernel.sessions import State
from tests.fakes import FakeProvider, FakeSession


class Manager:
    """As much of a SessionManager as the commands need."""

    lifetime = cleared = None
    claimed = lent = False

    def __init__(self):
        self.options = AgentBayOptions(provider="local")
        self.session = FakeSession()
        self.session.own_labels = {"project": "demo", "agentbay-kernel.id": "1"}
        self.place = FakeProvider()
        self.place.sessions = {f"s-{n}": FakeSession(f"s-{n}") for n in range(1, 4)}
        self.state = State.READY

    async def ensure(self, spec=None):
        self.spec_used = spec
        return self.session

    async def provider(self):
        return self.place

    async def delete(self, *, sync=False, force=False):
        await self.session.delete(sync=sync)

    def spec(self, **given):
        return given

    async def replace(self, spec):
        self.spec_used = spec
        return FakeSession("s-9")

    async def attach(self, session_id):
        return await self.place.get(session_id)

    def used(self):
        pass


@pytest.fixture
def manager():
    return Manager()


@pytest.fixture
def kept():
    return {}


@pytest.fixture
def do(manager, kept):
    async def do(line):
        events = []
        places = Places(lambda name: Place(name, manager, None))
        context = magics.Context(manager, events.append, kept.__setitem__, places=places)
        magic, _, rest = line.lstrip("%").partition(" ")
        done = await magics.run(magic, rest, context)
        shown = [
            event.data["text/plain"] if hasattr(event, "data") else event.text for event in events
        ]
        return done.page or "\n".join(shown)

    return do


async def test_status_names_the_session_and_why_this_provider(do):
    text = await do("%agentbay")
    assert "s-1" in text
    assert "local" in text


async def test_status_says_how_the_session_is_isolated(do, manager):
    manager.session.isolation = "folder (not isolated from this computer)"
    assert "folder (not isolated from this computer)" in await do("%agentbay")


async def test_info_masks_links_and_tickets(do):
    text = await do("%agentbay info")
    assert "127.0.0.1:1/…" in text
    assert "vpc-1" in text
    assert "secret" not in text


async def test_labels_are_shown_without_the_kernels_own(do):
    text = await do("%agentbay labels")
    assert "project" in text
    assert "agentbay-kernel.id" not in text
    assert "agentbay-kernel.id" in await do("%agentbay labels --all")


async def test_labels_are_merged(do, manager):
    await do('%agentbay labels owner=me "with space=a b"')
    assert manager.session.own_labels == {
        "project": "demo",
        "agentbay-kernel.id": "1",
        "owner": "me",
        "with space": "a b",
    }


async def test_a_label_is_removed(do, manager):
    await do("%agentbay labels --remove project")
    assert "project" not in manager.session.own_labels


async def test_replacing_keeps_the_kernels_own_labels(do, manager):
    await do("%agentbay labels --replace a=1")
    assert manager.session.own_labels == {"agentbay-kernel.id": "1", "a": "1"}


@pytest.mark.parametrize(
    "line",
    [
        "%agentbay labels novalue",
        "%agentbay labels =x",
        "%agentbay labels k=",
        "%agentbay labels --remove none",
        "%agentbay labels --replace",
        "%agentbay labels agentbay-kernel.id=2",
        "%agentbay labels --nonsense",
        "%agentbay list --page 9",
        "%agentbay list --limit 0",
        "%agentbay delete s-2",
        "%agentbay delete s-2 --label a=b --yes",
        "%agentbay list --status nonsense",
        "%agentbay list --all --page 2",
        "%agentbay new --idle 0",
        "%agentbay new --name ' '",
        "%agentbay use nowhere",
        "%agentbay attach s-99",
        "%agentbay link --protocol ftp",
        "%agentbay new --mount nopath --yes",
        "%agentbay new --mount a:/mnt/x b:/mnt/x --yes",
        "%agentbay new --mount a:/mnt/x --recycle 2 --yes",
        "%agentbay new --recycle 3 --yes",
        "%agentbay new --image linux_latest",
        "%agentbay attach",
        "%fs put nowhere.csv",
        "%fs get",
    ],
)
async def test_bad_words_are_refused_before_anything_is_touched(do, manager, line):
    before = dict(manager.session.own_labels)
    with pytest.raises(UsageError):
        await do(line)
    assert manager.session.own_labels == before
    assert manager.session.deleted == []


async def test_an_unknown_command_names_the_nearest(do):
    with pytest.raises(UsageError, match="Did you mean %agentbay labels"):
        await do("%agentbay label")


async def test_the_listing_goes_by_pages(do):
    assert "2 of 3; next: --page 2" in await do("%agentbay list --limit 2")
    second = await do("%agentbay list --limit 2 --page 2")
    assert "s-3" in second
    assert "s-1" not in second


async def test_the_listing_can_show_every_page_and_marks_our_own(do):
    text = await do("%agentbay list --limit 1 --all")
    assert "→ s-1" in text
    assert "s-3" in text


async def test_a_link_shows_its_host_only_and_is_kept_whole(do, kept):
    text = await do("%agentbay link --port 30100")
    assert "127.0.0.1:1/…" in text
    assert "secret" not in text
    assert "pw" not in text
    assert kept["agentbay_link"].endswith("/secret/30100/")


async def test_a_link_is_printed_whole_when_asked_for(do):
    assert "/secret/30100/" in await do("%agentbay link --port 30100 --print")


async def test_new_starts_what_was_described(do, manager):
    words = "--image linux_latest --label a=1 --mount data:/mnt/data --idle 5 --yes"
    await do(f"%agentbay new {words}")
    assert manager.spec_used["image"] == "linux_latest"
    assert manager.spec_used["labels"] == {"a": "1"}
    assert manager.spec_used["mounts"][0].path == "/mnt/data"


async def test_new_names_what_it_would_delete(do, manager):
    with pytest.raises(UsageError, match="would delete session s-1 with its names and files"):
        await do("%agentbay new")
    assert "s-1 is deleted" in await do("%agentbay new --yes")


async def test_new_leaves_an_attached_session_alone(do, manager):
    manager.lent = True
    assert "s-1 goes on by itself" in await do("%agentbay new")


async def test_the_contexts_of_new_have_one_policy(do, manager):
    words = "--mount data:/mnt/data logs:/mnt/logs --upload-mode archive --recycle 3"
    await do(f"%agentbay new {words} --yes")
    policies = [each.policy for each in manager.spec_used["mounts"]]
    assert [(each.archive, each.keep_days) for each in policies] == [(True, 3)] * 2


async def test_delete_ends_our_own_session(do, manager):
    await do("%agentbay delete --sync")
    assert manager.session.deleted == [True]


async def test_another_session_is_deleted_only_with_yes(do, manager):
    await do("%agentbay delete s-2 --yes")
    assert "s-2" not in manager.place.sessions


@pytest.mark.parametrize("line", ["%agentbay?", "%agentbay help", "%agentbay labels?"])
async def test_help_is_a_page(do, line):
    line = line.replace("%agentbay?", "%agentbay ?")
    assert "labels" in await do(line)


def test_every_command_has_a_docstring_that_starts_with_one_sentence():
    assert magics.inspect("%agentbay", 8)
    assert all(each.summary.endswith(".") for each in COMMANDS.values())
