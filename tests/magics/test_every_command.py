"""Every command of every magic, in a real kernel: one line that works and one that is refused."""

from dataclasses import dataclass

import pytest

from agentbay_kernel import magics
from agentbay_kernel.magics.registry import COMMANDS
from tests import kernels
from tests.conftest import PROVIDERS, settle
from tests.magics.test_sessions import MADE_BY_THE_SDK

magics.inspect("%agentbay", 1)  # loads the families

REFUSALS = {"UsageError", "ContextGone"}
CHANGING = """import subprocess
text = "for n in $(seq 50); do sleep 0.1; touch w$n; done"
changing = subprocess.Popen(["bash", "-c", text], cwd="/workspace")
"""


@dataclass(frozen=True)
class Row:
    """Cells that work, of which the last shows `shows`; one that is refused with `words`.

    $SAID in a cell is what the one before has printed, $MADE makes a session by the SDK, $KEY is
    the service's key; `answer` is what the user types when the last of the cells asks.
    """

    good: tuple[str, ...]
    shows: str
    bad: str
    words: str
    answer: str = ""


def row(*good, shows, bad, words, answer=""):
    return Row(good, shows, bad, words, answer)


NO_MORE = "unrecognized arguments"
AGENTBAY = {
    "": row("%agentbay", shows="code_latest", bad="%agentbay --nonsense", words=NO_MORE),
    "info": row("%agentbay info", shows="VpcResource", bad="%agentbay info x", words=NO_MORE),
    "panel": row("%agentbay panel", shows="AgentBay", bad="%agentbay panel x", words=NO_MORE),
    "new": row(
        "%agentbay new --name made --label team=maker --idle 5", "%%on made\n%agentbay labels",
        shows="maker",
        bad="%agentbay new --name bad --mount nopath", words="no mount",
    ),
    "use": row(
        "%agentbay new --name used", "%agentbay use used\n%agentbay use\n%agentbay use main",
        shows="→ used", bad="%agentbay use mian", words="Did you mean main",
    ),
    "attach": row(
        "$MADE", "%agentbay attach $SAID --name lent", "%%on lent\n6 * 7", shows="42",
        bad="%agentbay attach s-nothing", words="no session s-nothing",
    ),
    "list": row(
        "%agentbay list --all -o rows", "{each['status'] for each in rows}", shows="RUNNING",
        bad="%agentbay list --limit 0", words="1 to 100",
    ),
    "delete": row(
        "%agentbay new --name doomed", "%agentbay delete doomed", shows="deleted",
        bad="%agentbay delete s-nothing", words="s-nothing",
    ),
    "labels": row(
        "%agentbay labels 'owner=Ann Lee'", "%agentbay labels", shows="Ann Lee",
        bad="%agentbay labels =1", words="neither empty",
    ),
    "jobs": row(
        "%%background bash\necho from the job", "%agentbay jobs", shows="bash",
        bad="%agentbay jobs 123456", words="no job 123456",
    ),
    "link": row(
        "%agentbay link --port 30111", shows="nothing answers",
        bad="%agentbay link --port 80", words="30100 to 30199",
    ),
    "tools": row(
        "%agentbay tools", shows="read_file",
        bad="%agentbay tools --limit 3", words=NO_MORE,
    ),
    "call": row(
        "%agentbay call shell command='echo $((6*7))'", shows="42",
        bad="%agentbay call read_fil path=/x", words="Did you mean read_file",
    ),
    "env": row(
        "%agentbay env MODE=test", "!echo mode is $MODE", shows="mode is test",
        bad="%agentbay env A", words="has no value",
    ),
    "metrics": row(
        "%agentbay metrics -o use", "0 < use['mem_used'] < use['mem_total']", shows="True",
        bad="%agentbay metrics --fast", words=NO_MORE,
    ),
    "extend": row(
        "%agentbay extend", shows="ends when unused", bad="%agentbay extend 5", words=NO_MORE
    ),
    "pause": row(
        "kept = 42", "%agentbay pause", "f'still {kept}'", shows="still 42",
        bad="%agentbay pause now", words=NO_MORE,
    ),
    "resume": row(
        "%agentbay pause", "%agentbay resume", shows="runs",
        bad="%agentbay resume now", words=NO_MORE,
    ),
    "leftovers": row(
        "%agentbay leftovers", shows="No kernel has left",
        bad="%agentbay leftovers s-1 --delete --yes", words="no leftover",
    ),
    "config": row(
        "%agentbay config", shows="AGENTBAY_KERNEL_PROVIDER", bad="%agentbay config x",
        words=NO_MORE,
    ),
    "login": row(
        "%agentbay login", shows="accepted and stored", answer="$KEY",
        bad="%agentbay login akm-typed", words="stays in the notebook",
    ),
    "doctor": row(
        "%agentbay doctor -o found", "{each['state'] for each in found} - {'cannot'}",
        shows="{'ok'}", bad="%agentbay doctor --quick", words=NO_MORE,
    ),
    "bench": row(
        "%agentbay bench --rounds 3", shows="streamed text",
        bad="%agentbay bench --rounds 2", words="3 to 100",
    ),
}  # fmt: skip
FS = {
    "": row("!touch in_fs", "%fs", shows="in_fs", bad="%fs lss", words="Did you mean %fs ls"),
    "ls": row("!touch in_ls", "%fs ls", shows="in_ls", bad="%fs ls none", words="no folder"),
    "tree": row(
        "!mkdir -p t/u; touch t/u/v", "%fs tree t", shows="└── v", bad="%fs tree none",
        words="no folder",
    ),
    "find": row(
        "!touch found.csv", "%fs find '*.csv'", shows="found.csv", bad="%fs find '*' none",
        words="no folder",
    ),
    "put": row(
        "%%local\n_ = open('put 1', 'w').write('sent')", "%fs put 'put 1' there", "!cat there",
        shows="sent", bad="%fs put nowhere", words="no file nowhere",
    ),
    "get": row(
        "!echo fetched > got", "%fs get got", "%%local\nopen('got').read()", shows="fetched",
        bad="%fs get nowhere", words="no /workspace/nowhere",
    ),
    "mv": row(
        "!echo moved > m1", "%fs mv m1 'm 2'", "!cat m1 'm 2'", shows="moved",
        bad="%fs mv none x", words="no /workspace/none",
    ),
    "cp": row(
        "!echo copied > c1", "%fs cp c1 c2", "!cat c1 c2", shows="copied\r\ncopied",
        bad="%fs cp oss://b x", words="oss://BUCKET/KEY",
    ),
    "rm": row(
        "!touch removed", "%fs rm removed", "!ls removed", shows="No such file",
        bad="%fs rm -r . --yes", words="itself is not removed",
    ),
    "mkdir": row(
        "%fs mkdir -p new/deep", "!test -d new/deep && echo is there", shows="is there",
        bad="%fs mkdir none/deep", words="-p",
    ),
    "edit": row(
        "!echo one > edited", "%fs edit edited one two", "!cat edited", shows="two",
        bad="%fs edit edited three four", words="edited",
    ),
    "cat": row("!echo shown > s", "%fs cat s", shows="shown", bad="%fs cat none", words="no file"),
    "open": row(
        "!printf 'col,b\\nval,2\\n' > t.csv", "%fs open t.csv", shows="val", bad="%fs open none",
        words="no file",
    ),
    "watch": row(
        CHANGING,
        "%fs watch --count 1", shows="create", bad="%fs watch none", words="no folder",
    ),
}  # fmt: skip
SYNC = {
    "": row(
        "%sync mount all /mnt/all", "%sync", shows="/mnt/all", bad="%sync dwn",
        words="Did you mean %sync down",
    ),
    "status": row(
        "%sync mount seen /mnt/seen", "%sync status --watch", shows="/mnt/seen",
        bad="%sync status --wach", words="Did you mean --watch",
    ),
    "mount": row(
        "%sync mount data /mnt/data", "!touch /mnt/data/a && echo written", shows="written",
        bad="%sync mount data relative", words="no absolute folder",
    ),
    "up": row(
        "%sync mount sent /mnt/sent", "!touch /mnt/sent/went-up", "%sync up sent",
        "%sync files sent", shows="went-up", bad="%sync up never", words="No context",
    ),
    "down": row(
        "%sync create come", "%sync put /etc/hostname come:came-down",
        "%sync mount come /mnt/come --no-auto-download", "%sync down come", "!ls /mnt/come",
        shows="came-down", bad="%sync down never", words="No context",
    ),
    "wait": row("%sync wait", shows="No upload or download", bad="%sync wait 3", words=NO_MORE),
    "contexts": row(
        "%sync create listed", "%sync contexts --all", shows="listed",
        bad="%sync contexts --page 99", words="no page 99",
    ),
    "create": row(
        "%sync create 'ein Ordner'", "%sync contexts --all", shows="ein Ordner",
        bad="%sync create ' '", words="empty",
    ),
    "rename": row(
        "%sync create before", "%sync rename before after", "%sync files after", shows="0 entries",
        bad="%sync rename never other", words="not found",
    ),
    "delete": row(
        "%sync create doomed", "%sync delete doomed --yes", "%sync create doomed", shows="is there",
        bad="%sync delete never --yes", words="not found",
    ),
    "clear": row(
        "%sync create cleared", "%sync put /etc/hostname cleared:a", "%sync clear cleared --yes",
        "%sync files cleared", shows="0 entries", bad="%sync clear never --yes", words="not found",
    ),
    "files": row(
        "%sync create full", "%sync put /etc/hostname full:sub/inner",
        "%sync files full sub", shows="inner", bad="%sync files never", words="not found",
    ),
    "put": row(
        "%sync create into", "%sync put /etc/hostname into:stored", "%sync files into",
        shows="stored", bad="%sync put nowhere into:name", words="nowhere",
    ),
    "get": row(
        "%sync create from", "%sync put /etc/hostname from:name", "%sync get from:name here",
        "%%local\nopen('here').read() == open('/etc/hostname').read()", shows="True",
        bad="%sync get never:nowhere", words="not found",
    ),
    "rm": row(
        "%sync create less", "%sync put /etc/hostname less:a", "%sync rm less:a --yes",
        "%sync files less", shows="0 entries", bad="%sync rm never:a --yes", words="not found",
    ),
    "folder": row(
        "%%local\nimport os\nos.mkdir('tree')\nopen('tree/leaf', 'w').close()",
        "%sync folder tree mirrored --up", "!ls mirrored", shows="leaf",
        bad="%sync folder nowhere mirrored --up", words="no folder",
    ),
}  # fmt: skip
OTHERS = {
    "%push": row(
        "%%local\nsent = [1, 2]",
        "%push sent",
        "sum(sent)",
        shows="3",
        bad="%push nowhere",
        words="no name nowhere",
    ),
    "%pull": row(
        "made = {'a': (1, 2)}",
        "%pull made as mine",
        "%%local\nmine",
        shows="{'a': (1, 2)}",
        bad="%pull made as 1",
        words="no name of a variable",
    ),
    "%%on": row(
        "%%on main\nwhere = 'main'",
        "where",
        shows="main",
        bad="%%on nowhere\n1",
        words="No session is named",
    ),
    "%%r": row("%%r\nx <- 20\nx + 1", shows="[1] 21", bad="%%r --timeout 0\n1", words="timeout"),
    "%%java": row(
        "%%java\nint x = 20;\nx + 1", shows="21", bad="%%java --timeout 0\n1", words="timeout"
    ),
    "%%node": row(
        "%%node\nconst x = 20\nx + 1", shows="21", bad="%%node --timeout 0\n1", words="timeout"
    ),
    "%%background": row(
        "%%background\nprint('from behind', flush=True)\nopen('behind', 'w').close()",
        "import os\nwhile not os.path.exists('behind'): pass",
        "%agentbay jobs",
        shows="print",
        bad="%%background cobol\nx",
        words="invalid choice",
    ),
    "%%map": row(
        "%%map x in [1, 2] --sessions 1 -o out\nx * 2",
        "out",
        shows="[2, 4]",
        bad="%%map x in [1] --sessions 0\nx",
        words="--sessions goes from 1",
    ),
}
FAMILIES = {"%agentbay": AGENTBAY, "%fs": FS, "%sync": SYNC}
ROWS = {(magic, name): row for magic, rows in FAMILIES.items() for name, row in rows.items()}
ROWS |= {(magic, ""): row for magic, row in OTHERS.items()}
ROWS["%%fs", "write"] = row(
    "%%fs write 'a b'\nfrom a cell", "!cat 'a b'", shows="from a cell",
    bad="%%fs write /\nx", words="folder",
)  # fmt: skip
IDS = {key: " ".join(key).strip() for key in COMMANDS}
NO_MOUNT = "AGB mounts contexts in new sessions only"
# How AGB refuses the cell of a row that it cannot.
AGB_LACKS = {
    ("%agentbay", "env"): "no environment",
    ("%agentbay", "pause"): "cannot sleep",
    ("%agentbay", "resume"): "cannot sleep",
    **{("%sync", name): NO_MOUNT for name in ("", "status", "mount", "up", "down")},
}


