"""The vendor's sync SDK as its guides use it: create, run, files, labels, list, delete."""

import hashlib
import os

from agentbay import AgentBay, CreateSessionParams

agent_bay = AgentBay()
sessions = []
for number in range(3):
    params = CreateSessionParams(
        image_id="code_latest", labels={"project": "demo", "number": str(number)}
    )
    result = agent_bay.create(params)
    assert result.success, result.error_message
    sessions.append(result.session)
session = sessions[0]

code = session.code.run_code("x = 20\nprint('hello')\nx * 2 + 2", "python")
assert code.success, code.error_message
assert code.result == "42"
assert code.logs.stdout == ["hello\n"]
assert session.code.run_code("x", "python").result == "20"
failed = session.code.run_code("1/0", "python")
assert not failed.success
assert failed.error.name == "ZeroDivisionError"
script = session.code.run_code("console.log(6 * 7)", "javascript")
assert script.success, script.error_message
assert "".join(script.logs.stdout) == "42\n"

heard = []
streamed = session.code.run_code(
    "import time\nfor i in range(3):\n    print(i)\n    time.sleep(0.1)",
    "python",
    stream_beta=True,
    on_stdout=heard.append,
)
assert streamed.success, streamed.error_message
assert "".join(heard) == "0\n1\n2\n"
assert len(heard) > 1

command = session.command.execute_command("echo out; echo err >&2; exit 3", timeout_ms=20000)
assert (command.stdout, command.stderr, command.exit_code) == ("out\n", "err\n", 3)

files = session.file_system
text = "grüße\n" * 1_000_000
assert files.write_file("/workspace/big.txt", text).success
assert files.read_file("/workspace/big.txt").content == text
made = session.code.run_code(
    "import hashlib, os\ndata = os.urandom(20_000_000)\n"
    "open('/workspace/data.bin', 'wb').write(data)\nhashlib.sha256(data).hexdigest()",
    "python",
)
binary = files.read_file("/workspace/data.bin", format="bytes").content
assert repr(hashlib.sha256(binary).hexdigest()) == made.result
assert files.create_directory("/workspace/folder").success
assert files.move_file("/workspace/big.txt", "/workspace/folder/big.txt").success
names = [entry.name for entry in files.list_directory("/workspace/folder").entries]
assert names == ["big.txt"]
assert files.search_files("/workspace", "*.txt").matches == ["/workspace/folder/big.txt"]
assert files.edit_file(
    "/workspace/folder/big.txt", [{"oldText": "grüße\n", "newText": "x"}]
).success
assert files.get_file_info("/workspace/data.bin").file_info["size"] == 20_000_000
assert files.delete_file("/workspace/data.bin").success
assert not files.read_file("/workspace/data.bin").success

assert session.set_labels({"project": "demo", "stage": "two"}).success
assert session.get_labels().data == {"project": "demo", "stage": "two"}

first = agent_bay.list(labels={"project": "demo"}, limit=2)
assert first.success
assert len(first.session_ids) == 2
assert first.total_count == 3
second = agent_bay.list(labels={"project": "demo"}, page=2, limit=2)
assert len(second.session_ids) == 1
assert agent_bay.list(labels={"project": "demo", "stage": "two"}).total_count == 1

info = session.info()
assert info.data.session_id == session.session_id
assert "resourceId=" in info.data.resource_url
assert agent_bay.get(session.session_id).session.session_id == session.session_id
assert session.get_metrics().success

for each in sessions:
    assert agent_bay.delete(each).success
assert agent_bay.list(labels={"project": "demo"}).total_count == 0
assert os.environ["AGENTBAY_ENDPOINT"].startswith("http://127.0.0.1")
