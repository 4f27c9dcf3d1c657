"""Session links and resource pages, as a browser sees them."""

import asyncio
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aiohttp
import pytest
from aiohttp import web

from tests.service.running import free_port, http


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        text = f"{self.command} {self.path} {body.decode()} {self.headers.get('X-Own')}".encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("X-Theirs", "yes")
        self.send_header("Keep-Alive", "timeout=1")
        self.send_header("Set-Cookie", "sid=1; Path=/; Domain=127.0.0.1; HttpOnly")
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *args):
        pass


@pytest.fixture
def port():
    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def session(service):
    return service.create()


def link(service, session, port, kind="https"):
    fields = {"SessionId": session["SessionId"], "Port": port, "ProtocolType": kind}
    return service.ask("GetLink", **{k: v for k, v in fields.items() if v != ""})


def url(service, session, port, kind="https"):
    return link(service, session, port, kind).json["Data"]["Url"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_link_passes_on_method_path_query_headers_and_body(service, session, port, method):
    body = b"sent" if method in ("POST", "PUT") else None
    address = url(service, session, port) + "a%2Fb/c?x=1&y=%20"
    reply = http(address, body, headers={"X-Own": "mine"}, method=method)
    sent = "sent" if body else ""
    assert reply.body.decode() == f"{method} /a%2Fb/c?x=1&y=%20 {sent} mine"
    assert (reply.status, reply.headers["X-Theirs"]) == (201, "yes")
    assert reply.headers["Keep-Alive"] is None


def test_a_cookie_of_one_link_is_not_sent_to_another(service, session, port):
    address = url(service, session, port)
    cookie = http(address + "deep/page").headers["Set-Cookie"]
    path = address.removeprefix(service.pages)
    assert f"Path={path}" in cookie and "Domain" not in cookie and "sid=1" in cookie


def test_the_same_port_gives_the_same_link(service, session, port):
    assert url(service, session, port) == url(service, session, port)


def test_a_port_on_which_nothing_listens_says_what_to_do(service, session):
    port = free_port()
    reply = http(url(service, session, port))
    assert reply.status == 502
    assert f"port {port}" in reply.body.decode() and "Start your server" in reply.body.decode()


def test_a_server_that_is_not_the_sessions_is_not_reached(service, session, port):
    address = url(service, session, port)
    service.boxes[-1].own_pids = set()
    assert http(address).status == 502


def test_a_port_of_another_session_is_refused_by_its_name(service, session, port):
    other = service.create()
    service.boxes[1].own_pids = set()
    reply = link(service, other, port)
    assert reply.json["Code"] == "InvalidParameter.PortInUse"
    assert session["SessionId"] in reply.json["Message"]


def test_a_link_ends_with_its_session(service, session, port):
    address = url(service, session, port)
    service.ask("ReleaseMcpSession", SessionId=session["SessionId"])
    assert http(address).status == 404


@pytest.mark.parametrize(
    ("port", "kind", "text"),
    [
        (30150, "http", "http not supported"),
        ("", "", "only BrowserUse image support cdp"),
        (30099, "https", "Invalid port value: 30099"),
        (30200, "https", "[30100, 30199]"),
        ("x", "https", "Invalid port value: x"),
    ],
)
def test_a_link_that_the_vendor_refuses_is_refused(service, session, port, kind, text):
    reply = link(service, session, port, kind)
    assert reply.status == 400 and text in reply.json["Message"]


def test_a_port_alone_gives_a_websocket_address(service, session):
    assert url(service, session, 30150, "").startswith("ws://127.0.0.1:")
    assert "/websocket_ai/" in url(service, session, 30150, "wss")


def test_the_browsers_image_has_a_link_without_a_port(service):
    session = service.create(ImageId="browser_latest")
    assert "/websocket_ai/" in url(service, session, "", "")


def test_the_browser_listener_has_no_api(service):
    body = f"Action=ListSession&Authorization=Bearer+{service.key}".encode()
    assert http(service.pages + "/", body).status == 404


async def _echo(request):
    socket = web.WebSocketResponse(protocols=("chat",))
    await socket.prepare(request)
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            await socket.send_str(f"{request.path} {message.data}")
        else:
            await socket.send_bytes(message.data)
    return socket


@pytest.mark.parametrize("kind", ["https", "wss"])
async def test_a_link_passes_on_websockets(service, kind):
    session = await asyncio.to_thread(service.create)
    app = web.Application()
    app.router.add_get("/chat", _echo)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    address = await asyncio.to_thread(url, service, session, port, kind)
    try:
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(address + "chat", protocols=("chat",)) as socket,
        ):
            assert socket.protocol == "chat"
            await socket.send_str("hi")
            assert await socket.receive_str() == "/chat hi"
            await socket.send_bytes(b"\x00\xff")
            assert await socket.receive_bytes() == b"\x00\xff"
    finally:
        await runner.cleanup()


def test_the_resource_page_shows_the_session_escaped_and_without_scripts(service):
    session = service.create(Labels='{"team":"<script>alert(1)</script>"}')
    reply = http(session["ResourceUrl"])
    text = reply.body.decode()
    assert session["SessionId"] in text and str(os.getpid()) in text and "created" in text
    assert "<script" not in text and "&lt;script&gt;" in text
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert session["Token"] not in text and service.key not in text


def test_the_resource_page_shows_folders_and_files_as_plain_text(service, session):
    folder = service.boxes[-1].host_path("/workspace")
    (folder / "sub").mkdir(parents=True)
    (folder / "<b>.html").write_text("<script>alert(1)</script>")
    base = session["ResourceUrl"].partition("?")[0] + "files/workspace"
    listing = http(base).body.decode()
    assert "sub/" in listing and "&lt;b&gt;.html" in listing and "<b>" not in listing
    file = http(base + "/%3Cb%3E.html")
    assert file.headers["Content-Type"].startswith("text/plain")
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert http(base + "/missing").status == 404


def test_a_link_in_a_folder_is_not_followed(service, session, tmp_path):
    (tmp_path / "secret").write_text("s")
    folder = service.boxes[-1].host_path("/workspace")
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path / "secret")
    base = session["ResourceUrl"].partition("?")[0] + "files/workspace"
    assert http(base + "/out").status == 404


@pytest.mark.parametrize("way", ["s/{}/", "s/{}/files/", "request_ai/{}/path/"])
def test_a_guessed_token_finds_nothing(service, session, way):
    assert http(f"{service.pages}/{way.format('x' * 32)}").status == 404


def test_the_resource_page_ends_with_its_session(service, session):
    service.ask("ReleaseMcpSession", SessionId=session["SessionId"])
    assert http(session["ResourceUrl"]).status == 404
