import os

import pytest

from agentbay_kernel.service import trees
from agentbay_kernel.service.trees import Selection, White


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "deep/er").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "deep/er/b.bin").write_bytes(bytes(range(256)) * 300)
    return folder


@pytest.fixture
def target(tmp_path):
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def test_files_arrive_with_contents_mode_and_time(source, target):
    (source / "a.txt").chmod(0o755)
    os.utime(source / "a.txt", (1000, 2000))
    trees.copy(source, target)
    assert names(target) == ["a.txt", "deep/er/b.bin"]
    assert (target / "deep/er/b.bin").read_bytes() == bytes(range(256)) * 300
    found = (target / "a.txt").stat()
    assert (found.st_mode & 0o777, found.st_mtime) == (0o755, 2000)


def test_an_empty_folder_arrives(source, target):
    (source / "empty").mkdir()
    trees.copy(source, target)
    assert (target / "empty").is_dir()


def test_a_link_inside_is_kept_and_one_that_leads_out_is_left_out(source, target, tmp_path):
    (tmp_path / "secret").write_text("s")
    (source / "deep/in").symlink_to("../a.txt")
    (source / "deep/out").symlink_to("../../secret")
    (source / "absolute").symlink_to(tmp_path / "secret")
    done = trees.copy(source, target)
    assert os.readlink(target / "deep/in") == "../a.txt"
    assert done.left_out == 2
    assert names(target) == ["a.txt", "deep/er/b.bin", "deep/in"]


def test_a_pipe_is_left_out_without_waiting_for_it(source, target):
    os.mkfifo(source / "pipe")
    assert trees.copy(source, target).left_out == 1


def test_a_link_in_the_target_is_replaced_and_never_followed(source, target, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (target / "deep").symlink_to(outside)
    (target / "a.txt").symlink_to(outside / "a.txt")
    trees.copy(source, target)
    assert list(outside.iterdir()) == []
    assert not (target / "deep").is_symlink()
    assert (target / "a.txt").read_text() == "a"


def test_a_folder_in_the_way_of_a_file_goes(source, target):
    (target / "a.txt/x").mkdir(parents=True)
    trees.copy(source, target)
    assert (target / "a.txt").read_text() == "a"


def test_linked_files_share_their_contents(source, target):
    trees.copy(source, target, link=True)
    assert (source / "a.txt").stat().st_ino == (target / "a.txt").stat().st_ino


def test_a_folder_that_is_a_link_is_not_copied_from(source, target, tmp_path):
    (tmp_path / "link").symlink_to(source)
    with pytest.raises(OSError):
        trees.copy(tmp_path / "link", target)


@pytest.mark.parametrize(
    ("white", "rel", "taken"),
    [
        (White(), "any/file", True),
        (White("src"), "src/a", True),
        (White("src"), "srcs/a", False),
        (White("src", ("src/tmp",)), "src/tmp/a", False),
        (White("src", ("tmp",)), "src/tmp/a", False),
        (White(r"\.py$", path_is_regex=True), "x/a.py", True),
        (White(r"\.py$", path_is_regex=True), "x/a.txt", False),
        (White("", (r"^test_",), exclude_is_regex=True), "test_a", False),
    ],
)
def test_a_white_list_takes(white, rel, taken):
    assert Selection((white,)).takes(rel) is taken


def test_folders_that_lead_to_nothing_are_not_entered():
    selection = Selection((White("a/b"),))
    assert selection.enters("a") and selection.enters("a/b/c")
    assert not selection.enters("x")


def test_one_file_is_copied_and_its_folders_are_made(source, tmp_path):
    trees.copy_file(source / "a.txt", tmp_path / "new/folder/c.txt")
    assert (tmp_path / "new/folder/c.txt").read_text() == "a"


def test_one_file_that_is_a_link_is_refused(source, tmp_path):
    (source / "link").symlink_to("a.txt")
    with pytest.raises(FileNotFoundError):
        trees.copy_file(source / "link", tmp_path / "c.txt")
