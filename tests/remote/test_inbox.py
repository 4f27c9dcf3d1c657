"""The control channel's socket."""

import os
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from agentbay_kernel.remote.inbox import RELAY, Inbox
from tests import striking
from tests.bridge.framing import Hooks
from tests.remote import cells


@pytest.fixture
def deep(tmp_path):
    """A folder whose path is longer than a socket's may be."""
    folder = tmp_path / ("long" * 20) / ("path" * 20)
    folder.mkdir(parents=True)
    return folder


def test_the_hooks_listen_below_a_long_path(deep):
    reader = cells.run(sys.executable, cells.texts(["print('on')"]), deep)
    assert reader.text() == "on\n"


def test_the_relay_joins_below_a_long_path(deep):
    program = deep / "relay.py"
    program.write_text(RELAY)
    folder = os.open(deep, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(20)
        server.bind(f"/proc/self/fd/{folder}/control")
        server.listen()
        command = [sys.executable, "-IS", str(program), str(deep / "control")]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as relay:
            client, _ = server.accept()
            with client:
                assert client.recv(100) == b'{"op": "join"}\n'
            relay.stdin.close()
            assert relay.wait(20) == 0
    os.close(folder)


@pytest.fixture
def inbox(tmp_path):
    """The session's end of a control channel."""
    stdin = SimpleNamespace()
    inbox = Inbox(str(tmp_path), Hooks().box, answers=None, comms=None, stdin=stdin)
    inbox.open(loop=None)
    yield inbox
    inbox.close()


def test_what_comes_between_cells_is_sent_wherever_an_interrupt_has_struck_before(inbox):
    def say(text):
        inbox._aside({"t": "stream", "c": {"name": "stdout", "text": text}, "p": "m1"})

    def until(text):
        while text not in lines.readline():
            pass

    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(inbox.path)
        client.sendall(b'{"op": "join"}\n')
        with client.makefile("rb") as lines:
            until(b'"ready"')
            points = 0
            for before in striking.everywhere(lambda: say("struck ")):
                say(f"after {before}.")
                until(b"after %d." % before)
                points += 1
    assert points > 3
