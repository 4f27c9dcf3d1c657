"""The second part of the check: everything that a kernel does with a session."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from typing import TYPE_CHECKING

from agentbay_kernel import syncing
from agentbay_kernel.doctor.cells import Cells
from agentbay_kernel.doctor.finding import Trouble
from agentbay_kernel.errors import SessionGone
from agentbay_kernel.events import ExecuteResult, Stream
from agentbay_kernel.magics.links import NOBODY, checked
from agentbay_kernel.session import Mount

if TYPE_CHECKING:
    from agentbay_kernel.contexts import ContextInfo
    from agentbay_kernel.events import Event
    from agentbay_kernel.session import Provider, Session

BEGIN_SECONDS = 15.0
FOLDER = "/tmp/agentbay-doctor"
TICKS = "import time\nfor tick in range(5):\n    print(tick, flush=True)\n    time.sleep(0.1)\n"
SERVE = (
    "import subprocess, sys\n"
    "doctor_server = subprocess.Popen([sys.executable, '-m', 'http.server', '{port}'],\n"
    "    cwd='/tmp', stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
)


class Steps:
    """The steps with one session, each of which gives its detail or raises."""

    def __init__(self, provider: Provider, session: Session) -> None:
        self.provider = provider
        self.session = session
        self.context: ContextInfo | None = None
        self._cells = Cells(session)

    async def close(self) -> None:
        """Let the control channel go."""
        await self._cells.close()

    async def handshake(self) -> str:
        """Send the hooks and run the first cell."""
        shown: list[Event] = []
        await self._cells.run("6 * 7", shown.append)
        values = [each.data.get("text/plain") for each in shown if isinstance(each, ExecuteResult)]
        if values != ["42"]:
            raise Trouble("the first cell gave no 42", "Try another image: code_latest")
        if self._cells.plain_because:
            raise Trouble(
                f"cells run, but plainly: {self._cells.plain_because}",
                "Displays, input() and widgets will not work in this image",
                cannot=True,
            )
        return self._cells.facts.get("bridge", "")

    async def stream(self) -> str:
        """See whether output comes while a cell runs."""
        times: list[float] = []

        def note(event: Event) -> None:
            if isinstance(event, Stream):
                times.append(time.perf_counter())

        began = time.perf_counter()
        await self._cells.run(TICKS, note)
        end = time.perf_counter()
        if not times or end - times[0] < 0.3:
            reason = self.session.capabilities.reasons.get("stream", "no reason is known")
            raise Trouble("output comes only when the cell ends", reason, cannot=True)
        return (
            f"the first output after {times[0] - began:.3f} s, the end {end - times[0]:.1f} s later"
        )

    async def channel(self) -> str:
        """Ask the interpreter beside its cells."""
        # Completion would tell how long it takes to load what completes.
        await self._cells.inspect("print")
        began = time.perf_counter()
        found = await self._cells.inspect("print")
        took = time.perf_counter() - began
        if not found.get("found"):
            raise Trouble("the interpreter does not know print")
        return f"{self._cells.facts.get('control channel', '')}; an answer in {took:.3f} s"

    async def interrupt(self) -> str:
        """Stop a cell that would run for long."""
        running = asyncio.ensure_future(
            self._cells.run("import time; time.sleep(120)", lambda event: None)
        )
        try:
            await self._begun()
            began = time.perf_counter()
            way = await self._cells.interrupt()
            reply = await asyncio.wait_for(asyncio.shield(running), BEGIN_SECONDS)
        finally:
            running.cancel()
            await asyncio.wait([running])
        if reply.error is None or reply.error.ename != "KeyboardInterrupt":
            raise Trouble("the cell ended without a KeyboardInterrupt")
        return f"by {way}, {time.perf_counter() - began:.3f} s after the Stop"

    async def _begun(self) -> None:
        async with asyncio.timeout(BEGIN_SECONDS):
            for _ in range(20):  # without hooks nobody tells
                await asyncio.sleep(0.1)
                if self._cells.begun:
                    return

    async def files(self) -> str:
        """Write, list, read and remove a file."""
        files, data = self.session.files, os.urandom(256 << 10)
        path = f"{FOLDER}/probe é.bin"
        await files.write(path, data)
        names = [each.path.rpartition("/")[2] for each in await files.list(FOLDER)]
        back = await files.read(path)
        await files.remove(path)
        if back != data or "probe é.bin" not in names:
            raise Trouble("a file came back different")
        return "256 KiB there and back, equal"

    async def shell(self) -> str:
        """Run a command beside the interpreter."""
        result = await self.session.shell("id -un; exit 3")
        if result.exit_code != 3:
            raise Trouble("an exit status was lost")
        return f"as the user {result.stdout.strip()}"

    async def labels(self) -> str:
        """Change the labels and read them back."""
        now = await self.session.labels()
        await self.session.set_labels({**now, "doctor": "1"})
        page = await self.provider.list({"doctor": "1"}, limit=100)
        if self.session.session_id not in {each.session_id for each in page.sessions}:
            raise Trouble("the session is not found by its new label")
        return f"{len(now) + 1} labels, and found by one"

    async def link(self) -> str:
        """Reach a server in the session."""
        port = 30100 + secrets.randbelow(100)
        await self._cells.run(SERVE.format(port=port), lambda event: None)
        try:
            for _ in range(20):
                _, answer = await checked(self.session, port, None)
                if answer.status and answer.status not in NOBODY:
                    return f"a server on port {port} answers (HTTP {answer.status})"
                await asyncio.sleep(0.25)
        finally:
            await self._cells.run("doctor_server.kill()", lambda event: None)
        raise Trouble(f"port {port}: {answer}", "Links may need a paid account")

    async def variables(self) -> str:
        """Set an environment variable and see whether the interpreter has it."""
        await self.session.machine.set_variables({"AGENTBAY_DOCTOR": "1"})
        shown: list[Event] = []
        await self._cells.run("__import__('os').environ.get('AGENTBAY_DOCTOR')", shown.append)
        if not any(isinstance(each, ExecuteResult) for each in shown):
            raise Trouble(
                "shells have it, the interpreter does not", "%agentbay env sets both", cannot=True
            )
        return "set for shells and interpreter"

    async def keep(self) -> str:
        """Write into a persistent context, upload it and find it there."""
        name = f"agentbay-kernel-doctor-{secrets.token_hex(4)}"
        contexts = self.provider.contexts
        self.context = await contexts.create(name)
        bound = await self.session.mounts.add(Mount(name, "/mnt/agentbay-doctor"))
        await syncing.arrived(self.session.mounts, bound)
        await self.session.files.write("/mnt/agentbay-doctor/probe.txt", b"kept")
        await syncing.transfer(self.session.mounts, "upload", [bound])
        page = await contexts.files(self.context.context_id)
        if "probe.txt" not in {each.name for each in page.files}:
            raise Trouble("what was uploaded is not in the context")
        return "mounted live, uploaded and found"

    async def delete(self) -> str:
        """End the session and see that it is gone."""
        await self.close()
        await self.session.delete()
        try:
            await self.provider.get(self.session.session_id)
        except SessionGone:
            return "gone for everybody"
        raise Trouble("it is still there", f"%agentbay delete {self.session.session_id} --yes")
