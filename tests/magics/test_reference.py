from pathlib import Path

from agentbay_kernel import magics
from agentbay_kernel.magics.__main__ import reference


def test_the_reference_is_what_the_docstrings_say():
    path = Path(magics.__file__).with_name("README.md")
    assert path.read_text() == reference()
