"""Nothing of the kernel's environment reaches a session, an output or a process list."""

from __future__ import annotations

import json

import psutil

from tests import kernels

SECRETS = {
    "AGENTBAY_API_KEY": "akm-planted-one-7c1",
    "AWS_SECRET_ACCESS_KEY": "planted-two-9d2",
    "GITHUB_TOKEN": "planted-three-1f3",
    "DATABASE_URL": "postgres://u:planted-four-5a4@db/x",
    "MY_PASSWORD": "planted-five-8e5",
}

LOOK = """
import glob, os
found = [dict(os.environ)]
for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
    try:
        found.append(open(path, errors='replace').read())
    except OSError:
        pass
print(found)
"""


def test_secrets_of_the_kernels_environment_are_not_in_the_session(start_kernel, monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    kernel = start_kernel()
    seen = kernel.execute(LOOK).text()
    assert "PATH" in seen
    assert [value for value in SECRETS.values() if value in seen] == []


def test_no_secret_is_in_any_command_line(start_kernel, monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    kernel = start_kernel()
    kernel.execute("1")
    lines = [
        " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])
    ]
    wanted = [*SECRETS.values(), kernels.service().key]
    assert [value for value in wanted if any(value in line for line in lines)] == []


def test_the_services_key_is_not_in_the_session(kernel):
    kernel.execute("1")
    key = kernels.service().key
    assert key not in kernel.execute(LOOK).text()


def test_the_services_key_is_not_in_any_log(kernel, surroundings):
    kernel.execute("1/0")
    kernel.execute("%agentbay info")
    key = kernels.service().key
    logs = list((surroundings / "log").iterdir())
    assert logs
    assert [path.name for path in logs if key in path.read_text(errors="replace")] == []


def test_the_kernels_environment_stays_as_it_was(start_kernel, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    look = "%%local\nimport json, os\nprint(json.dumps([dict(os.environ), os.getcwd()]))"
    kernel = start_kernel()
    before = json.loads(kernel.execute(look).text())
    assert kernel.execute("6 * 7").value() == "42"
    kernel.execute("%agentbay list")
    assert json.loads(kernel.execute(look).text()) == before
