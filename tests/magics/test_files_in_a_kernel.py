"""Every command of %fs in a real kernel, over the real SDK: what it does, and what it refuses."""

import ast
import base64
import hashlib
import os
import shutil

import pytest

from tests import kernels

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def kernel(shared, place):
    """One kernel with a session for all tests of this module, its folders emptied."""
    kernel = shared(place)
    kernel.execute("!rm -rf /workspace/* /workspace/.[!.]*")
    for entry in here(kernel).iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return kernel


def here(kernel):
    return kernel.home / "notebook"


def do(kernel, line):
    """Run a cell that must succeed; its text and its displays' plain texts."""
    done = kernel.execute(line)
    assert done.status == "ok", done.content.get("evalue")
    shown = [content["data"]["text/plain"] for content in done.of("display_data")]
    return done.text() + "\n".join(shown)


def refuse(kernel, line, ename="UsageError"):
    """Run a cell that must fail in one short message; the message."""
    done = kernel.execute(line)
    assert done.status == "error"
    assert done.content["ename"] == ename
    assert len(done.content["traceback"]) == 1
    return done.content["evalue"]


def value(kernel, line):
    do(kernel, f"{line} -o value")
    return ast.literal_eval(kernel.execute("value").value())


def write(kernel, name, text):
    kernel.execute(
        f"import pathlib; p = pathlib.Path('/workspace', {name!r}); "
        f"p.parent.mkdir(parents=True, exist_ok=True); _ = p.write_text({text!r})"
    )


def there(kernel):
    code = "sorted(str(p.relative_to('/workspace')) for p in pathlib.Path('/workspace').rglob('*'))"
    return ast.literal_eval(kernel.execute("import pathlib\n" + code).value())


def test_files_and_folders_go_there_and_back(kernel):
    tree = here(kernel) / "my tree" / "sub"
    tree.mkdir(parents=True)
    (tree / "ünï 'x'.bin").write_bytes(bytes(range(256)))
    (here(kernel) / "large").write_bytes(os.urandom(3_000_000))
    do(kernel, "%fs put 'my tree' lar* there/")
    assert there(kernel)[1:] == [
        f"there/{name}" for name in ("large", "my tree", "my tree/sub", "my tree/sub/ünï 'x'.bin")
    ]
    assert value(kernel, "%fs get there/* back/") == ["back/large", "back/my tree/sub/ünï 'x'.bin"]
    for name in ("large", "my tree/sub/ünï 'x'.bin"):
        assert (here(kernel) / "back" / name).read_bytes() == (here(kernel) / name).read_bytes()


def test_put_refuses_what_is_not_there_and_what_would_be_overwritten(kernel):
    assert "no file nowhere" in refuse(kernel, "%fs put nowhere")
    assert "Nothing on this computer fits" in refuse(kernel, "%fs put *.nothing")
    (here(kernel) / "a").write_text("mine")
    write(kernel, "a", "theirs")
    assert "/workspace/a exists in the session" in refuse(kernel, "%fs put a", "Exists")
    do(kernel, "%fs put a --force")
    assert do(kernel, "%fs cat a") == "mine\n"
    assert "there already" in do(kernel, "%fs put a")


def test_get_refuses_what_is_not_there_and_what_would_be_overwritten(kernel):
    assert "no /workspace/nowhere" in refuse(kernel, "%fs get nowhere")
    assert "Nothing in the session fits" in refuse(kernel, "%fs get *.nothing")
    write(kernel, "a", "theirs")
    (here(kernel) / "a").write_text("mine")
    assert "a exists with another content" in refuse(kernel, "%fs get a", "Exists")
    assert (here(kernel) / "a").read_text() == "mine"
    do(kernel, "%fs get a --force")
    assert (here(kernel) / "a").read_text() == "theirs"


def test_a_stop_leaves_no_half_file_and_the_next_get_goes_on(kernel):
    kernel.execute("!head -c 100000000 /dev/urandom > big")
    wanted = kernel.execute("!sha256sum < big").text().split()[0]
    request = kernel.send("execute_request", kernels.execute_content("%fs get big"))
    kernels.wait_for(lambda: any(here(kernel).glob(".big.*.part")), "nothing was begun")
    kernel.interrupt()
    assert kernel.finish(request).status == "error"
    assert not (here(kernel) / "big").exists()
    do(kernel, "%fs get big")
    with (here(kernel) / "big").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == wanted
    assert os.listdir(here(kernel)) == ["big"]


def test_a_link_in_the_session_leads_nowhere_here(kernel):
    kernel.execute("!mkdir d; ln -s /etc d/link; mkfifo d/pipe; echo x > d/a")
    assert "2 links and devices were left out" in do(kernel, "%fs get d")
    assert sorted(path.name for path in (here(kernel) / "d").iterdir()) == ["a"]


