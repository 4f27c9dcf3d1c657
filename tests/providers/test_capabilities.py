"""What providers can is told: in README's table, and with a reason for what one cannot."""

from dataclasses import fields
from pathlib import Path

import pytest

from agentbay_kernel import providers
from agentbay_kernel.errors import NotSupported
from agentbay_kernel.providers.__main__ import WORDS, table
from agentbay_kernel.session import Capabilities

README = Path(__file__).parents[2] / "README.md"
KINDS = [each.name for each in fields(Capabilities) if each.name != "reasons"]


def test_the_readme_has_the_table():
    assert table() in README.read_text(), "python -m agentbay_kernel.providers prints it"


def test_every_capability_has_its_word_and_every_provider_its_row():
    assert list(WORDS) == KINDS
    assert providers.NAMES.keys() == providers.REGISTRY.keys()


@pytest.mark.parametrize("name", providers.REGISTRY)
def test_what_a_provider_cannot_has_a_reason(name):
    can = providers.find(name).vendor.capabilities
    lacking = {each for each in KINDS if not getattr(can, each)}
    assert can.reasons.keys() == lacking


def test_asking_for_it_says_the_reason():
    can = Capabilities(shell=True, reasons={"pause": "it never sleeps"})
    can.need("shell", "nothing")
    with pytest.raises(NotSupported, match="not paused: it never sleeps"):
        can.need("pause", "The session was not paused")
