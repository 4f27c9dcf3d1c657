"""A provider in forty lines: its sessions are names in a dictionary of this process."""

import subprocess

from IPython.utils.capture import capture_output

from agentbay_kernel import errors, events, session


class Toys(dict):
    def __missing__(self, session_id):
        raise errors.SessionGone(f"There is no session {session_id}")


SESSIONS = Toys()


class ToySession(session.Session):
    def __init__(self, labels):
        self.session_id, self.kept, self.names = f"toy-{id(self)}", dict(labels), {}
        SESSIONS[self.session_id] = self

    async def run_code(self, code, emit, *, language="python", timeout=60):
        names, (before, _, last) = SESSIONS[self.session_id].names, code.rpartition("\n")
        with capture_output() as said:
            try:
                exec(before, names)
                end = events.ExecuteResult({"text/plain": repr(eval(last, names))})
            except Exception as error:
                end = events.CellError(type(error).__name__, str(error), (repr(error),))
        emit(events.Stream("stdout", said.stdout))
        emit(end)
        return session.RunResult(isinstance(end, events.ExecuteResult))

    async def shell(self, command, *, timeout=50, cwd=None, env=None):
        await self.status()
        done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=cwd)  # noqa: ASYNC221
        return session.ShellResult(done.stdout, done.stderr, done.returncode)

    async def labels(self):
        return SESSIONS[self.session_id].kept

    async def set_labels(self, labels):
        SESSIONS[self.session_id].kept = dict(labels)

    async def delete(self, *, sync=False):
        SESSIONS.pop(self.session_id, None)


class ToyProvider(session.Provider):
    async def create(self, spec):
        return ToySession(spec.labels)

    async def get(self, session_id):
        return SESSIONS[session_id]

    async def list(self, labels, *, status=None, limit=10, token=""):
        found = [each for each in SESSIONS.values() if labels.items() <= each.kept.items()]
        return session.SessionPage([session.SessionSummary(each.session_id) for each in found])