def test_a_listing(kernel):
    write(kernel, "b.csv", "x" * 1234)
    write(kernel, "a/.hidden", "")
    assert do(kernel, "%fs").index("a/") < do(kernel, "%fs").index("b.csv")
    assert "1,234" in do(kernel, "%fs ls")
    assert "-rw" in do(kernel, "%fs ls -l b.csv")
    assert [row["path"] for row in value(kernel, "%fs ls -R -t")][-1] == "/workspace/b.csv"
    assert "no folder /workspace/none" in refuse(kernel, "%fs ls none")


def test_a_tree_is_drawn(kernel):
    write(kernel, "a/b/c", "1")
    write(kernel, "z", "2")
    lines = ["/workspace", "├── a/", "│   └── b/", "│       └── c", "└── z"]
    assert do(kernel, "%fs tree").splitlines() == [*lines, "2 folders, 2 files, 2 bytes"]
    assert "c" not in do(kernel, "%fs tree -L 2 a/..").split()
    assert "no folder" in refuse(kernel, "%fs tree none")


def test_finding(kernel):
    write(kernel, "a/x.csv", "")
    write(kernel, "a.csv/y", "")
    assert value(kernel, "%fs find '*.csv'") == ["/workspace/a.csv", "/workspace/a/x.csv"]
    assert value(kernel, "%fs find '*.csv' --type f") == ["/workspace/a/x.csv"]
    assert "no folder" in refuse(kernel, "%fs find '*' none")


def test_texts_are_shown(kernel):
    write(kernel, "a 1", "one\n")
    write(kernel, "a 2", "two\n")
    assert do(kernel, "%fs cat 'a 1' a*2") == "one\ntwo\n"
    kernel.execute("_ = open('/workspace/b', 'wb').write(b'\\xff\\xfe')")
    assert "no text" in refuse(kernel, "%fs cat b")
    assert "no file" in refuse(kernel, "%fs cat none")


def test_moving_and_copying(kernel):
    write(kernel, "a", "1")
    write(kernel, "d/b", "2")
    do(kernel, "%fs mv a 'new name'")
    do(kernel, "%fs cp d copy")
    write(kernel, "e", "3")
    do(kernel, "%fs cp 'new name' e copy/")
    assert "copy/b would be overwritten" in refuse(kernel, "%fs mv 'new name' copy/b")
    do(kernel, "%fs mv 'new name' copy/b --force")
    assert there(kernel) == ["copy", "copy/b", "copy/e", "copy/new name", "d", "d/b", "e"]
    assert do(kernel, "%fs cat copy/b") == "1\n"
    assert "no /workspace/none" in refuse(kernel, "%fs mv none x")
    assert "into itself" in refuse(kernel, "%fs cp d d/e")
    assert "a source and a target" in refuse(kernel, "%fs mv d")


@pytest.mark.parametrize("place", ["pipe"])  # needs bucket
def test_an_object_of_a_bucket_is_copied(kernel):
    write(kernel, "a", "kept")
    assert "No access keys" in refuse(kernel, "%fs cp a oss://my-bucket/deep/k")
    names = ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")
    give = {f"ALIBABA_CLOUD_{name}": "x" for name in names}
    kernel.execute(f"%%local\nimport os\nos.environ.update({give})")
    do(kernel, "%fs cp a oss://my-bucket/deep/k")
    do(kernel, "%fs cp oss://my-bucket/deep/k 'b c'")
    assert do(kernel, "%fs cat 'b c'") == "kept\n"
    assert "would be overwritten" in refuse(kernel, "%fs cp oss://my-bucket/deep/k a")
    assert "NoSuchKey" in refuse(kernel, "%fs cp oss://my-bucket/k x", "ToolError")
    assert "oss://BUCKET/KEY" in refuse(kernel, "%fs cp oss://b x")
    kernel.execute(f"%%local\nfor name in {list(give)}: del os.environ[name]")


def test_removing(kernel):
    for name in ("a", "b", "d/x", "d/y"):
        write(kernel, name, "12345")
    do(kernel, "%fs rm a")
    assert "-r" in refuse(kernel, "%fs rm d")
    assert "2 entries, 10 bytes" in do(kernel, "%fs rm -r d --dry-run")
    assert "--yes" in refuse(kernel, "%fs rm -r d")
    assert "--yes" in refuse(kernel, "%fs rm [ab]")
    assert "no /workspace/none" in refuse(kernel, "%fs rm b none --yes")
    assert "itself is not removed" in refuse(kernel, "%fs rm -r . --yes")
    assert there(kernel) == ["b", "d", "d/x", "d/y"]
    do(kernel, "%fs rm -r d b --yes")
    assert there(kernel) == []


def test_folders_are_made(kernel):
    do(kernel, "%fs mkdir 'a b'")
    do(kernel, "%fs mkdir -p 'a b/c/d'")
    assert there(kernel) == ["a b", "a b/c", "a b/c/d"]
    assert "there already" in refuse(kernel, "%fs mkdir 'a b'")
    assert "-p" in refuse(kernel, "%fs mkdir x/y")


