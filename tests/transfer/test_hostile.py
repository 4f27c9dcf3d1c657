"""A session that lies about its files writes nothing outside of the chosen folder."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from agentbay_kernel import transfer
from agentbay_kernel.errors import KernelError, ToolError, UsageError
from agentbay_kernel.transfer import names, small

BAD_NAMES = ["../x", "a/../../x", "/etc/x", "..", "a\\..\\x", "a\0b", "", "/", "./../x"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leads_out_of_the_folder_is_refused(local, name):
    with pytest.raises(UsageError, match="outside"):
        transfer.inside(local, name)


@pytest.mark.parametrize("name", ["link", "link/x", "sub/link/x/y"])
def test_a_symbolic_link_in_the_folder_is_not_followed(local, tmp_path, name):
    (local / "sub").mkdir()
    for place in (local, local / "sub"):
        (place / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="outside"):
        transfer.inside(local, name)


def listing(*rows):
    """What `find` would write."""
    return b"".join(
        f"{kind}\t{size}\t1.0\t-rw-r--r--\t".encode() + path + b"\0" for kind, size, path in rows
    )


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


LIES = ["/w/../../evil", "/w/a/../../../evil", "/w//etc/evil", "/evil", "/w/..", "/w/a\\..\\evil"]


@pytest.mark.parametrize("lie", LIES)
async def test_a_listing_that_names_files_elsewhere_copies_nothing(session, local, tmp_path, lie):
    root = str(session.root).encode()
    (session.root / "w/good").write_text("good")
    session.rewrite["find"] = lambda data: data + listing(("f", 1, root + lie.encode()))
    before = everything(tmp_path)
    with pytest.raises(UsageError):
        await transfer.get(session, [f"{session.root}/w"], local / "deep")
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "rows",
    [
        [("f", -1, b"/w/x")],
        [("f", 1, b"/w/x\xff")],
        [("f", 10**18, b"/w/huge")],
        [("f", 1, b"/w/twice"), ("f", 1, b"/w/twice")],
        [("f", 1, b"/w/both"), ("f", 1, b"/w/both/below")],
    ],
    ids=["negative", "not utf-8", "larger than the disk", "twice", "file and folder"],
)
async def test_a_listing_that_cannot_be_true_copies_nothing(session, local, rows):
    root = str(session.root).encode()
    lies = listing(*((kind, size, root + path) for kind, size, path in rows))
    session.rewrite["find"] = lambda data: data + lies
    with pytest.raises(KernelError):
        await transfer.get(session, [f"{session.root}/w"], local / "deep")
    assert everything(local) == []


async def test_a_listing_without_sense_is_an_error(session, local):
    session.rewrite["find"] = lambda data: b"what?\0"
    with pytest.raises(ToolError, match="cannot be read"):
        await transfer.get(session, [f"{session.root}/w"], local / "deep")


def archive(*members):
    """A tar archive of (name, type, linkname, content)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, kind, link, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


REG, SYM, HARD, DEVICE, PIPE = (
    tarfile.REGTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.FIFOTYPE,
)


@pytest.mark.parametrize(
    "members",
    [
        lambda good: [("../evil", REG, "", b"evil")],
        lambda good: [("/tmp/agentbay-evil", REG, "", b"evil")],
        lambda good: [(good + "/../../evil", REG, "", b"evil")],
        lambda good: [("evil", REG, "", b"evil")],
        lambda good: [(good, SYM, "/etc/passwd", b"")],
        lambda good: [(good, HARD, "/etc/passwd", b"")],
        lambda good: [(good, DEVICE, "", b"")],
        lambda good: [(good, PIPE, "", b"")],
        lambda good: [(good, tarfile.DIRTYPE, "", b"")],
        lambda good: [(good, REG, "", b"longer than listed")],
        lambda good: [(good, REG, "", b"good"), (good, REG, "", b"evil")],
        lambda good: [("link", SYM, "..", b""), ("link/evil", REG, "", b"evil")],
        lambda good: [],
    ],
    ids=[
        "parent", "absolute", "dots", "not asked for", "symbolic link", "hard link", "device",
        "pipe", "folder", "longer", "twice", "through a link", "nothing",
    ],
)  # fmt: skip
async def test_an_archive_with_other_members_than_listed_writes_none_of_them(
    session, local, tmp_path, members
):
    (session.root / "w/good").write_text("good")
    data = archive(*members(f".{session.root}/w/good"))
    fetch = session.fetch

    async def lie(path, into, offset, length, seen):
        Path(path).write_bytes(data)
        await fetch(path, into, 0, len(data), seen)

    session.fetch = lie
    before = everything(tmp_path)
    with pytest.raises(ToolError):
        await transfer.get(session, [f"{session.root}/w/good"], local)
    assert [name for name in everything(tmp_path) if "evil" in name] == []
    assert set(everything(tmp_path)) - {"local/good"} == set(before)


