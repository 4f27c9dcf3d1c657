"""Runs, tools of a session's life, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import pytest

from agentbay_kernel.service.port import SandboxGone, SandboxSpec, ToolFailure
from agentbay_kernel.service.sandbox import LocalSandbox
from tests.service.workers.sandboxes import Box, started, until

pytestmark = pytest.mark.timeout(60)


async def test_last_expression_is_the_main_result(box: Box) -> None:
    end = await box.run("1 + 1")
    assert end.ok and end.execution_count == 1
    assert box.events == [
        {
            "eventType": "result",
            "result": {"isMainResult": True, "mime": {"text/plain": "2"}, "metadata": {}},
        }
    ]


async def test_run_goes_on_when_its_caller_goes_away(box: Box) -> None:
    run = asyncio.ensure_future(box.run("import time; time.sleep(0.3); open('done', 'w').close()"))
    await asyncio.sleep(0)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    await box.run("1")
    assert "[FILE] done" in await box.call("list_directory", path="/workspace")


async def test_output_before_the_death_is_kept(box: Box) -> None:
    await box.run("import os; print('last words', flush=True); os._exit(0)")
    assert box.text() == "last words\n"


async def test_a_language_that_is_not_known_is_refused_by_name(box: Box) -> None:
    with pytest.raises(ToolFailure, match="Unknown language: cobol"):
        await box.run("1", "cobol")


async def test_initial_mount_is_the_host_folder(mode: str, tmp_path: Path) -> None:
    root = tmp_path / "session"
    source = root / "mounts" / "0"
    source.mkdir(parents=True)
    (source / "a").write_text("from outside")
    async with started(root, mode, mounts={"/mnt/data": source}) as box:
        assert await box.call("read_file", path="/mnt/data/a") == "from outside"
        await box.run(f"open({box.inside('/mnt/data/b')!r}, 'w').write('from inside')")
        assert (source / "b").read_text() == "from inside"


async def test_bind_shows_a_folder_in_the_running_session(box: Box) -> None:
    source = box.root / "mounts" / "later"
    source.mkdir()
    (source / "a").write_text("here")
    await box.sandbox.bind("/data/set", source)
    assert await box.call("read_file", path="/data/set/a") == "here"
    assert box.sandbox.host_path("/data/set/a") == source / "a"


async def test_bind_of_a_foreign_folder_is_refused(box: Box, tmp_path: Path) -> None:
    with pytest.raises(ToolFailure, match="Only a folder below"):
        await box.sandbox.bind("/data", tmp_path)


async def test_host_path_maps_own_files_and_refuses_others(box: Box) -> None:
    await box.call("write_file", path="/workspace/x", content="mine")
    assert box.sandbox.host_path("/workspace/x").read_text() == "mine"
    for path in ("/etc/passwd", "/workspace/../etc/passwd", "/"):
        with pytest.raises(ToolFailure):
            box.sandbox.host_path(path)


async def test_host_path_follows_no_link_out(box: Box, tmp_path: Path) -> None:
    (box.root / "fs/workspace/way").symlink_to(tmp_path)
    with pytest.raises(ToolFailure, match="leads out"):
        box.sandbox.host_path("/workspace/way/secret")


async def test_pids_are_the_hosts_and_hold_every_process(box: Box) -> None:
    await box.run("import subprocess; p = subprocess.Popen(['sleep', '47.5'])")

    def lines() -> list[bytes]:
        return [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in box.sandbox.pids()]

    await until(lambda: b"sleep\x0047.5\x00" in lines())


async def test_watch_reports_until_it_is_stopped(box: Box) -> None:
    changes: list[dict[str, str]] = []
    stop = await box.sandbox.watch("/workspace", changes.extend)
    await box.call("write_file", path="/workspace/new", content="x")
    await until(lambda: changes)
    assert changes == [{"eventType": "create", "path": "/workspace/new", "pathType": "file"}]
    stop()


async def test_watch_of_no_folder_is_refused(box: Box) -> None:
    with pytest.raises(ToolFailure, match="No such folder: /workspace/none"):
        await box.sandbox.watch("/workspace/none", lambda changes: None)


async def test_close_leaves_no_process_and_no_file(mode: str, tmp_path: Path) -> None:
    async with started(tmp_path / "session", mode) as box:
        await box.shell("setsid sleep 100 & mkdir -p locked/in; chmod 0 locked/in locked")
        pids = box.sandbox.pids()
        assert len(pids) > 2
        await box.sandbox.close()
        await until(lambda: not [pid for pid in pids if os.path.exists(f"/proc/{pid}")])
        assert not box.root.exists()
        await box.sandbox.close()


async def test_a_closed_session_says_so(box: Box) -> None:
    await box.sandbox.close()
    with pytest.raises(SandboxGone):
        await box.call("list_directory", path="/")
    with pytest.raises(SandboxGone):
        await box.run("1")


async def test_close_ends_a_running_cell(box: Box) -> None:
    run = asyncio.ensure_future(box.run("print('on', flush=True)\nwhile True: pass"))
    await until(lambda: box.events)
    await box.sandbox.close()
    with pytest.raises(SandboxGone):
        await run


async def test_death_of_the_supervisor_ends_the_session(box: Box) -> None:
    pids = box.sandbox.pids()
    with pytest.raises(SandboxGone):
        await box.shell("kill -9 $PPID; sleep 52.5")
    await box.sandbox.close()
    await until(lambda: not running("sleep 52.5"))
    await until(lambda: not [pid for pid in pids if os.path.exists(f"/proc/{pid}/exe")])


async def test_death_of_the_service_ends_the_session(mode: str, tmp_path: Path) -> None:
    code = f"""
import asyncio, pathlib
from agentbay_kernel.service.port import SandboxSpec
from agentbay_kernel.service.sandbox import LocalSandbox
async def main():
    box = LocalSandbox(SandboxSpec("s", pathlib.Path({str(tmp_path)!r}, "s")), isolation={mode!r})
    await box.start()
    await box.call("shell", dict(command="sleep 53.5 & setsid sleep 53.5 &"))
    await box.run_code("import subprocess; subprocess.Popen(['sleep', '53.5'])", "python", 9, print)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    service = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    await until(lambda: running("sleep 53.5") == 3)
    service.kill()
    await service.wait()
    await until(lambda: not running("sleep 53.5"))


def running(command: str) -> int:
    """How many processes of this computer have this command line."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().rstrip(b"\0").replace(b"\0", b" "))
    return lines.count(command.encode())


async def test_start_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sandbox = LocalSandbox(SandboxSpec("session", tmp_path / "file" / "session"))
    with pytest.raises(SandboxGone, match="could not be started"):
        await sandbox.start()
    await sandbox.close()
