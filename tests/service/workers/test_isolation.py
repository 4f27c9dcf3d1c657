"""What a session can see of this computer, and how the isolation is told."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agentbay_kernel.service import isolation
from tests.service.workers.sandboxes import Box, started

pytestmark = pytest.mark.timeout(60)


@pytest_asyncio.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Box]:
    async with started(tmp_path / "session") as box:
        if box.sandbox.isolation != "bwrap":
            pytest.skip(box.sandbox.isolation)
        yield box


async def test_home_and_data_of_the_user_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: Box
) -> None:
    secret = Path.home() / "secret"
    secret.write_text("secret")
    for path in (
        secret,
        tmp_path / "session",
        "/etc/shadow",
        "/etc/ssh",
        "/var/lib",
        "/root/.bashrc",
    ):
        await kept.run(f"import os; os.path.exists({str(path)!r})")
        assert kept.main() == "False", path


async def test_system_is_read_only(kept: Box) -> None:
    package = "$(python -c 'import IPython; print(IPython.__file__)')"
    answer = await kept.shell(f"touch /usr/x; touch /etc/ssl/certs/x; touch {package}")
    assert answer["stderr"].count("Read-only file system") == 3


async def test_no_capability_and_no_way_to_get_one(kept: Box) -> None:
    answer = await kept.shell("grep -h ^Cap /proc/self/status; unshare -Ur true")
    assert {line.split()[1] for line in answer["stdout"].splitlines()} == {"0" * 16}
    assert answer["exit_code"] != 0


async def test_processes_of_others_are_not_there(kept: Box) -> None:
    await kept.run("import os; len([p for p in os.listdir('/proc') if p.isdecimal()]) < 10")
    assert kept.main() == "True"


async def test_network_is_the_computers(kept: Box) -> None:
    await kept.run("open('/proc/net/dev').read().count(':')")
    assert kept.main() == str(Path("/proc/net/dev").read_text().count(":"))


async def test_own_folders_are_writable_and_on_disk(kept: Box) -> None:
    answer = await kept.shell(
        "touch ~/a /tmp/a /workspace/a /dev/shm/a /own && stat -f -c %T / /tmp /dev/shm"
    )
    assert answer["exit_code"] == 0 and "tmpfs" not in answer["stdout"]


async def test_folder_says_plainly_that_it_isolates_nothing(tmp_path: Path) -> None:
    async with started(tmp_path / "session", "folder") as box:
        note = box.sandbox.isolation
    assert note.startswith("folder (not isolated") and f"{tmp_path}/session/fs" in note


async def test_failing_bwrap_gives_the_folder_and_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "bwrap"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'bwrap: no user namespaces' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(isolation, "_probed", {})
    async with started(tmp_path / "session") as box:
        assert "bwrap: no user namespaces" in box.sandbox.isolation
        assert (await box.run("1")).ok


async def test_missing_bwrap_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_probed", {})
    monkeypatch.setattr(isolation.shutil, "which", lambda name: None)
    isolation.prepare(tmp_path / "session")
    assert "is not installed" in isolation.choose(tmp_path / "session", {}).note


async def test_session_folder_is_private_on_the_host(box: Box) -> None:
    assert box.root.stat().st_mode & 0o777 == 0o700


async def test_command_lines_hold_no_variable(box: Box) -> None:
    await box.run("1")
    paths = [Path(f"/proc/{pid}/cmdline") for pid in box.sandbox.pids()]
    lines = b"".join(path.read_bytes() for path in paths)
    assert b"agentbay_kernel.service.workers.python" in lines
    assert b"PIP_" not in lines and b"PROXY" not in lines
