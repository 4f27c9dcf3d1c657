"""AGB's SDK leaves nothing behind either, and does not disturb AgentBay's in the same process."""

import json
import os
import site
from pathlib import Path

from tests.providers.cloud import KEY
from tests.providers.test_containment import folder, run

__all__ = ["folder"]
ROOT = str(Path(__file__).parents[2])
SINK = """
import io, loguru
sink = io.StringIO()
loguru.logger.remove()
loguru.logger.add(sink, level="TRACE")
"""
SESSIONS = f"""
import asyncio, pathlib
from agentbay_kernel.providers.agb import AgbProvider
from agentbay_kernel.providers.agentbay import AgentBayProvider
from agentbay_kernel.session import SessionSpec
from tests.providers.cloud import Cloud

async def script(talk, params):
    await talk.event("stdout", chunk="the output of a cell")
    await talk.end()

async def use(cloud, kind):
    said = []
    provider = kind({KEY!r}, endpoint=cloud.url)
    session = await provider.create(SessionSpec(labels={{"a": "b"}}))
    await session.run_code("the code of a cell", lambda event: said.append(event.text))
    await session.shell("true")
    await session.delete()
    await provider.close()
    assert said == ["the output of a cell"], said

async def main():
    async with Cloud(pathlib.Path(".")) as cloud:
        cloud.script = script
        await asyncio.gather(*[use(cloud, kind) for kind in KINDS])
        for kind in KINDS:
            await use(cloud, kind)
"""


SPARED = """
assert not {"playwright.async_api", "playwright.sync_api", "pydantic", "rich"} & sys.modules.keys()
"""


def test_importing_the_provider_does_not_import_its_sdk(folder):
    code = """
    import agentbay_kernel.providers.agb
    print(json.dumps([name for name in ("agb", "httpx", "playwright") if name in sys.modules]))
    """
    assert json.loads(run(code, folder).stdout) == []


def test_the_base_provider_never_imports_the_extra(folder):
    code = """
    from agentbay_kernel import providers
    from agentbay_kernel.config import AgentBayOptions
    providers.make(AgentBayOptions(provider="agentbay"))
    providers.make(AgentBayOptions(provider="local"))
    print(json.dumps([name for name in sys.modules if name.endswith("agb")]))
    """
    assert json.loads(run(code, folder).stdout) == []


def test_a_whole_session_leaves_no_trace(folder):
    beside = [Path(place) / "agb.log" for place in site.getsitepackages()]
    before = {path: path.exists() and path.stat().st_mtime_ns for path in beside}
    code = f"""
{SINK}
{SESSIONS}
KINDS = [AgbProvider]
asyncio.run(main())
assert dict(os.environ) == before, set(os.environ) ^ set(before)
assert sink.getvalue() == "", sink.getvalue()
{SPARED}
print(json.dumps([item for item in seen if "pycache" not in item[1]]))
"""
    done = run(code, folder, PYTHONPATH=ROOT)
    assert done.stderr == ""
    assert json.loads(done.stdout) == []
    assert os.listdir(folder) == []
    assert {path: path.exists() and path.stat().st_mtime_ns for path in before} == before


def test_both_sdks_work_side_by_side_and_the_hosts_sinks_stay(folder):
    code = f"""
{SINK}
{SESSIONS}
KINDS = [AgentBayProvider, AgbProvider]
asyncio.run(main())
loguru.logger.info("from the host")
assert sink.getvalue().count("\\n") == 1 and "from the host" in sink.getvalue(), sink.getvalue()
{SPARED}
"""
    done = run(code, folder, PYTHONPATH=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert os.listdir(folder) == []


def test_it_works_too_where_the_program_imported_the_sdk_first(folder):
    code = f"""
import agb
{SINK}
{SESSIONS}
KINDS = [AgbProvider, AgentBayProvider]
asyncio.run(main())
assert sink.getvalue() == "", sink.getvalue()
"""
    done = run(code, folder, PYTHONPATH=ROOT)
    assert done.returncode == 0, done.stderr


def test_an_sdk_imported_first_still_tells_that_a_session_has_ended(folder):
    code = f"""
import agb
{SESSIONS}
from agentbay_kernel.errors import SessionGone, Unreachable
from tests.providers.cloud import refusal

async def main():
    async with Cloud(pathlib.Path(".")) as cloud:
        provider = AgbProvider({KEY!r}, endpoint=cloud.url)
        session = await provider.create(SessionSpec())
        cloud.answers["shell"] = refusal("InvalidMcpSession.NotFound", "gone", 404)
        try:
            await session.shell("true")
        except SessionGone:
            print("gone")
        cloud.answers["shell"] = refusal("InvalidMcpSession.NotFound", "gone", 400)
        try:
            await session.shell("true")
        except SessionGone:
            print("gone")
        session.sdk.link_url = "http://127.0.0.1:1"
        try:
            await session.shell("true")
        except Unreachable:
            print("unreachable")
        await provider.close()

asyncio.run(main())
"""
    done = run(code, folder, PYTHONPATH=ROOT)
    assert done.stdout.splitlines() == ["gone", "gone", "unreachable"], done.stderr
