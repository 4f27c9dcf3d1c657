"""The shell tool, environment, metrics and JavaScript."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from pathlib import Path

import pytest

from agentbay_kernel.service.port import ToolFailure
from tests.service.workers.sandboxes import Box, started

pytestmark = pytest.mark.timeout(60)


async def test_answer_holds_both_streams_and_the_exit_code(box: Box) -> None:
    answer = await box.shell("echo out; echo err >&2; exit 3")
    assert answer == {"stdout": "out\n", "stderr": "err\n", "exit_code": 3, "traceId": ""}


async def test_command_starts_in_the_workspace_or_where_told(box: Box) -> None:
    assert (await box.shell("pwd"))["stdout"].strip() == box.inside("/workspace")
    assert (await box.shell("pwd", cwd="/tmp"))["stdout"].strip() == box.inside("/tmp")
    with pytest.raises(ToolFailure, match="No such file"):
        await box.shell("pwd", cwd="/none")


async def test_envs_are_for_one_command(box: Box) -> None:
    assert (await box.shell("echo $A", envs={"A": "1"}))["stdout"] == "1\n"
    assert (await box.shell("echo $A"))["stdout"] == "\n"


async def test_timeout_kills_the_group_and_says_so(box: Box) -> None:
    # A sandbox without its own process numbers sees those of other tests too.
    name = f"48.{os.getpid()}"
    with pytest.raises(ToolFailure, match=r"\[timeout\]"):
        await box.shell(f"sleep {name} | cat", timeout_ms=200)
    left = await box.shell(f"ps ax | grep -c '[s]leep {name}'")
    assert left["stdout"] == "0\n"


async def test_process_in_the_background_does_not_hold_the_answer(box: Box) -> None:
    begun = time.monotonic()
    await box.shell("(while echo tick; do sleep 0.1; done) & echo started")
    assert time.monotonic() - begun < 5
    alive = "pgrep -f 'while echo tick' | head -1"
    assert (await box.shell(f"sleep 1; {alive}"))["exit_code"] == 0


async def test_shell_runs_while_a_cell_does(box: Box) -> None:
    run = asyncio.ensure_future(
        box.run("import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)")
    )
    await box.shell("touch go")
    assert (await run).ok


async def test_environment_is_a_list_of_allowed_names(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTBAY_API_KEY", "hidden")
    monkeypatch.setenv("MY_SETTING", "hidden")
    monkeypatch.setenv("PIP_TOKEN", "hidden")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:1")
    monkeypatch.setenv("NO_PROXY", "*")
    async with started(tmp_path / "session", mode, env={"GIVEN": "yes"}) as box:
        text = (await box.shell("cat /proc/$PPID/environ | tr '\\0' '\\n'; env"))["stdout"]
    assert "hidden" not in text
    assert "GIVEN=yes" in text and "HTTPS_PROXY=http://proxy.example:1" in text


async def test_metrics_have_the_wires_names(box: Box) -> None:
    facts = json.loads(await box.call("get_metrics"))
    assert facts["mem_total"] == 4 << 30 and facts["cpu_count"] >= 1
    assert {"cpu_used_pct", "disk_total", "rx_rate_kbyte_per_s", "timestamp"} <= facts.keys()


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js here")
async def test_javascript_streams_and_gives_its_value(box: Box) -> None:
    end = await box.run("console.log('hi'); const x = [1, 2]; x", "javascript")
    assert end.ok and box.text() == "hi\n" and box.main() == "[ 1, 2 ]"


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js here")
async def test_javascript_error_carries_its_stack(box: Box) -> None:
    end = await box.run("null.x", "javascript")
    assert end.error.startswith("TypeError: ")
    assert box.error()["code"] == "TypeError" and "cell.js:1" in box.error()["traceback"][0]


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js here")
async def test_javascript_is_ended_by_its_timeout(box: Box) -> None:
    end = await box.run("while (true) {}", "javascript", timeout=0.5)
    assert end.error == "TimeoutError: the code ran longer than 0.5 seconds"


async def test_javascript_without_node_names_what_to_install(box: Box) -> None:
    await box.call("set_env", envs=[{"key": "PATH", "value": "/none"}])
    with pytest.raises(ToolFailure, match="apt-get install nodejs"):
        await box.run("1", "javascript")
