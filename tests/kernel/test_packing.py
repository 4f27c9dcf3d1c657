import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbay_kernel.kernel.packing import LARGE, stream_content
from tests.properties import some

PADDING = "x" * LARGE


@some
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_large_text_is_the_same_text_as_json(text):
    content = stream_content("stderr", text + PADDING)
    packed = content if isinstance(content, bytes) else json.dumps(content)
    assert json.loads(packed) == {"name": "stderr", "text": text + PADDING}


def test_large_text_is_packed():
    assert isinstance(stream_content("stdout", '\\ "\n\r\t\x1b é 😀' + PADDING), bytes)


@pytest.mark.parametrize("text", ["short", PADDING + "\x00", PADDING + "\x08"])
def test_other_text_is_left_to_the_packer(text):
    assert stream_content("stdout", text) == {"name": "stdout", "text": text}
