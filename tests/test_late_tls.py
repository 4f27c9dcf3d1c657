"""The certificates that are read late are read, and checked, before anything is sent."""

import http.server
import json
import os
import ssl
import subprocess
import sys
import threading

import pytest
import trustme

ASK = """
import asyncio, json, ssl, sys
from agentbay_kernel.providers._agentbay_sdk import LIBRARY
LIBRARY.load()
import aiohttp
from aiohttp import connector
late, plain = connector._SSL_CONTEXT_VERIFIED, ssl.create_default_context()
before = late.cert_store_stats()["x509"]
async def ask():
    async with aiohttp.ClientSession() as session:
        try:
            return await (await session.get(sys.argv[1])).text()
        except aiohttp.ClientConnectorCertificateError:
            return "not trusted"
names = "verify_mode", "verify_flags", "check_hostname", "options", "minimum_version"
print(json.dumps({
    "said": asyncio.run(ask()),
    "read": [before, late.cert_store_stats()["x509"]],
    "lesser": [each for each in names if getattr(late, each) != getattr(plain, each)],
    "others_fit": isinstance(plain, connector.SSLContext),
}))
"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"tides")

    def log_message(self, *_):
        pass


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
def url(authority):
    """A page that shows a certificate of the authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def ask(url, folder, trusted):
    path = folder / "trusted.pem"
    trusted.cert_pem.write_to_path(str(path))
    done = subprocess.run(
        [sys.executable, "-c", ASK, url],
        env={**os.environ, "SSL_CERT_FILE": str(path), "SSL_CERT_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_a_trusted_server_is_asked_and_only_then_certificates_are_read(url, authority, tmp_path):
    answer = ask(url, tmp_path, authority)
    assert answer["said"] == "tides"
    assert answer["read"] == [0, 1]


def test_another_server_is_not_trusted(url, tmp_path):
    assert ask(url, tmp_path, trustme.CA())["said"] == "not trusted"


def test_a_late_context_demands_what_the_library_demands(url, authority, tmp_path):
    answer = ask(url, tmp_path, authority)
    assert answer["lesser"] == []
    assert answer["others_fit"]
