"""The whole service through the vendor's client: real sandboxes, nothing stands in."""

import time

import pytest

from tests.service.running import free_port, http, vendor, wait_for


@pytest.fixture
def client(real):
    return real.sdk()


@pytest.fixture
def session(client):
    made = client.create(vendor().CreateSessionParams(image_id="code_latest"))
    assert made.success, made.error_message
    yield made.session
    made.session.delete()


def run(session, code, **options):
    return session.code.run_code(code, "python", **options)


@pytest.mark.parametrize("stream", [False, True])
def test_names_live_from_one_run_to_the_next(session, stream):
    assert run(session, "a = 20", stream_beta=stream).success
    assert run(session, "print('x')\na + 1", stream_beta=stream).result == "21"


def test_a_failing_run_tells_name_value_and_traceback(session):
    done = run(session, "print('before')\n1/0")
    assert (done.error.name, done.error.value) == ("ZeroDivisionError", "division by zero")
    assert "1/0" in done.error.traceback or "Traceback" in done.error.traceback
    assert done.logs.stdout == ["before\n"]


def test_a_run_that_takes_too_long_is_ended_and_the_session_goes_on(session):
    begun = time.monotonic()
    done = run(session, "import time\nwhile True: time.sleep(0.01)", timeout_s=1)
    assert not done.success and time.monotonic() - begun < 20
    assert run(session, "6*7").result == "42"


def test_much_output_arrives_whole(session):
    done = run(session, "for n in range(50000): print(n)", stream_beta=True)
    assert "".join(done.logs.stdout) == "".join(f"{n}\n" for n in range(50000))


def test_a_terminal_echoes(session):
    seen = bytearray()
    handle = session.pty.create(on_data=seen.extend)
    handle.send_input(b"echo $((40+2))-done\n")
    wait_for(lambda: b"42-done" in seen, "the terminal's answer")
    handle.kill()


def test_a_file_written_by_a_tool_is_read_by_code(session):
    assert session.file_system.write_file("/workspace/a.txt", "héllo").success
    assert run(session, "open('/workspace/a.txt', encoding='utf-8').read()").result == "'héllo'"


def test_a_context_goes_from_one_session_to_the_next(client):
    sdk = vendor()
    context = client.context.get("kept", create=True).context
    params = sdk.CreateSessionParams(
        image_id="code_latest",
        context_syncs=[sdk.ContextSync.new(context.id, "/mnt/kept", sdk.SyncPolicy())],
    )
    first = client.create(params).session
    assert run(first, "open('/mnt/kept/a', 'w').write('x' * 9)").success
    first.delete()
    second = client.create(params).session
    assert run(second, "open('/mnt/kept/a').read()").result == repr("x" * 9)
    second.delete()


def test_a_link_reaches_a_server_in_the_session(session):
    port = free_port()
    code = (
        "import subprocess, sys\n"
        f"server = subprocess.Popen([sys.executable, '-m', 'http.server', '{port}', "
        "'--bind', '127.0.0.1'], stderr=subprocess.DEVNULL)\n"
        "open('/workspace/page.txt', 'w').write('from the session')"
    )
    assert run(session, "import os\nos.chdir('/workspace')").success
    assert run(session, code).success
    url = session.get_link("https", port).data
    page = wait_for(lambda: _page(url + "page.txt"), "the server")
    assert page == b"from the session"


def _page(url):
    reply = http(url)
    return reply.body if reply.status == 200 else None


def test_a_paused_session_goes_on_where_it_was(session):
    assert run(session, "a = 5").success
    assert session.beta_pause().success
    assert session.beta_resume().success
    assert run(session, "a").result == "5"


def test_the_resource_page_lists_the_sessions_processes(session):
    page = http(session.info().data.resource_url).body.decode()
    assert session.session_id in page and "python" in page


def test_after_the_delete_nothing_of_the_session_is_left(real, client):
    made = client.create(vendor().CreateSessionParams(image_id="code_latest")).session
    live = real.live(made.session_id)
    pids = live.box.pids()
    assert made.delete().success
    wait_for(lambda: not any(_lives(pid) for pid in pids), "the processes end")
    assert not real.host._boxes.root(made.session_id).exists()


def _lives(pid):
    from agentbay_kernel.service.runtime import start_time

    return start_time(pid) is not None
