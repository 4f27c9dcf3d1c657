import json
import os
import subprocess
import sys

import psutil
import pytest

from agentbay_kernel.ledger import Ledger, Row

ROW = Row("kernel:1", "s-1", "local", "http://x", "f")


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger")


def owned_by(ledger, pid, start):
    ledger.put(ROW)
    path = next(ledger.folder.glob("*.json"))
    path.write_text(
        json.dumps({**json.loads(path.read_text()), "owner_pid": pid, "owner_start": start})
    )


def test_a_stored_row_is_this_processs(ledger):
    assert ledger.put(ROW).owner_pid == os.getpid()
    assert ledger.get(ROW.key).owned()


def test_a_dead_owners_row_may_be_claimed(ledger):
    process = subprocess.Popen([sys.executable, "-c", ""])
    start = psutil.Process(process.pid).create_time()
    process.wait()
    owned_by(ledger, process.pid, start)
    assert ledger.claim(ROW.key).owner_pid == os.getpid()


def test_a_living_owners_row_may_not_be_claimed(ledger):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        owned_by(ledger, process.pid, psutil.Process(process.pid).create_time())
        assert ledger.claim(ROW.key) is None
        process.stdin.close()


def test_a_reused_pid_is_no_owner(ledger):
    owned_by(ledger, os.getppid(), 1.0)
    assert ledger.claim(ROW.key) is not None


def test_another_key_finds_nothing(ledger):
    ledger.put(ROW)
    assert ledger.claim("kernel:2") is None


def test_removing_an_older_session_keeps_the_newer_row(ledger):
    ledger.put(ROW)
    ledger.remove(ROW.key, "s-0")
    assert ledger.get(ROW.key).session_id == "s-1"
    ledger.remove(ROW.key, "s-1")
    assert ledger.rows() == []


def test_rows_are_readable_by_their_user_only(ledger):
    ledger.put(ROW)
    assert next(ledger.folder.glob("*.json")).stat().st_mode & 0o077 == 0