@pytest.fixture(scope="module", params=PROVIDERS)
def key_and_kernel(request, tmp_path_factory):
    """A kernel that asks this computer's service about keys, too, and the key that it takes."""
    home = tmp_path_factory.mktemp("h")
    folder = home / "notebook"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        settle(home, request.param, patch)
        record = kernels.start_service()
        patch.setenv("AGENTBAY_ENDPOINT", record.url)
        kernel = kernels.start(name=request.param, home=home, cwd=str(folder))
        try:
            kernel.execute("pass")
            yield record.key, kernel
        finally:
            kernel.close()
            kernels.stop_service()


def shown(done):
    """All that a cell showed: text, displays and its value."""
    data = [each["data"] for kind in ("display_data", "execute_result") for each in done.of(kind)]
    return done.text() + "\n".join(each["text/plain"] for each in data)


@pytest.mark.parametrize("command", COMMANDS, ids=IDS.get)
def test_a_good_line_works(key_and_kernel, command):
    key, kernel = key_and_kernel
    row, said = ROWS[command], ""
    for cell in row.good:
        cell = cell.replace("$SAID", said).replace("$MADE", MADE_BY_THE_SDK[kernel.name])
        if row.answer:
            done, _ = kernel.answering(cell, row.answer.replace("$KEY", key))
        else:
            done = kernel.execute(cell, timeout=100)
        if done.status == "error" and kernel.name == "agb":
            assert done.content["ename"] == "NotSupported"
            assert AGB_LACKS[command] in done.content["evalue"]
            return
        assert done.status == "ok", done.content
        said = done.text().strip()
    assert kernel.name != "agb" or command not in AGB_LACKS
    assert row.shows in shown(done)
    assert key not in shown(done)


@pytest.mark.parametrize("command", COMMANDS, ids=IDS.get)
def test_a_bad_line_is_one_short_message(key_and_kernel, command):
    done = key_and_kernel[1].execute(ROWS[command].bad)
    assert done.status == "error", shown(done)
    assert done.content["ename"] in REFUSALS
    assert ROWS[command].words in done.content["evalue"]
    assert len(done.content["traceback"]) == 1
    assert len(done.content["evalue"]) < 300


def test_every_command_has_a_row_and_every_row_a_command():
    assert set(ROWS) == set(COMMANDS)