def test_a_text_is_replaced(kernel):
    write(kernel, "a", "one\r\ntwo\r\ntwo\r\n")
    assert "+1" in do(kernel, "%fs edit a one 1")
    assert "in 2 places" in refuse(kernel, "%fs edit a two 2")
    assert "is not in" in refuse(kernel, "%fs edit a none x")
    do(kernel, "%fs edit a two 2 --all --dry-run")
    do(kernel, "%fs edit a two '' --all")
    assert kernel.execute("open('/workspace/a', 'rb').read()").value() == r"b'1\r\n\r\n\r\n'"


def test_a_cell_is_written(kernel):
    do(kernel, "%%fs write 'new dir/a'\none\n two")
    assert "would be overwritten" in refuse(kernel, "%%fs write 'new dir/a'\nthree")
    do(kernel, "%%fs write 'new dir/a' --append\nthree")
    assert do(kernel, "%fs cat 'new dir/a'") == "one\n two\nthree\n"
    do(kernel, "%%fs write 'new dir/a' --force\nfour")
    assert do(kernel, "%fs cat 'new dir/a'") == "four\n"
    assert "a folder" in refuse(kernel, "%%fs write 'new dir'\nx")


def html(kernel, line):
    done = kernel.execute(line)
    assert done.status == "ok", done.content.get("evalue")
    return done.of("display_data")[-1]["data"]["text/html"]


def test_files_are_opened_and_nothing_in_them_is_active(kernel):
    (here(kernel) / "i.png").write_bytes(PIXEL)
    do(kernel, "%fs put i.png")
    assert base64.b64encode(PIXEL).decode() in html(kernel, "%fs open i.png")
    evil = '</pre><script>alert("1")</script>'
    write(kernel, "p.html", evil)
    assert html(kernel, "%fs open p.html").startswith('<iframe sandbox="" srcdoc="&lt;/pre')
    write(kernel, "t.csv", f'a,b\n1,"{evil.replace(chr(34), chr(39))}"\n')
    write(kernel, "s.svg", evil)
    write(kernel, "t.txt", evil)
    write(kernel, "bad.ipynb", evil)
    cell = {"cell_type": "code", "source": evil, "outputs": [{"text": evil}]}
    write(kernel, "n.ipynb", str({"cells": [cell]}).replace("'", '"').replace('("1")', "(1)"))
    for name in ("t.csv", "s.svg", "t.txt", "n.ipynb", "bad.ipynb"):
        assert "<script" not in html(kernel, f"%fs open {name}")
    assert "no file" in refuse(kernel, "%fs open none.png")
    assert "no file" in refuse(kernel, "%fs open none.html")


CHANGES = """
import subprocess
text = "while [ ! -e stop ]; do n=$((n+1)); echo $n > d/n$n; sleep 0.1; done"
changing = subprocess.Popen(["sh", "-c", text], cwd="/workspace")
"""


def test_changes_are_told_until_they_are_enough(kernel):
    write(kernel, "d/a", "")
    kernel.execute(CHANGES)
    assert "create" in do(kernel, "%fs watch d --count 2 -o seen")
    kernel.execute("open('stop', 'w').close(); changing.wait()")
    seen = ast.literal_eval(kernel.execute("seen").value())
    assert len(seen) == 2
    assert seen[0]["path"].startswith("/workspace/d/n")
    assert "no folder" in refuse(kernel, "%fs watch none")


def test_stop_ends_the_watching(kernel):
    write(kernel, "d/a", "")
    request = kernel.send("execute_request", kernels.execute_content("%fs watch d"))
    kernel.await_text(request, "Stop ends it")
    kernel.interrupt()
    assert kernel.finish(request).status == "error"
    assert do(kernel, "%fs ls d") != ""


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("%fs cat fol", ["folder x/"]),
        ("%fs cat 'folder x/", ["folder x/in side", "folder x/inner"]),
        ("%fs cat /workspace/pl", ["/workspace/plain"]),
        ("%fs get pl", ["plain"]),
        ("%fs put loc", ["local.txt"]),
    ],
)
def test_paths_are_completed_in_time(kernel, typed, found):
    write(kernel, "folder x/inner", "")
    write(kernel, "folder x/in side", "")
    write(kernel, "plain", "")
    (here(kernel) / "local.txt").touch()
    request = {"code": typed, "cursor_pos": len(typed)}
    answers = [kernel.ask("complete_request", request) for _ in range(3)]
    matches = [text.strip("'") for text in answers[0].content["matches"]]
    assert matches == found
    assert min(answer.seconds for answer in answers) < 0.2


def test_completion_starts_no_session(start_kernel):
    kernel = start_kernel()
    assert kernel.ask("complete_request", {"code": "%fs cat a", "cursor_pos": 9}).status == "ok"
    assert kernels.sessions() == []
