"""Links: checked, masked, renewed, opened by a private page."""

import http.server
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agentbay_kernel.config import runtime_dir
from agentbay_kernel.errors import UsageError
from tests.magics.acting import Acting


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if statuses else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        server.asked, server.statuses = [], []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def user(server):
    user = Acting()
    user.given = []

    async def link(*, port=None, protocol=None):
        user.given.append((port, protocol))
        scheme = "ws" if protocol == "wss" else "http"
        return f"{scheme}://127.0.0.1:{server.server_port}/secret-{len(user.given)}/?t=code"

    user.manager.session.link = link
    return user


async def test_a_link_is_checked_and_shows_its_host_only(user, server):
    text = await user.do("%agentbay link --port 30100")
    assert f"127.0.0.1:{server.server_port}/…" in text
    assert "answers (HTTP 200)" in text
    assert "secret" not in text
    assert urlsplit(user.kept["agentbay_link"]).path == "/secret-1/"


async def test_a_port_where_nobody_listens_is_told(user, server):
    server.statuses = [502]
    assert "nothing answers on the port yet" in await user.do("%agentbay link --port 30100")


async def test_a_link_that_leads_nowhere_tells_no_address(user):
    async def link(**_):
        return "http://127.0.0.1:9/secret"

    user.manager.session.link = link
    text = await user.do("%agentbay link")
    assert "no answer: ConnectionError" in text
    assert "secret" not in text


async def test_an_expired_link_is_renewed(user, server):
    server.statuses = [403]
    assert "answers (HTTP 200)" in await user.do("%agentbay link --port 30100")
    assert "secret-2" in user.kept["agentbay_link"]


async def test_a_web_sockets_link_is_checked_as_a_page(user, server):
    server.statuses = [426]
    text = await user.do("%agentbay link --port 30101 --protocol wss")
    assert "answers (HTTP 426)" in text
    assert user.given == [(30101, "wss")]
    assert server.asked == ["/secret-1/?t=code"]


async def test_a_link_is_printed_when_asked_for(user):
    assert "/secret-1/?t=code" in await user.do("%agentbay link --print")


async def test_a_browser_gets_a_private_file_and_no_address(user, monkeypatch):
    opened = []

    def browse(address):
        page = Path(urlsplit(address).path)
        opened.append((address, page.stat().st_mode & 0o777, page.read_text()))
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    text = await user.do("%agentbay link --port 30100 --open")
    (address, mode, page), *_ = opened
    assert "Opened" in text
    assert "secret" not in text + address
    assert mode == 0o600
    assert "/secret-1/?t=code" in page
    (runtime_dir() / "link.html").unlink()


async def test_without_a_browser_the_variable_is_named(user, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert "agentbay_link" in await user.do("%agentbay link --open")


@pytest.mark.parametrize(
    "words",
    ["--port 80", "--port 30200", "--port x", "--open --print", "--open --protocol wss"],
)
async def test_wrong_words_are_refused_before_a_link_is_asked_for(user, words):
    with pytest.raises(UsageError):
        await user.do(f"%agentbay link {words}")
    assert user.given == []
