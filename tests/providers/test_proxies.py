"""Proxy variables never lead a loopback call away, and stay as the user set them."""

import os

import pytest

from agentbay_kernel.providers import _containment
from agentbay_kernel.providers._gateway import is_local

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
REFUSING = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def refusing_proxies(monkeypatch):
    for name in NAMES:
        monkeypatch.setenv(name, REFUSING)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)


async def test_every_kind_of_call_reaches_a_loopback_service(cloud, session):
    async def script(talk, params):
        await talk.end()

    cloud.script = script
    assert (await session.run_code("1", lambda event: None)).ok
    assert (await session.shell("echo hi")).stdout == "hi\n"
    assert await session.status() == "RUNNING"
    assert len(cloud.sockets) == 1
    assert {name: os.environ[name] for name in NAMES} == dict.fromkeys(NAMES, REFUSING)


async def test_the_variables_hold_for_all_other_code(cloud, session):
    import websockets.asyncio.client
    from websockets.uri import parse_uri

    seen = []

    async def script(talk, params):
        await talk.event("stdout", chunk="x")
        await talk.end()

    def emit(event):
        seen.append(os.environ["HTTP_PROXY"])

    cloud.script = script
    await session.run_code("1", emit)
    assert seen == [REFUSING]
    assert websockets.asyncio.client.get_proxy(parse_uri("ws://host")) == REFUSING


@pytest.mark.parametrize("kind", ["agentbay"])  # its SDK alone has this library
async def test_the_variables_hold_for_the_sdks_library_but_not_for_a_loopback(session):
    import darabonba.core

    assert darabonba.core.os.environ.get("HTTP_PROXY") == REFUSING
    with _containment.direct():
        assert darabonba.core.os.environ.get("HTTP_PROXY") is None
        assert darabonba.core.os.environ.get("http_proxy") is None


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:80", True),
        ("ws://[::1]:1/x", True),
        ("http://localhost", True),
        ("https://127.0.0.1", False),
        ("http://10.0.0.1", False),
        ("agentbay.cn-hangzhou.aliyuncs.com", False),
        ("http://127.0.0.1.evil.com", False),
    ],
)
def test_only_plain_connections_to_this_computer_are_local(url, local):
    assert is_local(url) is local
