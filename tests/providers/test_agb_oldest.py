"""The oldest SDK of AGB, which has neither link nor WebSocket nor a call that keeps alive."""

import json
from pathlib import Path

from tests import oldest
from tests.providers.cloud import KEY
from tests.providers.test_containment import folder, run

__all__ = ["folder"]
ROOT = str(Path(__file__).parents[2])
USE = f"""
import asyncio, importlib.metadata, pathlib
import agb
from agentbay_kernel.errors import NotSupported, SessionGone
from agentbay_kernel.providers.agb import AgbProvider
from agentbay_kernel.session import Mount, SessionSpec
from tests.providers.cloud import Cloud

REPORT = dict(result=[json.dumps({{"isMainResult": True, "text/plain": "2"}})], stdout=["hi\\n"],
              stderr=[], executionError="", execution_count=3)

async def main():
    async with Cloud(pathlib.Path(".")) as cloud:
        provider = AgbProvider({KEY!r}, endpoint=cloud.url)
        text = [{{"type": "text", "text": json.dumps(REPORT)}}]
        cloud.answers["tool run_code"] = {{"isError": False, "content": text}}
        session = await provider.create(
            SessionSpec("code_latest", {{"a": "b"}}, (Mount("data", "/data"),))
        )
        can, events = session.capabilities, []
        said = {{"stream": can.stream, "why": can.reasons["stream"], "shell": can.shell}}
        said["ok"] = (await session.run_code("1 + 1", events.append)).ok
        said["events"] = [type(each).__name__ for each in events]
        said["shell says"] = (await session.shell("echo $0 hi", timeout=20)).stdout
        await session.files.write(os.path.abspath("f"), b"\\x00binary")
        said["file"] = (await session.files.read(os.path.abspath("f"))).decode("latin-1")
        await session.set_labels({{"c": "d"}})
        said["labels"] = await session.labels()
        await session.keep_alive()
        await session.sync("upload")
        said["mounts"] = [each.name for each in await session.mounts.list()]
        said["info"] = (await session.info()).status
        said["listed"] = len((await provider.list({{"a": "b"}})).sessions)
        again = await provider.get("s-1")
        said["again"] = (await again.shell("echo again")).stdout
        await session.delete()
        try:
            await session.status()
        except SessionGone:
            said["gone"] = True
        await provider.close()
        os.unlink("f")
        print(json.dumps([agb.__file__, said]))

asyncio.run(main())
"""


def test_all_but_streaming_works_with_it(folder):
    path = oldest.agb()
    done = run(USE, folder, PYTHONPATH=f"{path}:{ROOT}", AGB_LOG_LEVEL="CRITICAL")
    assert done.returncode == 0, done.stderr
    file, said = json.loads(done.stdout)
    assert Path(file).is_relative_to(path)
    assert said == {
        "stream": False,
        "why": "the provider gave no WebSocket address",
        "shell": True,
        "ok": True,
        "events": ["Stream", "ExecuteResult"],
        "shell says": "sh hi\n",
        "file": "\x00binary",
        "labels": {"c": "d"},
        "mounts": ["data"],
        "info": "RUNNING",
        "listed": 1,
        "again": "again\n",
        "gone": True,
    }
