"""The SDK leaves nothing behind: no file, no line, no variable, no lost log sink."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.providers.cloud import KEY, TOKEN

AUDIT = """
import json, os, sys
seen = []
def hook(event, args):
    if event == "open" and isinstance(args[0], str):
        if args[1] and set(str(args[1])) & set("wax+") and args[0] != os.devnull:
            seen.append([event, args[0]])
        if args[0].endswith(".env"):
            seen.append([event, args[0]])
    if event in ("os.putenv", "os.unsetenv", "os.chdir", "os.remove", "os.rename"):
        seen.append([event, repr(args)])
    if event == "os.mkdir" and args[0] != "/dev":
        seen.append([event, args[0]])
sys.addaudithook(hook)
before = dict(os.environ)
"""


def run(code: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", AUDIT + textwrap.dedent(code)],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".env").write_text("FROM_DOTENV=1\n")
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def test_importing_the_package_of_providers_does_not_import_an_sdk(folder):
    code = """
    import agentbay_kernel.providers, agentbay_kernel.providers.agentbay
    print(json.dumps([name for name in ("agentbay", "agb", "httpx") if name in sys.modules]))
    """
    assert json.loads(run(code, folder).stdout) == []


def test_the_import_writes_nothing_and_changes_no_variable(folder):
    code = """
    from agentbay_kernel.providers._agentbay_sdk import LIBRARY
    LIBRARY.load()
    assert dict(os.environ) == before
    print(json.dumps(seen))
    """
    done = run(code, folder)
    assert json.loads(done.stdout) == []
    assert done.stderr == ""
    assert os.listdir(folder) == []


def test_a_whole_session_leaves_no_trace(folder):
    code = f"""
    import asyncio, pathlib
    from agentbay_kernel.providers.agentbay import AgentBayProvider
    from agentbay_kernel.session import SessionSpec
    from tests.providers.cloud import Cloud, refusal

    async def script(talk, params):
        await talk.event("stdout", chunk="the output of a cell")
        await talk.end()

    async def main():
        async with Cloud(pathlib.Path(".")) as cloud:
            cloud.script = script
            provider = AgentBayProvider({KEY!r}, endpoint=cloud.url)
            session = await provider.create(SessionSpec())
            await session.run_code("the code of a cell", lambda event: None)
            await session.shell("true")
            cloud.answers["GetLink"] = refusal("Odd", {KEY!r})
            try:
                await session.link()
            except Exception as error:
                assert {KEY!r} not in str(error)
            await session.delete()
            await provider.close()

    asyncio.run(main())
    assert dict(os.environ) == before, set(os.environ) ^ set(before)
    print(json.dumps([item for item in seen if "pycache" not in item[1]]))
    """
    root = str(Path(__file__).parents[2])
    done = run(code, folder, PYTHONPATH=root)
    assert done.stderr == ""
    assert json.loads(done.stdout) == []
    assert os.listdir(folder) == []


def test_the_hosts_loguru_sinks_stay_and_hear_nothing_of_the_sdk(folder):
    code = """
    import io, loguru
    sink = io.StringIO()
    loguru.logger.remove()
    loguru.logger.add(sink, level="TRACE")
    from agentbay_kernel.providers._agentbay_sdk import LIBRARY
    sdk = LIBRARY.load()
    sdk.get_logger("x").info("from the sdk")
    loguru.logger.info("from the host")
    text = sink.getvalue()
    assert "from the host" in text and "from the sdk" not in text, text
    """
    done = run(code, folder)
    assert (done.returncode, done.stderr) == (0, "")


def test_when_the_program_imported_the_sdk_first_its_logs_of_our_calls_end(folder):
    code = """
    import io, sys, loguru
    import agentbay
    sink = io.StringIO()
    loguru.logger.remove()
    loguru.logger.add(sink, level="TRACE")
    from agentbay_kernel.providers._agentbay_sdk import LIBRARY
    LIBRARY.load()
    from agentbay._common.logger import _log_api_call
    exec(compile("_log('RunCode', 'secret')", "x", "exec"),
         {"_log": _log_api_call, "__name__": "agentbay.x"})
    assert sink.getvalue() == ""
    """
    assert run(code, folder).returncode == 0


def test_preload_imports_once_for_all_threads(folder):
    code = """
    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel import providers
    from agentbay_kernel.providers._agentbay_sdk import LIBRARY
    providers.preload(AgentBayOptions(provider="agentbay"))
    assert LIBRARY.load() is sys.modules["agentbay"]
    """
    done = run(code, folder)
    assert (done.returncode, done.stderr) == (0, "")


def test_warnings_reach_the_kernels_log_without_code_output_or_key(folder):
    # In a process of its own: where a program imported the SDK first, its logs end.
    code = f"""
    import logging
    from agentbay_kernel.providers._agentbay_sdk import LIBRARY
    texts = []
    class Kept(logging.Handler):
        def emit(self, record):
            texts.append(record.getMessage())
    logging.getLogger("agentbay_kernel.sdk").addHandler(Kept())
    LIBRARY.load()
    import agentbay._common.logger as sdk_log
    secret = {KEY + TOKEN!r} + " print('code')"
    try:
        raise ValueError(secret)
    except ValueError:
        sdk_log._log_operation_error("CallMcpTool", secret, True)
    sdk_log._log_api_response_with_details(
        "CallMcpTool", success=False, key_fields={{"preview": secret}}, full_response=secret
    )
    print(json.dumps(texts))
    """
    done = run(code, folder)
    texts = json.loads(done.stdout)
    assert any("ValueError" in text for text in texts)
    assert not any(KEY in text or "print" in text for text in texts)


async def test_no_log_of_a_failing_call_shows_the_key(cloud, session, caplog):
    caplog.set_level("DEBUG")
    cloud.answers["GetLabel"] = cloud.answers["GetLink"] = None
    cloud.answers["GetMcpResource"] = {"Success": False, "Code": "X", "Message": KEY}
    from agentbay_kernel.errors import ProviderError

    with pytest.raises(ProviderError):
        await session.info()
    assert KEY not in caplog.text and TOKEN not in caplog.text


def test_what_an_api_key_never_needs_is_imported_when_it_is_called(folder):
    code = """
    from agentbay_kernel.providers._agentbay_sdk import LIBRARY
    LIBRARY.load()
    names = ("aliyun.log", "apscheduler", "cryptography.hazmat.primitives", "pydantic")
    put_off = [name for name in sys.modules if name.startswith(names)]
    assert not put_off, put_off
    from agentbay._common import trace_manager
    from alibabacloud_credentials.provider import ecs_ram_role
    item = trace_manager.LogItem(contents=[("a", "b")])
    scheduler = ecs_ram_role.BackgroundScheduler()
    from agentbay._common.models.agent import DefaultSchema
    from alibabacloud_tea_openapi import utils
    padding = utils.padding.PKCS1v15()
    import aliyun.log, apscheduler.schedulers.background
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    print(json.dumps([
        type(item) is aliyun.log.LogItem,
        type(scheduler) is apscheduler.schedulers.background.BackgroundScheduler,
        type(padding) is PKCS1v15,
        item.get_contents(),
        DefaultSchema.model_json_schema()["required"],
    ]))
    """
    assert json.loads(run(code, folder).stdout) == [True, True, True, [["a", "b"]], ["result"]]
