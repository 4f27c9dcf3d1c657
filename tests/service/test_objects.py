"""The object store through the vendor's client, in real sandboxes."""

import http.server
import threading

import pytest

from tests.service.running import vendor

KEYS = ("id", "secret", "token")


@pytest.fixture
def client(real):
    return real.sdk()


@pytest.fixture
def create(client):
    made = []

    def create():
        made.append(client.create(vendor().CreateSessionParams(image_id="code_latest")).session)
        return made[-1]

    yield create
    for session in made:
        session.delete()


@pytest.fixture
def session(create):
    session = create()
    assert session.oss.env_init(*KEYS).success
    return session


def shell(session, command):
    return session.command.execute_command(command).output


def test_an_object_is_there_in_another_session_byte_for_byte(session, create):
    shell(session, "head -c 3000000 /dev/urandom > big")
    done = session.oss.upload("my-bucket", "deep/ü key", "/workspace/big")
    assert done.success, done.error_message
    other = create()
    other.oss.env_init(*KEYS)
    done = other.oss.download("my-bucket", "deep/ü key", "/workspace/new/copy")
    assert done.success, done.error_message
    assert other.oss.download("my-bucket", "deep/ü key", "/workspace").success
    sums = [shell(session, "sha256sum < big"), shell(other, "sha256sum < new/copy")]
    assert len({*sums, shell(other, "sha256sum < 'ü key'")}) == 1


def test_an_object_is_replaced(session):
    for text in ("one", "two"):
        shell(session, f"printf {text} > a")
        assert session.oss.upload("my-bucket", "a", "/workspace/a").success
    session.oss.download("my-bucket", "a", "/workspace/b")
    assert shell(session, "cat b") == "two"


def test_without_a_client_nothing_is_copied(create):
    done = create().oss.upload("my-bucket", "a", "/etc/passwd")
    assert not done.success
    assert "oss_env_init" in done.error_message


@pytest.mark.parametrize(
    ("verb", "args", "words"),
    [
        ("upload", ("my-bucket", "a", "/workspace/none"), "No such file"),
        ("upload", ("my-bucket", "a", "/workspace"), "/workspace"),
        ("upload", ("My_Bucket", "a", "/etc/passwd"), "InvalidBucketName"),
        ("upload", ("..", "a", "/etc/passwd"), "InvalidBucketName"),
        ("upload", ("my-bucket", "../../a", "/etc/passwd"), "no key"),
        ("download", ("my-bucket", "never", "/workspace/a"), "NoSuchKey"),
        ("download_anonymous", ("file:///etc/passwd", "/workspace/a"), "neither http"),
        ("download_anonymous", ("http://127.0.0.1:9/secret", "/workspace/a"), "not reached"),
        ("upload_anonymous", ("http://127.0.0.1:9/secret", "/etc/passwd"), "not reached"),
    ],
)
def test_what_cannot_be_copied_is_said(session, verb, args, words):
    done = getattr(session.oss, verb)(*args)
    assert not done.success
    assert words in done.error_message
    assert "secret" not in done.error_message
    assert shell(session, "ls -A") == ""


class Echo(http.server.BaseHTTPRequestHandler):
    kept = b""

    def do_PUT(self):
        Echo.kept = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        found = self.path.startswith("/name")
        self.send_response(200 if found else 403)
        self.end_headers()
        self.wfile.write(Echo.kept)

    def log_message(self, *_):
        pass


def test_files_go_to_and_from_plain_addresses(session):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        shell(session, "printf sent > a")
        assert session.oss.upload_anonymous(f"{url}/name", "/workspace/a").success
        assert session.oss.download_anonymous(f"{url}/name?token=x", "/workspace").success
        refused = session.oss.download_anonymous(f"{url}/other?token=x", "/workspace/b")
        server.shutdown()
        thread.join()
    assert shell(session, "cat name; ls") == "senta\nname\n"
    assert "403" in refused.error_message
    assert "token" not in refused.error_message
