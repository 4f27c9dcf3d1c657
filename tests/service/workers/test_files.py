"""The file tools' texts, as the SDKs read them."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from agentbay_kernel.service.port import ToolFailure
from tests.service.workers.sandboxes import Box

pytestmark = pytest.mark.timeout(60)


async def test_text_is_read_as_written(box: Box) -> None:
    await box.call("write_file", path="a.txt", content="hällo\n")
    await box.call("write_file", path="a.txt", content="more", mode="append")
    assert await box.call("read_file", path="/workspace/a.txt") == "hällo\nmore"


async def test_twenty_megabytes_pass_both_ways(box: Box) -> None:
    text = "0123456789abcdef" * (20 << 16)
    await box.call("write_file", path="big", content=text)
    assert await box.call("read_file", path="big") == text


async def test_binary_is_exact(box: Box) -> None:
    data = bytes(range(256)) * 100
    await box.run(f"open('b', 'wb').write({data!r})")
    text = await box.call("read_file", path="b", offset=10, length=1000, format="binary")
    assert base64.b64decode(text) == data[10:1010]


async def test_pieces_of_text_fit_together_wherever_they_are_cut(box: Box) -> None:
    text = "aé€😀" * 50
    await box.call("write_file", path="t", content=text)
    size = len(text.encode())
    for length in range(1, 8):
        pieces = [
            await box.call("read_file", path="t", offset=at, length=length)
            for at in range(0, size, length)
        ]
        assert "".join(pieces) == text


async def test_info_has_what_the_sdk_needs(box: Box) -> None:
    await box.call("write_file", path="a.txt", content="12345")
    lines = (await box.call("get_file_info", path="/workspace/a.txt")).splitlines()
    facts = dict(line.split(": ", 1) for line in lines)
    assert facts["size"] == "5" and facts["isDirectory"] == "false"
    assert facts["name"] == "a.txt" and facts["path"] == "/workspace/a.txt"


async def test_folders_are_made_listed_moved_and_deleted(box: Box) -> None:
    await box.call("create_directory", path="/workspace/d/e")
    await box.call("write_file", path="/workspace/d/f", content="")
    assert await box.call("list_directory", path="d") == "[DIR] e\n[FILE] f"
    await box.call("move_file", source="d/f", destination="/workspace/g/f")
    assert await box.call("list_directory", path="g") == "[FILE] f"
    await box.call("delete_file", path="d")
    assert await box.call("list_directory", path=".") == "[DIR] g"


async def test_edit_replaces_unless_it_is_a_dry_run(box: Box) -> None:
    await box.call("write_file", path="a", content="one two")
    edits = [{"oldText": "two", "newText": "three"}]
    await box.call("edit_file", path="a", edits=edits, dryRun=True)
    assert await box.call("read_file", path="a") == "one two"
    await box.call("edit_file", path="a", edits=edits)
    assert await box.call("read_file", path="a") == "one three"
    with pytest.raises(ToolFailure, match="not in a: two"):
        await box.call("edit_file", path="a", edits=edits)


async def test_several_files_are_read_at_once(box: Box) -> None:
    await box.call("write_file", path="a", content="A")
    text = await box.call("read_multiple_files", paths=["a", "none"])
    assert text == "a: A\n---\nnone: Error - No such file: none"


async def test_search_goes_down_and_excludes(box: Box) -> None:
    for name in ("a.py", "d/b.py", "d/c.txt", "skip/x.py"):
        await box.call("write_file", path=name, content="")
    found = await box.call(
        "search_files", path="/workspace", pattern="*.py", excludePatterns="skip,none"
    )
    assert found.splitlines() == ["/workspace/a.py", "/workspace/d/b.py"]
    none = await box.call("search_files", path="/workspace", pattern="*.rs")
    assert none == "No matches found"


async def test_changes_are_those_since_the_last_call(box: Box) -> None:
    assert await box.call("get_file_change", path="/workspace") == "[]"
    await box.call("write_file", path="a", content="")
    (change,) = json.loads(await box.call("get_file_change", path="/workspace"))
    assert change == {"eventType": "create", "path": "/workspace/a", "pathType": "file"}
    await box.call("delete_file", path="a")
    (change,) = json.loads(await box.call("get_file_change", path="/workspace"))
    assert change["eventType"] == "delete"


@pytest.mark.parametrize("tool", ["read_file", "get_file_info", "list_directory", "delete_file"])
async def test_missing_file_is_told_with_its_path(box: Box, tool: str) -> None:
    with pytest.raises(ToolFailure, match=r"^No such file: /workspace/none$"):
        await box.call(tool, path="/workspace/none")


async def test_unknown_tool_and_missing_argument_are_named(box: Box) -> None:
    with pytest.raises(ToolFailure, match="no tool paint"):
        await box.call("paint")
    with pytest.raises(ToolFailure, match="Missing argument: path"):
        await box.call("read_file")


@pytest.mark.parametrize("mode", ["folder"])
async def test_without_a_sandbox_no_path_leads_out(box: Box, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    await box.run(f"import os; os.symlink({str(tmp_path)!r}, 'way')")
    depth = "../" * 20
    for path in ("way/secret", "way", f"{depth}etc/passwd_of_host"):
        with pytest.raises(ToolFailure):
            await box.call("read_file", path=path)
    with pytest.raises(ToolFailure, match="leads out"):
        await box.call("write_file", path="way/new", content="")
    await box.call("delete_file", path="way")
    assert os.listdir(tmp_path) and (tmp_path / "secret").exists()


@pytest.mark.parametrize("mode", ["folder"])
async def test_without_a_sandbox_real_paths_of_the_session_are_taken_too(box: Box) -> None:
    await box.run("import os; open('a', 'w').write('x'); os.path.abspath('a')")
    assert await box.call("read_file", path=box.main().strip("'")) == "x"
