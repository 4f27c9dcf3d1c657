"""The shell, tools and files of a session."""

import base64
import os

import pytest

from agentbay_kernel.errors import (
    NotSupported,
    ProviderError,
    SessionGone,
    ToolError,
    Unreachable,
)
from agentbay_kernel.session import ShellResult
from agentbay_kernel.tools import ToolContent
from tests.providers.cloud import refusal


def text(value, *, error=False):
    return {"isError": error, "content": [{"type": "text", "text": value}]}


async def test_a_shell_command_gives_streams_and_exit_code(session):
    result = await session.shell("echo out; echo err >&2; exit 3")
    assert result == ShellResult("out\n", "err\n", 3)


async def test_a_shell_that_was_stopped_by_its_limit_is_a_tool_error(cloud, session):
    cloud.answers["tool shell"] = text("Error code:-1 Error message: [timeout]", error=True)
    with pytest.raises(ToolError, match="timeout"):
        await session.shell("sleep 100", timeout=1)


async def test_a_tool_gives_its_text(cloud, session, tmp_path):
    (tmp_path / "a b").write_text("x")
    assert await session.call_tool("list_directory", {"path": str(tmp_path)}) == "[FILE] a b"


async def test_a_failed_tool_says_its_name_and_reason(cloud, session):
    cloud.answers["tool read_file"] = text("disk on fire", error=True)
    with pytest.raises(ToolError, match="read_file failed: disk on fire"):
        await session.call_tool("read_file", {})


async def test_a_link_that_does_not_know_the_session_any_more_means_it_is_gone(cloud, session):
    cloud.answers["shell"] = refusal("InvalidMcpSession.NotFound", "gone", 404)
    with pytest.raises(SessionGone):
        await session.shell("true")


async def test_a_service_that_is_away_is_unreachable(cloud, session):
    session.sdk.link_url = "http://127.0.0.1:1"
    with pytest.raises(Unreachable):
        await session.shell("true")


async def test_without_a_link_tools_go_through_the_api(cloud, provider, spec):
    cloud.link = False
    session = await provider.create(spec)
    assert (await session.shell("echo hi")).stdout == "hi\n"
    cloud.answers["CallMcpTool"] = refusal("InvalidMcpSession.NotFound", "Session s-1 not found")
    with pytest.raises(SessionGone):
        await session.shell("true")
    assert cloud.count("CallMcpTool") == 2


CONTENTS = {
    "text": "Grüße\nzweite Zeile\n".encode(),
    "empty": b"",
    "crlf": b"a\r\nb\r\n",
    "binary": bytes(range(256)) * 5,
    "bom": b"\xef\xbb\xbfx",
    "large": os.urandom(7_000_001),
    "one piece": os.urandom(3 << 20),
}


@pytest.mark.parametrize("name", CONTENTS)
async def test_files_come_back_as_they_were_written(session, tmp_path, name):
    path = str(tmp_path / "new folder" / "it's a name")
    await session.files.write(path, CONTENTS[name])
    assert await session.files.read(path) == CONTENTS[name]
    assert [entry.path for entry in await session.files.list(os.path.dirname(path))] == [path]


async def test_files_stay_exact_through_the_gateways_small_messages(
    cloud, provider, spec, tmp_path
):
    cloud.link = False
    session = await provider.create(spec)
    data = os.urandom(200_001)
    await session.files.write(str(tmp_path / "f"), data)
    assert await session.files.read(str(tmp_path / "f")) == data
    assert all(len(fields["Args"]) < 63_000 for name, fields in cloud.asked if "Args" in fields)


async def test_a_failed_write_leaves_the_former_file_and_no_part(cloud, session, tmp_path):
    (tmp_path / "f").mkdir()
    with pytest.raises(ToolError, match="was not written"):
        await session.files.write(str(tmp_path / "f"), b"\x00")
    assert os.listdir(tmp_path) == ["f"]


async def test_info_knows_size_kind_and_absence(session, tmp_path):
    (tmp_path / "f").write_bytes(b"123")
    info = await session.files.info(str(tmp_path / "f"))
    assert (info.size, info.is_dir) == (3, False)
    assert info.modified == pytest.approx((tmp_path / "f").stat().st_mtime)
    assert (await session.files.info(str(tmp_path))).is_dir
    assert await session.files.info(str(tmp_path / "none")) is None


async def test_reading_what_is_not_there_is_an_error(session, tmp_path):
    with pytest.raises(ProviderError, match="No such file"):
        await session.files.read(str(tmp_path / "none"))


async def test_folders_are_made_and_removed_whole(session, tmp_path):
    path = tmp_path / "a" / "-b c"
    await session.files.make_dir(str(path))
    await session.files.make_dir(str(path))
    assert path.is_dir()
    await session.files.remove(str(tmp_path / "a"))
    assert not (tmp_path / "a").exists()
    with pytest.raises(ToolError, match="was not removed"):
        await session.files.remove(str(tmp_path / "a"))


async def test_all_pieces_of_a_tools_answer_are_given(cloud, session):
    pixel = base64.b64encode(b"\x89PNG").decode()
    cloud.answers["tool read_file"] = {
        "isError": False,
        "content": [
            {"type": "text", "text": "one"},
            {"type": "image", "data": pixel, "mimeType": "image/png"},
        ],
    }
    expected = [ToolContent("one"), ToolContent(mime="image/png", data=b"\x89PNG")]
    assert await session.tools.call("read_file", {}) == expected


async def test_all_pieces_are_given_without_a_link_too(cloud, provider, spec):
    cloud.link = False
    session = await provider.create(spec)
    two = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    cloud.answers["tool read_file"] = {"isError": False, "content": two}
    found = await session.tools.call("read_file", {})
    assert [each.text for each in found] == ["one", "two"]


async def test_a_tool_that_fails_is_a_tool_error(cloud, session):
    cloud.answers["tool read_file"] = text("disk on fire", error=True)
    with pytest.raises(ToolError, match="disk on fire"):
        await session.tools.call("read_file", {})


@pytest.mark.parametrize("kind", ["agentbay"])
async def test_a_provider_that_cannot_pause_says_so(cloud, session):
    cloud.answers["PauseSessionAsync"] = refusal("Forbidden.NotInWhiteList", "not in whitelist")
    with pytest.raises(NotSupported, match=r"not in whitelist.*goes on as before"):
        await session.machine.pause()


@pytest.mark.parametrize("kind", ["agentbay"])
async def test_an_image_without_the_tool_for_variables_says_so(cloud, session):
    cloud.answers["tool set_env"] = text("Tool not found: set_env", error=True)
    with pytest.raises(NotSupported, match="no such tool"):
        await session.machine.set_variables({"A": "1"})
