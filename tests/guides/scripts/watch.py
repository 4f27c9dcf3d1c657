"""Watch a folder of the session."""

import threading

from agentbay import AgentBay, CreateSessionParams

agent_bay = AgentBay()
session = agent_bay.create(CreateSessionParams(image_id="code_latest")).session
session.file_system.create_directory("/workspace/watched")
seen, arrived, stop = [], threading.Event(), threading.Event()


def on_changes(events):
    seen.extend(events)
    arrived.set()


thread = session.file_system.watch_directory(
    "/workspace/watched", on_changes, interval=0.2, stop_event=stop
)
thread.start()
for attempt in range(50):
    session.file_system.write_file(f"/workspace/watched/{attempt}.txt", "x")
    if arrived.wait(0.5):
        break
stop.set()
thread.join(10)
assert any(event.path.startswith("/workspace/watched/") for event in seen), seen
assert agent_bay.delete(session).success
