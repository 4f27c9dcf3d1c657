"""Files that go between a browser and the session."""

import pytest

from agentbay_kernel.errors import Exists, SessionGone, ToolError, UsageError
from agentbay_kernel.session import Capabilities


async def upload(user, data, *, path="/workspace/new.bin", size=None, force=False):
    begun = await user.act("upload", step="begin", path=path, size=size or len(data), force=force)
    known = {"upload": begun["upload"]}
    for offset in range(0, len(data), 1 << 20):
        await user.act("upload", data[offset : offset + (1 << 20)], step="chunk", offset=offset,
                       **known)  # fmt: skip
    return await user.act("upload", step="end", **known)


async def test_a_file_comes_in_pieces_and_is_there_when_it_is_whole(user):
    session = await user.start()
    session.capabilities = Capabilities(stream=True)
    data = bytes(range(256)) * 10_000
    assert (await upload(user, data))["size"] == len(data)
    assert session.files.held["/workspace/new.bin"] == data
    assert user.model.files["entries"][0]["name"] == "new.bin"
    assert user.model.uploads == {}


async def test_a_file_that_is_there_is_replaced_only_by_force(user):
    session = await user.start()
    session.capabilities = Capabilities(stream=True)
    session.files.held["/workspace/new.bin"] = b"old"
    for data in (b"new!", b"new"):
        with pytest.raises(Exists, match="exists"):
            await upload(user, data)
    assert session.files.held["/workspace/new.bin"] == b"old"
    # What is of another size is refused before any of it is sent.
    with pytest.raises(Exists):
        await user.act("upload", step="begin", path="/workspace/new.bin", size=4)
    await upload(user, b"new!", force=True)
    assert session.files.held["/workspace/new.bin"] == b"new!"


async def test_a_file_that_did_not_come_whole_is_not_copied(user):
    session = await user.start()
    with pytest.raises(UsageError, match="Only 3 of 5"):
        await upload(user, b"abc", size=5)
    begun = await user.act("upload", step="begin", path="/x", size=5)
    with pytest.raises(UsageError, match="missing"):
        await user.act("upload", b"abc", step="chunk", offset=2, upload=begun["upload"])
    begun = await user.act("upload", step="begin", path="/x", size=5)
    await user.act("upload", step="abort", upload=begun["upload"])
    assert session.files.held == {}
    assert user.model.uploads == {}


async def test_a_file_goes_out_in_pieces(user):
    session = await user.start()
    data = bytes(range(256)) * 10_000
    session.files.held["/workspace/old.bin"] = data
    begun = await user.act("download", path="old.bin")
    got = b""
    while len(got) < begun["size"]:
        piece = await user.act("download_piece", download=begun["download"], offset=len(got))
        got += piece.buffers[0]
        assert len(piece.buffers[0]) <= 1 << 20
    assert got == data
    assert user.model.downloads == {}


async def test_a_file_that_changes_meanwhile_is_given_up(user):
    session = await user.start()
    session.files.held["/workspace/old.bin"] = b"abc"
    begun = await user.act("download", path="old.bin")
    session.files.held["/workspace/old.bin"] = b"longer"
    with pytest.raises(ToolError, match="changed"):
        await user.act("download_piece", download=begun["download"], offset=0)
    assert user.model.downloads == {}


async def test_downloads_of_closed_pages_make_room(user):
    session = await user.start()
    session.files.held["/workspace/old.bin"] = b"abc"
    first = await user.act("download", path="old.bin")
    for _ in range(20):
        await user.act("download", path="old.bin")
    assert len(user.model.downloads) == 8
    with pytest.raises(UsageError, match="ended"):
        await user.act("download_piece", download=first["download"], offset=0)


async def test_a_download_whose_place_is_taken_says_so_and_harms_no_other(user):
    session = await user.start()
    session.files.held["/workspace/a"] = b"x" * 10
    names = [(await user.act("download", path="/workspace/a"))["download"]]
    fetch = session.files.fetch

    async def slow(path, into, *rest):
        if len(names) == 1:
            names.extend(
                [(await user.act("download", path="/workspace/a"))["download"] for _ in range(8)]
            )
        return await fetch(path, into, *rest)

    session.files.fetch = slow
    with pytest.raises(UsageError, match="has ended"):
        await user.act("download_piece", download=names[0], offset=0)
    reply = await user.act("download_piece", download=names[-1], offset=0)
    assert b"".join(reply.buffers) == b"x" * 10


async def test_an_upload_never_ends_in_another_session(user):
    await user.start()
    begun = await user.act("upload", step="begin", path="/workspace/b", size=1)
    user.model.manager.vanished(SessionGone("gone"))
    other = await user.start()
    with pytest.raises(UsageError, match="has ended"):
        await user.act("upload", b"b", step="chunk", upload=begun["upload"], offset=0)
    assert "/workspace/b" not in other.files.held
