"""SDK results become MIME bundles."""

import base64
from types import SimpleNamespace

import pytest

from agentbay_kernel.mime import bundle


def test_every_field_gets_its_mime_type():
    fields = {
        "text": "t",
        "html": "<b>",
        "markdown": "*m*",
        "latex": "$l$",
        "svg": "<svg/>",
        "png": "iVBO",
        "jpeg": "/9j/",
        "json": {"a": [1]},
        "chart": {"mark": "bar"},
    }
    assert bundle(SimpleNamespace(**fields)) == {
        "text/plain": "t",
        "text/html": "<b>",
        "text/markdown": "*m*",
        "text/latex": "$l$",
        "image/svg+xml": "<svg/>",
        "image/png": "iVBO",
        "image/jpeg": "/9j/",
        "application/json": {"a": [1]},
        "application/vnd.vegalite.v5+json": {"mark": "bar"},
    }


def test_what_is_absent_is_left_out():
    assert bundle(SimpleNamespace(text=None, html="", chart=None)) == {"text/html": ""}


def test_a_chart_keeps_the_version_of_its_schema():
    schema = "https://vega.github.io/schema/vega-lite/v4.17.0.json"
    assert list(bundle(SimpleNamespace(chart={"$schema": schema}))) == [
        "application/vnd.vegalite.v4+json"
    ]


@pytest.mark.parametrize(("given", "payload"), [('{"a": 1}', {"a": 1}), ("no json", "no json")])
def test_json_that_was_encoded_once_more_is_decoded(given, payload):
    assert bundle(SimpleNamespace(json=given)) == {"application/json": payload}


def test_image_bytes_are_encoded():
    image = base64.b64encode(b"\x89PNG").decode()
    assert bundle(SimpleNamespace(png=b"\x89PNG")) == {"image/png": image}
