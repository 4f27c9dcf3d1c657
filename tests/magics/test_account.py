"""Options and the key: where each comes from, and that no key is shown."""

import json
import stat
import sys
import types

import pytest
from traitlets.config import Application

from agentbay_kernel import credentials, providers
from agentbay_kernel.config import AgentBayOptions, data_dir
from agentbay_kernel.errors import KeyRefused, UsageError
from agentbay_kernel.magics.account import origin
from tests.magics.acting import Acting, FakeManager

KEY = "akm-very-secret"
VARIABLE = "AGENTBAY_API_KEY"


@pytest.fixture
def user(monkeypatch):
    user = Acting()
    user.tried = []

    async def check(options, key, provider):
        user.tried.append(key)
        user.whose = provider
        if key == "wrong":
            raise KeyRefused("no")

    monkeypatch.setattr(providers, "check_key", check)
    return user


@pytest.fixture
def keyring(monkeypatch):
    """A keyring in memory, as a desktop has it."""
    kept = {}

    class Backend:
        priority = 5
        name = "memory"

        def get_password(self, service, name):
            return kept.get((service, name))

        def set_password(self, service, name, key):
            kept[service, name] = key

        def delete_password(self, service, name):
            del kept[service, name]

    module = types.SimpleNamespace(get_keyring=Backend)
    monkeypatch.setitem(sys.modules, "keyring", module)
    return kept


async def test_the_key_is_asked_for_hidden_tried_and_stored(user):
    user.answers = [f" {KEY} "]
    text = await user.do("%agentbay login")
    assert user.asked == [("AgentBay API key: ", True)]
    assert user.tried == [KEY]
    assert KEY not in text
    assert str(data_dir() / credentials.FILE) in text
    assert credentials.find(VARIABLE).key == KEY


async def test_agbs_key_has_a_place_of_its_own(user):
    user.answers = [KEY]
    await user.do("%agentbay login --provider agb")
    assert user.asked == [("AGB API key: ", True)]
    assert user.whose == "agb"
    assert credentials.find("AGB_API_KEY").key == KEY
    assert credentials.find(VARIABLE).key == ""
    assert providers.choose(AgentBayOptions(provider="auto")).name == "agb"
    assert "removed" in await user.do("%agentbay login --provider agb --forget")
    assert credentials.find("AGB_API_KEY").key == ""


async def test_the_file_is_for_its_user_only(user):
    user.answers = [KEY]
    await user.do("%agentbay login")
    assert stat.S_IMODE((data_dir() / credentials.FILE).stat().st_mode) == 0o600


async def test_a_real_keyring_gets_the_key_and_the_file_does_not(user, keyring):
    user.answers = [KEY]
    assert "keyring" in await user.do("%agentbay login")
    assert list(keyring.values()) == [KEY]
    assert KEY not in (data_dir() / credentials.FILE).read_text()
    assert credentials.find(VARIABLE).key == KEY


async def test_a_stored_key_makes_agentbay_the_provider(user):
    user.answers = [KEY]
    await user.do("%agentbay login")
    assert providers.choose(AgentBayOptions(provider="auto")).name == "agentbay"
    assert "login" in providers.choose(AgentBayOptions(provider="auto")).reason


async def test_the_variable_has_precedence(user, monkeypatch):
    user.answers = [KEY]
    await user.do("%agentbay login")
    monkeypatch.setenv(VARIABLE, "akm-other")
    assert credentials.find(VARIABLE).key == "akm-other"


@pytest.mark.parametrize("answer", ["wrong", "", "two words", "schlüssel"])
async def test_a_key_that_cannot_be_right_is_not_stored(user, answer):
    user.answers = [answer]
    with pytest.raises((KeyRefused, UsageError)):
        await user.do("%agentbay login")
    assert credentials.find(VARIABLE).key == ""


async def test_a_key_in_the_cell_is_refused_and_not_repeated(user):
    with pytest.raises(UsageError) as caught:
        await user.do(f"%agentbay login {KEY}")
    assert KEY not in str(caught.value)
    assert credentials.find(VARIABLE).key == ""


@pytest.mark.parametrize("place", ["file", "keyring"])
async def test_a_key_is_forgotten(user, place, request):
    kept = request.getfixturevalue("keyring") if place == "keyring" else {}
    user.answers = [KEY]
    await user.do("%agentbay login")
    assert place in await user.do("%agentbay login --forget")
    assert credentials.find(VARIABLE).key == ""
    assert kept == {}
    assert "No key" in await user.do("%agentbay login --forget")


def test_a_keyring_that_refuses_leaves_the_file(keyring, monkeypatch):
    def refuse(*_):
        raise OSError("locked")

    monkeypatch.setattr(sys.modules["keyring"].get_keyring, "set_password", refuse)
    assert "file" in credentials.store(VARIABLE, KEY)
    assert credentials.find(VARIABLE).key == KEY


def test_the_keyring_is_not_asked_without_a_login(monkeypatch):
    monkeypatch.setattr(credentials, "_keyring", lambda: pytest.fail("asked"))
    assert credentials.find(VARIABLE).key == ""


def test_a_credential_does_not_print_its_key():
    assert KEY not in repr(credentials.Credential(KEY, "x"))


async def test_config_masks_keys_and_passwords(user, monkeypatch):
    monkeypatch.setenv(VARIABLE, KEY)
    monkeypatch.setenv("HTTPS_PROXY", "http://me:pass@proxy:3128")
    text = await user.do("%agentbay config")
    assert "•••" in text
    assert f"variable {VARIABLE}" in text
    assert "@proxy:3128" in text
    assert KEY not in text
    assert "pass" not in text.replace("by the", "")
    assert KEY not in json.dumps(await user.value("%agentbay config"))


async def test_config_says_where_each_value_comes_from(monkeypatch):
    monkeypatch.setenv("AGENTBAY_KERNEL_IDLE_MINUTES", "7")
    app = Application()
    app.config.AgentBayOptions.image = "from-file"
    app.config.AgentBayOptions.region = "typed"
    app.cli_config.AgentBayOptions.region = "typed"
    options = AgentBayOptions(parent=app)
    names = {name: origin(options, name) for name in ("image", "region", "idle_minutes", "engine")}
    assert names == {
        "image": "config file",
        "region": "command line",
        "idle_minutes": "variable AGENTBAY_KERNEL_IDLE_MINUTES",
        "engine": "default",
    }


async def test_config_takes_no_words():
    with pytest.raises(UsageError):
        await Acting(FakeManager()).do("%agentbay config image")
