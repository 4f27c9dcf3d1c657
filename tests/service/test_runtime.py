"""The service as a process: its start, its crash and its leaving."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agentbay_kernel.service import program, runtime
from tests.service.running import http, wait_for

CREATE = "{}/?Action=CreateMcpSession&Authorization=Bearer+{}&ImageId=code_latest"


@pytest.fixture(autouse=True)
def stopped(surroundings):
    seen = set()
    yield seen
    for address in {*seen, runtime.read()} - {None}:
        if address.alive:
            os.kill(address.pid, signal.SIGKILL)
            wait_for(lambda gone=address: not gone.alive, "the service dies")


@pytest.fixture
def ensure(stopped):
    def start(**options):
        address = runtime.ensure(**{"linger_seconds": 60, **options})
        stopped.add(address)
        return address

    return start


def create(address):
    return http(CREATE.format(address.api_url, address.key), b"").json["Data"]


def left(surroundings):
    return list((surroundings / "data/sessions").glob("*"))


def test_without_a_service_there_is_no_address():
    assert runtime.read() is None


def test_a_service_is_started_once_and_found_again(ensure):
    address = ensure()
    assert address.alive and ensure() == address == runtime.read()
    assert http(f"{address.api_url}/ping").body == b"ok"


def test_two_clients_at_once_start_one_service(ensure):
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: ensure(), range(4)))
    assert len(found) == 1


async def test_it_starts_from_a_loop_without_blocking_it(stopped):
    address, ticks = None, 0

    async def tick():
        nonlocal ticks
        while address is None:
            ticks += 1
            await asyncio.sleep(0.005)

    ticking = asyncio.create_task(tick())
    address = await runtime.aensure(linger_seconds=60)
    stopped.add(address)
    await ticking
    assert ticks > 3


def test_only_the_user_may_read_the_key_and_no_command_line_shows_it(ensure, surroundings):
    address = ensure()
    file = surroundings / "run" / runtime.ADDRESS_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    with open(f"/proc/{address.pid}/cmdline") as line:
        assert address.key not in line.read()
    assert address.key not in repr(address)


def test_it_is_neither_the_clients_child_nor_in_its_process_group(ensure):
    address = ensure()
    fields = Path(f"/proc/{address.pid}/stat").read_text().rpartition(")")[2].split()
    assert int(fields[1]) != os.getpid()
    assert os.getsid(address.pid) != os.getsid(0)


def test_an_address_of_another_process_with_the_same_id_is_not_believed(ensure, surroundings):
    address = ensure()
    file = surroundings / "run" / runtime.ADDRESS_FILE
    found = json.loads(file.read_text())
    file.write_text(json.dumps({**found, "started": found["started"] + 1}))
    assert runtime.read() is None
    file.write_text(json.dumps(found))
    assert runtime.read() == address


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_broken_address_file_counts_as_none(surroundings, text):
    file = surroundings / "run" / runtime.ADDRESS_FILE
    file.write_text(text)
    assert runtime.read() is None
    file.unlink()


def test_a_crashed_service_is_replaced_and_what_it_left_is_removed(ensure, surroundings):
    first = ensure()
    create(first)
    assert len(left(surroundings)) == 1
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: not first.alive, "the service dies")
    assert runtime.read() is None
    second = ensure()
    assert second.pid != first.pid
    wait_for(lambda: not left(surroundings), "the folders are removed")


def test_sigterm_ends_the_sessions_and_removes_their_files(ensure, surroundings):
    address = ensure()
    create(address)
    os.kill(address.pid, signal.SIGTERM)
    wait_for(lambda: not address.alive, "the service ends", 20)
    assert left(surroundings) == []
    assert not (surroundings / "run" / runtime.ADDRESS_FILE).exists()


def test_sigterm_uploads_the_contexts(ensure, surroundings):
    address = ensure()
    base = f"{address.api_url}/?Authorization=Bearer+{address.key}"
    context = http(f"{base}&Action=GetContext&Name=n&AllowCreate=True", b"").json["Data"]["Id"]
    items = json.dumps([{"ContextId": context, "Path": "/mnt/n"}]).encode()
    url = f"{base}&Action=CreateMcpSession&ImageId=code_latest"
    session = http(url, b"PersistenceDataList=" + items).json["Data"]
    body = json.dumps({"tool": "shell", "args": {"command": "echo kept > /mnt/n/a"}}).encode()
    headers = {"X-Access-Token": session["Token"]}
    assert http(f"{session['LinkUrl']}/callTool", body, headers=headers).status == 200
    os.kill(address.pid, signal.SIGTERM)
    wait_for(lambda: not address.alive, "the service ends", 20)
    (file,) = (surroundings / "data/contexts").glob("*/t-*/a")
    assert file.read_text() == "kept\n"


def test_an_interrupt_of_the_terminal_does_not_end_it(ensure):
    address = ensure()
    os.kill(address.pid, signal.SIGINT)
    assert http(f"{address.api_url}/ping").body == b"ok"
    assert address.alive


def test_it_leaves_after_its_linger_time(ensure, surroundings):
    address = ensure(linger_seconds=0.3)
    wait_for(lambda: not address.alive, "the service leaves")
    assert not (surroundings / "run" / runtime.ADDRESS_FILE).exists()


def test_a_session_keeps_it_and_its_end_lets_it_go(ensure):
    address = ensure(linger_seconds=0.3)
    session = create(address)
    end = time.monotonic() + 1.5
    wait_for(lambda: time.monotonic() > end or not address.alive, "time passes")
    assert address.alive
    url = f"{address.api_url}/?Action=DeleteSessionAsync&Authorization=Bearer+{address.key}"
    http(f"{url}&SessionId={session['SessionId']}", b"")
    wait_for(lambda: not address.alive, "the service leaves")


def test_a_process_that_nobody_reaps_has_ended():
    process = subprocess.Popen(["sleep", "60"])
    assert runtime.terminate(process.pid, 10)
    assert process.returncode is None
    assert process.wait(10) == -signal.SIGTERM


def test_a_process_that_does_not_end_in_time_is_said():
    code = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        assert not runtime.terminate(process.pid, 0.1)
        process.kill()


def test_a_second_one_by_hand_says_that_one_runs(ensure):
    ensure()
    done = subprocess.run(
        [sys.executable, "-m", "agentbay_kernel.service"], capture_output=True, text=True
    )
    assert done.returncode != 0 and "running already" in done.stderr


def test_a_start_that_fails_says_where_the_log_is(stopped, surroundings):
    with pytest.raises(runtime.NotStarted, match=re.escape(runtime.LOG_FILE)):
        runtime._start(["--no-such-flag"], 10)
    assert "no-such-flag" in (surroundings / "log" / runtime.LOG_FILE).read_text()


def test_a_service_that_does_not_answer_is_told(ensure, monkeypatch):
    address = ensure()
    monkeypatch.setattr(runtime, "_PING_SECONDS", 0.2)
    os.kill(address.pid, signal.SIGSTOP)
    try:
        with pytest.raises(runtime.NotStarted, match=str(address.pid)):
            ensure()
    finally:
        os.kill(address.pid, signal.SIGCONT)


def test_the_engine_that_it_was_started_with_stands_in_its_address(ensure):
    assert ensure(engine="ipykernel").engine == "ipykernel"


def test_a_running_one_is_taken_whatever_engine_is_asked_for(ensure):
    address = ensure()
    assert ensure(engine="ipykernel") == address
    assert address.engine == "pipe"


def test_an_engine_that_is_none_is_refused():
    with pytest.raises(SystemExit):
        program._parser().parse_args(["--engine=abacus"])
