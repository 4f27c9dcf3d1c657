"""Copying files: exact, resumed, and never in part under a file's name."""

import asyncio
import os

import pytest

from agentbay_kernel import transfer
from agentbay_kernel.errors import ToolError, UsageError
from agentbay_kernel.session import Capabilities
from agentbay_kernel.transfer import small


def files_below(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def test_put_gives_a_file_the_target_as_its_name(session, local):
    (local / "a").write_bytes(b"\x00\xff")
    await transfer.put(session, [local / "a"], f"{session.root}/w/new/b")
    assert files_below(session.root) == {"w/new/b": b"\x00\xff"}


async def test_put_of_several_files_goes_into_the_folder(session, local):
    for name in "ab":
        (local / name).write_text(name)
    copies = await transfer.put(session, [local / "a", local / "b"], f"{session.root}/w")
    assert [copy.remote for copy in copies] == [f"{session.root}/w/{name}" for name in "ab"]
    assert files_below(session.root) == {"w/a": b"a", "w/b": b"b"}


NAMES = (
    "a",
    "it's",
    "two words",
    "ünï/çode",
    "-rf",
    "--help/x",
    ".hidden",
    "new\nline",
    "*",
    "~",
)


async def test_a_tree_goes_there_and_back_with_every_name_and_its_empty_folders(
    session, local, tmp_path
):
    for name in NAMES:
        (local / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (local / "tree" / name).write_bytes(name.encode() * 3)
    (local / "tree" / "empty").mkdir()
    (local / "tree" / "nothing").touch()
    await transfer.put(session, [local / "tree"], f"{session.root}/w")
    await transfer.get(session, [f"{session.root}/w/tree"], tmp_path / "back")
    assert files_below(tmp_path / "back") == files_below(local / "tree")
    assert (tmp_path / "back" / "empty").is_dir()


async def test_a_tree_goes_in_few_requests(session, local, tmp_path):
    for number in range(500):
        (local / f"f{number}").write_text(str(number))
    await transfer.put(session, [local], f"{session.root}/w/tree")
    await transfer.get(session, [f"{session.root}/w/tree"], tmp_path / "back")
    assert files_below(tmp_path / "back") == files_below(local)
    assert len(session.commands) < 25


async def test_links_and_devices_are_left_out_and_counted(session, local, tmp_path):
    (session.root / "w/a").write_text("x")
    os.symlink("/etc/passwd", session.root / "w/link")
    os.mkfifo(session.root / "w/pipe")
    work = await transfer.plan.to_here(session, [f"{session.root}/w"], tmp_path / "back")
    assert work.left_out == 2
    assert [copy.local.name for copy in work.copies] == ["a"]


async def test_a_folder_that_cannot_be_read_is_no_empty_folder(session, local, monkeypatch):
    async def fails(command, **_):
        return type(await shell("true"))("", "find: 'x': Permission denied", 1)

    shell, session.shell = session.shell, fails
    with pytest.raises(ToolError, match="Permission denied"):
        await transfer.get(session, [f"{session.root}/w"], local)


async def test_an_existing_remote_file_is_refused_before_anything_is_copied(session, local):
    for name in "ab":
        (local / name).write_text("new")
    (session.root / "w/b").write_text("old")
    with pytest.raises(UsageError, match=r"w/b exists in the session .*--force"):
        await transfer.put(session, [local / "a", local / "b"], f"{session.root}/w")
    assert files_below(session.root) == {"w/b": b"old"}
    await transfer.put(session, [local / "a", local / "b"], f"{session.root}/w", force=True)
    assert files_below(session.root) == {"w/a": b"new", "w/b": b"new"}


async def test_an_existing_local_file_is_refused_without_force(session, local):
    (session.root / "w/a").write_text("new")
    (local / "a").write_text("old")
    with pytest.raises(UsageError, match="--force"):
        await transfer.get(session, [f"{session.root}/w/a"], local)
    assert files_below(local) == {"a": b"old"}
    await transfer.get(session, [f"{session.root}/w/a"], local, force=True)
    assert files_below(local) == {"a": b"new"}


async def test_a_file_that_is_there_already_is_not_copied_again(session, local):
    (local / "a").write_text("same")
    (session.root / "w/a").write_text("same")
    (session.root / "w/b").write_text("more")
    copies = await transfer.put(session, [local / "a"], f"{session.root}/w")
    assert [copy.there for copy in copies] == [True]
    copies = await transfer.get(session, [f"{session.root}/w/{name}" for name in "ab"], local)
    assert [copy.there for copy in copies] == [True, False]


async def test_a_file_that_came_meanwhile_is_not_overwritten(session, local, small_pieces):
    (session.root / "w/a").write_bytes(os.urandom(5000))
    fetch = session.fetch

    async def late(*given):
        await fetch(*given)
        (local / "a").write_text("mine")

    session.fetch = late
    with pytest.raises(UsageError, match="meanwhile"):
        await transfer.get(session, [f"{session.root}/w/a"], local)
    assert (local / "a").read_text() == "mine"


async def test_large_files_go_in_pieces_both_ways_and_stay_exact(session, local, small_pieces):
    data = os.urandom(3_500_000)
    (local / "a").write_bytes(data)
    seen = []
    await transfer.put(
        session, [local / "a"], f"{session.root}/w/it's", progress=lambda *at: seen.append(at)
    )
    assert seen[-1] == (3_500_000, 3_500_000)
    assert [done for done, _ in seen][2:] == [1 << 20, 2 << 20, 3 << 20, 3_500_000]
    await transfer.get(session, [f"{session.root}/w/it's"], local / "b")
    assert (local / "b").read_bytes() == data
    assert os.listdir(session.root / "w") == ["it's"]
    assert sorted(os.listdir(local)) == ["a", "b"]


@pytest.mark.parametrize("spoil", [False, True])
async def test_a_put_goes_on_where_it_broke_after_checking(session, local, small_pieces, spoil):
    data = os.urandom(4_500_000)
    (local / "a").write_bytes(data)
    session.break_after(3)
    with pytest.raises(ToolError):
        await transfer.put(session, [local / "a"], f"{session.root}/w/a")
    (part,) = (session.root / "w").iterdir()
    assert part.name.startswith(".a.")
    if spoil:
        with part.open("r+b") as file:
            file.write(b"spoilt")
    session.break_after(3 if spoil else 2)
    await transfer.put(session, [local / "a"], f"{session.root}/w/a")
    assert files_below(session.root) == {"w/a": data}


async def test_a_get_goes_on_where_it_broke_and_leaves_the_former_file_until_then(
    session, local, small_pieces
):
    data = os.urandom(4_500_000)
    (session.root / "w/a").write_bytes(data)
    (local / "a").write_text("old")
    session.break_after(3)
    with pytest.raises(ToolError):
        await transfer.get(session, [f"{session.root}/w/a"], local, force=True)
    assert (local / "a").read_text() == "old"
    session.break_after(2)
    await transfer.get(session, [f"{session.root}/w/a"], local, force=True)
    assert files_below(local) == {"a": data}


async def test_a_file_that_changes_under_way_is_not_taken_for_either(session, local, small_pieces):
    (session.root / "w/a").write_bytes(bytes(2_000_000))
    fetch = session.fetch

    async def change(path, *rest):
        (session.root / "w/a").write_bytes(bytes(1_999_999) + b"x")
        os.utime(session.root / "w/a", (1, 1))
        await fetch(path, *rest)

    session.fetch = change
    with pytest.raises(ToolError, match="changed while"):
        await transfer.get(session, [f"{session.root}/w/a"], local)
    assert os.listdir(local) == []


async def test_small_files_that_break_leave_nothing(session, local):
    (session.root / "w/a").write_text("new")
    session.break_after(0)
    with pytest.raises(ToolError):
        await transfer.get(session, [f"{session.root}/w/a"], local)
    assert os.listdir(local) == []


async def test_a_stop_ends_the_work_that_runs_beside(session, local, small_pieces, monkeypatch):
    monkeypatch.setattr(transfer.large, "AT_ONCE", 3)
    (session.root / "w/a").write_bytes(bytes(4_000_000))
    running = []

    async def hangs(*_):
        running.append(1)
        try:
            await asyncio.Event().wait()
        finally:
            running.pop()

    session.fetch = hangs
    task = asyncio.ensure_future(transfer.get(session, [f"{session.root}/w/a"], local))
    while len(running) < 3:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert running == []
    assert not (local / "a").exists()


async def test_portions_are_bounded_by_count_and_bytes(local, monkeypatch):
    monkeypatch.setattr(small, "PORTION_FILES", 3)
    monkeypatch.setattr(small, "PORTION_BYTES", 10)
    sizes = [1, 1, 1, 1, 9, 5, 6]
    copies = [transfer.Copy(local, str(n), size) for n, size in enumerate(sizes)]
    found = [[copy.size for copy in portion] for portion in small.portions(copies)]
    assert found == [[1, 1, 1], [1, 9], [5], [6]]


async def test_without_a_shell_files_go_one_by_one(session, local, tmp_path):
    session.capabilities = Capabilities(shell=False)
    (local / "sub").mkdir()
    (local / "sub" / "a").write_text("x")
    await transfer.put(session, [local / "sub"], f"{session.root}/w")
    await transfer.get(session, [f"{session.root}/w/sub"], tmp_path / "back")
    assert files_below(tmp_path / "back") == {"a": b"x"}
    assert session.commands == []


async def test_push_and_pull_keep_the_tree_without_hidden_files(session, local, tmp_path):
    for name in ("a", "sub/b", ".hidden", ".git/c"):
        (local / name).parent.mkdir(exist_ok=True)
        (local / name).write_text(name)
    (local / "link").symlink_to(local / "a")
    await transfer.push(session, local, f"{session.root}/w/tree")
    await transfer.pull(session, f"{session.root}/w/tree", tmp_path / "back")
    assert files_below(tmp_path / "back") == {"a": b"a", "sub/b": b"sub/b"}


async def test_a_missing_source_is_refused(session, local):
    with pytest.raises(UsageError, match="no file"):
        await transfer.put(session, [local / "none"], f"{session.root}/w")
    with pytest.raises(UsageError, match=r"There is no .*/w/none in the session"):
        await transfer.get(session, [f"{session.root}/w/none"], local)
    with pytest.raises(UsageError, match=r"There is no folder .*none"):
        await transfer.pull(session, f"{session.root}/none", local)


async def test_what_does_not_fit_is_refused_before_it_is_copied(session, local, monkeypatch):
    (session.root / "w/a").write_bytes(bytes(2000))
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(UsageError, match="do not fit"):
        await transfer.get(session, [f"{session.root}/w/a"], local)
    assert os.listdir(local) == []


async def test_a_copied_file_has_ordinary_permissions(session, local):
    (session.root / "w/a").write_text("x")
    (session.root / "w/a").chmod(0o4755)
    await transfer.get(session, [f"{session.root}/w/a"], local)
    umask = os.umask(0)
    os.umask(umask)
    assert (local / "a").stat().st_mode & 0o7777 == 0o666 & ~umask


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("w/*.csv", ["w/a.csv", "w/b.csv"]),
        ("w/[!a]*.csv", ["w/b.csv"]),
        ("w/?.csv", ["w/a.csv", "w/b.csv"]),
        ("w/**/*.csv", ["w/a.csv", "w/b.csv", "w/sub/c.csv"]),
        ("*/sub/*", ["w/sub/c.csv"]),
        ("w/x[1].txt", ["w/x[1].txt"]),
    ],
)
async def test_wildcards_of_the_session(session, pattern, found):
    (session.root / "w/sub").mkdir()
    for name in ("a.csv", "b.csv", ".hidden.csv", "sub/c.csv", "x[1].txt"):
        (session.root / "w" / name).touch()
    words = [f"{session.root}/{pattern}"]
    paths = await transfer.plan.remote_paths(session, words)
    assert paths == [f"{session.root}/{name}" for name in found]


async def test_wildcards_that_fit_nothing_are_said(session, local):
    with pytest.raises(UsageError, match="Nothing in the session fits"):
        await transfer.plan.remote_paths(session, [f"{session.root}/w/*.none"])
    with pytest.raises(UsageError, match="Nothing on this computer fits"):
        transfer.plan.local_paths([f"{local}/*.none"])
