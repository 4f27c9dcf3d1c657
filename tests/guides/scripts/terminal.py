"""A terminal in the session: type, see, resize, end."""

import threading

from agentbay import AgentBay, CreateSessionParams

agent_bay = AgentBay()
session = agent_bay.create(CreateSessionParams(image_id="code_latest")).session
screen, changed = bytearray(), threading.Event()


def on_data(data):
    screen.extend(data)
    changed.set()


def until(text):
    for _ in range(200):
        if text in screen:
            return
        changed.wait(0.1)
        changed.clear()
    raise AssertionError(bytes(screen))


terminal = session.pty.create(cols=80, rows=24, on_data=on_data)
terminal.send_input(b"echo $((40 + 2))_; tty\n")
until(b"42_")
until(b"/dev/pts/")
terminal.resize(cols=100, rows=30)
terminal.send_input(b"stty size\n")
until(b"30 100")
assert [each.pty_session_id for each in session.pty.list()] == [terminal.pty_session_id]
terminal.send_input(b"exit 5\n")
assert terminal.wait(timeout_s=20) == 5
assert agent_bay.delete(session).success