async def test_an_archive_that_is_none_is_an_error(session, local):
    (session.root / "w/good").write_text("good")

    async def lie(path, into, offset, length, seen):
        os.pwrite(into, b"no archive " * 100, 0)

    session.fetch = lie
    with pytest.raises(ToolError):
        await transfer.get(session, [f"{session.root}/w/good"], local)
    assert everything(local) == []


async def test_an_archive_that_is_too_large_is_not_fetched(session, local, monkeypatch):
    (session.root / "w/good").write_text("good")
    monkeypatch.setattr(small, "_END", 0)
    monkeypatch.setattr(small, "_HEADERS", 0)
    with pytest.raises(ToolError, match="are the most"):
        await transfer.get(session, [f"{session.root}/w/good"], local)
    assert everything(local) == []


@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
async def test_what_is_no_plain_file_here_is_never_replaced(session, local, tmp_path, kind):
    (session.root / "w/a").write_text("new")
    if kind == "pipe":
        os.mkfifo(local / "a")
    elif kind == "folder":
        (local / "a").mkdir()
    else:
        (local / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError):
        await transfer.get(session, [f"{session.root}/w/a"], local, force=True)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("kind", ["link", "hard link", "pipe", "folder"])
async def test_what_lies_in_the_way_of_a_kept_part_is_not_written(
    session, local, tmp_path, small_pieces, kind
):
    (session.root / "w/a").write_bytes(bytes(2_000_000))
    (tmp_path / "own").write_text("own")
    key = f"{session.root}/w/a\0{2_000_000}"
    part = local / transfer.large.part_name("a", key)
    if kind == "link":
        part.symlink_to(tmp_path / "own")
    elif kind == "hard link":
        os.link(tmp_path / "own", part)
    elif kind == "pipe":
        os.mkfifo(part)
    else:
        part.mkdir()
    with pytest.raises(UsageError, match="in the way"):
        await transfer.get(session, [f"{session.root}/w/a"], local)
    assert (tmp_path / "own").read_text() == "own"


@pytest.mark.parametrize("pair", [("A", "a"), ("D/x", "d/x"), ("D/x", "d/y"), ("é", "e\u0301")])
async def test_names_that_meet_where_case_does_not_count_are_refused(
    session, local, monkeypatch, pair
):
    for name in pair:
        (session.root / "w" / name).parent.mkdir(exist_ok=True)
        (session.root / "w" / name).write_text(name)
    monkeypatch.setattr(names, "folds", lambda folder: True)
    with pytest.raises(UsageError, match="same name"):
        await transfer.get(session, [f"{session.root}/w"], local / "deep")
    assert everything(local) == []


async def test_names_that_differ_by_case_are_two_files_where_case_counts(session, local):
    for name in ("A", "a"):
        (session.root / "w" / name).write_text(name)
    await transfer.get(session, [f"{session.root}/w"], local / "deep")
    assert everything(local) == ["deep", "deep/A", "deep/a"]


def test_whether_case_counts_is_tried_and_leaves_nothing(local, monkeypatch):
    assert names.folds(local) is False
    monkeypatch.setattr(Path, "exists", lambda path: True)
    assert names.folds(local) is True
    assert os.listdir(local) == []


async def test_two_files_of_one_name_are_refused(session, local):
    (local / "sub").mkdir()
    for name in ("a", "sub/a"):
        (local / name).write_text("x")
    with pytest.raises(UsageError, match="same name"):
        await transfer.put(session, [local / "a", local / "sub/a"], f"{session.root}/w")


def test_a_shown_name_moves_no_cursor():
    assert names.shown("a\x1b[2Jb\nc\r") == "a\\x1b[2Jb\\nc\\r"
