"""AGB's SDK as its guides use it: sessions, labels, facts, code, commands, files, contexts."""

import asyncio
import hashlib
import os
from pathlib import Path

from agb import AGB
from agb.context_sync import ContextSync, SyncPolicy
from agb.session_params import CreateSessionParams

agb = AGB()
IMAGE = "agb-code-space-1"


def start(**options):
    result = agb.create(CreateSessionParams(image_id=IMAGE, **options))
    assert result.success, result.error_message
    return result.session


sessions = [start(labels={"project": "demo", "number": str(number)}) for number in range(3)]
session = sessions[0]

code = session.code.run("x = 20\nprint('hello')\nx * 2 + 2", "python")
assert code.success, code.error_message
assert (code.result, code.logs.stdout) == ("42", ["hello\n"])
assert session.code.run("x", "python").result == "20"
failed = session.code.run("1/0", "python")
assert not failed.success
assert failed.error_message == "ZeroDivisionError: division by zero"
script = session.code.run("console.log(6 * 7)", "javascript")
assert "".join(script.logs.stdout) == "42\n", script.error_message

heard = []
streamed = session.code.run(
    "import time\nfor i in range(3):\n    print(i)\n    time.sleep(0.1)",
    "python",
    stream_beta=True,
    on_stdout=heard.append,
)
assert streamed.success, streamed.error_message
assert "".join(heard) == "0\n1\n2\n"
assert len(heard) > 1

command = session.command.execute("echo out; echo err >&2; exit 3", timeout_ms=20000)
assert (command.stdout, command.stderr, command.exit_code) == ("out\n", "err\n", 3)
command = session.command.execute("echo $WHO; pwd", 20000, cwd="/tmp", envs={"WHO": "me"})
assert command.output == "me\n/tmp\n"

files = session.file
text = "grüße\n" * 100_000
assert files.write("/workspace/big.txt", text).success
assert files.read("/workspace/big.txt").content == text
made = session.code.run(
    "import hashlib, os\ndata = os.urandom(2_000_000)\n"
    "open('/workspace/data.bin', 'wb').write(data)\nhashlib.sha256(data).hexdigest()",
    "python",
)
binary = files.read("/workspace/data.bin", format="bytes").content
assert repr(hashlib.sha256(binary).hexdigest()) == made.result
assert files.mkdir("/workspace/folder").success
assert files.move("/workspace/big.txt", "/workspace/folder/big.txt").success
assert [entry["name"] for entry in files.list("/workspace/folder").entries] == ["big.txt"]
assert files.search("/workspace", "*.txt", ["*.bin"]).matches == ["/workspace/folder/big.txt"]
assert files.edit("/workspace/folder/big.txt", [{"oldText": "grüße\n", "newText": "x"}]).success
assert files.info("/workspace/data.bin").file_info["size"] == 2_000_000
many = files.read_batch(["/workspace/folder/big.txt"]).contents
assert many["/workspace/folder/big.txt"].startswith("x")

Path("local.bin").write_bytes(binary)
sent = files.upload("local.bin", "/workspace/sent/copy.bin")
assert sent.success, sent.error_message
got = files.download("/workspace/sent/copy.bin", "back.bin")
assert got.success, got.error_message
assert Path("back.bin").read_bytes() == binary
refused = files.upload("local.bin", "/etc/copy.bin")
assert "not of the session's own files" in refused.error_message
assert files.remove("/workspace/data.bin").success
assert not files.read("/workspace/data.bin").success

assert session.set_labels({"project": "demo", "stage": "two"}).success
assert session.get_labels().data == {"project": "demo", "stage": "two"}
first = agb.list(labels={"project": "demo"}, limit=2)
assert (len(first.session_ids), first.total_count) == (2, 3)
second = agb.list(labels={"project": "demo"}, page=2, limit=2)
assert len(second.session_ids) == 1
assert agb.list(labels={"stage": "two"}).session_ids == [session.session_id]

info = session.info()
assert info.data["session_id"] == session.session_id
assert "resourceId=" in info.data["resource_url"]
assert session.get_link("https", 30150).data.startswith("http://127.0.0.1")
assert session.get_status().status == "RUNNING"
assert session.keep_alive().success
assert session.get_metrics().success
assert "shell" in [tool.name for tool in session.list_mcp_tools().tools]
attached = agb.get(session.session_id).session
assert attached.code.run("x", "python", stream_beta=True).result == "20"
for each in sessions:
    assert agb.delete(each).success
assert agb.list(labels={"project": "demo"}).total_count == 0
assert not agb.get(session.session_id).success

context = agb.context.get("kept", create=True).context
kept = ContextSync.new(context.id, "/mnt/data", SyncPolicy())
one = start(context_syncs=[kept])
assert one.file.write("/mnt/data/note.txt", "one").success
assert asyncio.run(one.context.sync(context.id, "/mnt/data", mode="upload")).success
one.file.write("/mnt/data/note.txt", "two")
assert agb.delete(one, sync_context=True).success
two = start(context_syncs=[kept])
assert two.file.read("/mnt/data/note.txt").content == "two"
assert {each.status for each in two.context.info().context_status_data} == {"Success"}
assert agb.delete(two).success
assert [each.name for each in agb.context.list().contexts] == ["kept"]
assert [each.file_name for each in agb.context.list_files(context.id, "/").entries] == ["note.txt"]
assert agb.context.delete(context).success
assert agb.context.list().contexts == []
assert os.environ["AGB_ENDPOINT"].startswith("http://127.0.0.1")
