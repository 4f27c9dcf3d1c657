"""What a mirror decides, from what both sides have and the last one left."""

import pytest

from agentbay_kernel.mirror import Side, _ignored, _local_side, decide


def side(folders=(), **files):
    return Side({name.replace("__", "/"): stamp for name, stamp in files.items()}, set(folders))


OLD, NEW = (1, 10.0), (1, 20.0)
RECORD = {"a": [*OLD, *OLD]}


@pytest.mark.parametrize(
    ("source", "target", "record", "copied", "conflict", "same"),
    [
        (side(a=OLD), side(), {}, ["a"], {}, []),
        (side(a=OLD), side(a=OLD), RECORD, [], {}, ["a"]),
        (side(a=NEW), side(a=OLD), RECORD, ["a"], {}, []),
        (side(a=OLD), side(a=NEW), RECORD, [], {"a": "changed since"}, []),
        (side(a=NEW), side(a=NEW), RECORD, [], {"a": "changed since"}, []),
        (side(a=OLD), side(a=OLD), {}, [], {"a": "was there before"}, []),
        (side(a=OLD), side(["a"]), {}, [], {"a": "a folder has its name"}, []),
        (side(["a"], a__b=OLD), side(a=OLD), {}, [],
         {"a/b": "a file has the name of its folder"}, []),
        (side(a=OLD), side(), RECORD, ["a"], {}, []),
    ],
)  # fmt: skip
def test_what_is_copied_and_what_is_kept(source, target, record, copied, conflict, same):
    work = decide(source, target, record, delete=False)
    assert (work.copy, work.conflicts, work.same, work.delete) == (copied, conflict, same, [])


def test_only_what_a_mirror_put_there_is_removed_and_only_on_request():
    target = side(["d"], a=OLD, b=OLD)
    assert decide(side(), target, RECORD, delete=False).delete == []
    work = decide(side(), target, RECORD, delete=True)
    assert work.delete == ["a"]
    assert list(work.conflicts) == ["b"]
    assert work.old_folders == ["d"]


def test_what_was_changed_since_is_not_removed():
    work = decide(side(), side(a=NEW), RECORD, delete=True)
    assert work.delete == []
    assert list(work.conflicts) == ["a"]


def test_the_ignore_file_speaks_as_gitignore_and_takes_no_part(tmp_path):
    for name in ("keep.py", "drop.log", "yes.log", "out/x", "sub/out/y", ".git/config"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".agentbayignore").write_text("*.log\n!yes.log\n/out/\n")
    (tmp_path / "link").symlink_to("keep.py")
    found = _local_side(tmp_path, _ignored(tmp_path))
    assert sorted(found.files) == ["keep.py", "sub/out/y", "yes.log"]
    assert found.left_out == 1
