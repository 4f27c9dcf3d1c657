"""What the panel says and does, over a session in memory."""

import pytest

from agentbay_kernel.contexts import Bound
from agentbay_kernel.errors import SyncError, ToolError, UsageError

HOSTILE = "<img src=x onerror=alert(1)>\u202e\x1b[2J"


async def test_without_a_session_it_says_so_and_what_there_will_be(user):
    assert user.model.header["state"] == "none"
    assert user.model.header["provider"] == "local"
    assert user.model.header["notebook"] == "tides.ipynb"
    assert user.model.header["started_at"] is None
    assert user.model.labels["labels"] is None


async def test_start_gives_a_session_with_its_times(user):
    await user.start()
    header = user.model.header
    assert (header["state"], header["session_id"]) == ("ready", "s-1")
    assert header["idle_ends_at"] - header["started_at"] == pytest.approx(3600, abs=2)
    assert header["life_ends_at"] - header["started_at"] == pytest.approx(480 * 60, abs=2)


async def test_a_running_cell_is_seen_with_its_beginning(user):
    await user.start()
    user.model.manager.busy = True
    user.model.look()
    assert user.model.header["state"] == "busy"
    assert user.model.header["running_since"] == user.model.manager.busy_since
    user.model.manager.busy = False
    user.model.look()
    assert user.model.header["running_since"] is None


async def test_a_broken_connection_is_seen(user):
    session = await user.start()
    user.places.current.bridges.of(session).reconnecting = True
    user.model.look()
    assert user.model.header["state"] == "reconnecting"


async def test_extend_asks_the_provider(user):
    await user.start()
    found = await user.act("extend")
    assert user.provider.asked["keep_alive"] == 1
    assert found["idle_minutes_left"] == 60


@pytest.mark.parametrize("action", ["extend", "restart_interpreter", "link", "delete"])
async def test_what_needs_a_session_says_that_there_is_none(user, action):
    with pytest.raises(UsageError, match="There is no session"):
        await user.act(action)
    assert user.provider.specs == []


async def test_an_unknown_action_and_a_wrong_argument_are_refused(user):
    await user.start()
    for action, args in {
        "shutdown": {},
        "link": {"port": "30100"},
        "browse": {},
        "attach": {"session_id": 7},
        "upload": {"step": "rename"},
        "sync": {"path": "/mnt/m", "direction": "sideways"},
    }.items():
        with pytest.raises(UsageError):
            await user.act(action, **args)


async def test_the_interpreter_is_replaced(user):
    session = await user.start()

    def killed(name):
        session.pid += 1

    session.on_signal = killed
    assert (await user.act("restart_interpreter"))["how"] == "the interpreter was replaced"
    assert session.signals[-1] == "KILL"


async def test_an_interpreter_that_stays_is_an_error_that_says_what_is_kept(user, monkeypatch):
    await user.start()

    async def rest(_seconds):
        pass

    monkeypatch.setattr("agentbay_kernel.interpreter.asyncio.sleep", rest)
    with pytest.raises(ToolError, match="files are kept"):
        await user.act("restart_interpreter")


async def test_a_link_stands_in_the_reply_and_nowhere_else(user):
    session = await user.start()
    found = await user.act("link", port=30100, protocol="https")
    assert found["url"] == await session.link(port=30100)
    assert user.model.link["shown"] == "127.0.0.1:1/…"
    assert user.model.link["status"] == 0
    page = await user.act("link")
    assert "secret" in page["url"]
    assert "secret" not in repr(user.model.trait_values())
    assert "very-secret" not in repr(await user.act("capabilities"))


async def test_labels_are_added_renamed_and_removed(user):
    session = await user.start()
    reserved = dict(session.own_labels)
    await user.act("set_label", key="project", value="a b")
    await user.act("set_label", key="-stage", value="--x=1")
    assert user.model.labels["labels"] == {"project": "a b", "-stage": "--x=1"}
    await user.act("set_label", key="stage", value="draft", old="-stage")
    await user.act("remove_label", key="project")
    assert user.model.labels["labels"] == {"stage": "draft"}
    assert session.own_labels == {**reserved, "stage": "draft"}


@pytest.mark.parametrize(
    ("key", "value"), [("", "x"), ("x", " "), ("a=b", "x"), ("agentbay-kernel.id", "x")]
)
async def test_a_label_against_the_rules_is_refused_and_nothing_asked(user, key, value):
    await user.start()
    user.provider.asked.clear()
    with pytest.raises(UsageError):
        await user.act("set_label", key=key, value=value)
    assert user.provider.asked["set_labels"] == 0


async def test_contexts_show_their_last_transfers(user):
    session = await user.start()
    bound = Bound("c-m", "models", "/mnt/m", auto_upload=False)
    session.mounts.bound.append(bound)
    session.mounts.set(bound, "download", "Failed", HOSTILE)
    await user.model.refresh("contexts")
    (row,) = user.model.contexts["rows"]
    assert (row["name"], row["auto"], row["upload"]) == ("models", False, None)
    assert (row["download"]["status"], row["download"]["error"]) == ("Failed", HOSTILE)


async def test_a_sync_is_told_step_by_step_and_its_row_is_up_to_date(user):
    session = await user.start()
    session.mounts.bound.append(Bound("c-m", "models", "/mnt/m"))
    steps = []
    user.model.observe(lambda change: steps.append(change.new["doing"]), "contexts")
    await user.act("sync", path="/mnt/m")
    assert steps[0]["/mnt/m"]["what"] == "upload"
    assert any("Success" in each["/mnt/m"]["step"] for each in steps if each)
    assert user.model.contexts["doing"] == {}
    assert user.model.contexts["rows"][0]["upload"]["status"] == "Success"


async def test_a_failed_sync_stands_in_its_row(user):
    session = await user.start()
    session.mounts.bound.append(Bound("c-m", "models", "/mnt/m"))
    session.mounts.failing["/mnt/m"] = "the store is full"
    with pytest.raises(SyncError):
        await user.act("sync", path="/mnt/m")
    assert "the store is full" in user.model.contexts["failed"]["/mnt/m"]["message"]
    assert user.model.contexts["doing"] == {}
    await user.model.refresh("contexts")
    assert user.model.contexts["failed"]
    del session.mounts.failing["/mnt/m"]
    await user.act("sync", path="/mnt/m")
    assert user.model.contexts["failed"] == {}


async def test_a_context_is_mounted_and_found(user):
    await user.start()
    await user.provider.contexts.create("models")
    assert await user.act("context_names") == ["models"]
    await user.act("mount", name="models", path="/mnt/m")
    assert user.model.contexts["rows"][0]["path"] == "/mnt/m"
    with pytest.raises(UsageError, match="absolute"):
        await user.act("mount", name="models", path="mnt")


async def test_meters_keep_a_small_history(user):
    await user.start()
    for _ in range(50):
        await user.model.refresh("meters")
    meters = user.model.meters["meters"]
    assert meters["memory"] == {
        "part": 0.25,
        "used": 1 << 30,
        "total": 4 << 30,
        "history": [0.25] * 40,
    }
    assert set(meters) == {"cpu", "memory"}


async def test_files_are_listed_folders_first_and_hidden_ones_left_out(user):
    session = await user.start()
    session.files.held = {
        "/workspace/b.txt": b"b",
        f"/workspace/{HOSTILE}": b"",
        "/workspace/z/a.txt": b"a",
        "/workspace/.hidden": b"",
    }
    await user.model.refresh("files")
    names = [each["name"] for each in user.model.files["entries"]]
    assert names[0] == "z"
    assert "b.txt" in names
    assert len(names) == 3
    assert all(name.isprintable() for name in names)
    await user.act("browse", path="/workspace/z/..//z")
    assert user.model.files["path"] == "/workspace/z"


async def test_a_text_and_a_picture_are_previewed_and_bytes_are_not(user):
    session = await user.start()
    session.files.held = {
        "/workspace/a.txt": b"x" * 70_000,
        "/workspace/a.png": b"PNG",
        "/workspace/a.bin": b"\0\1",
    }
    text = await user.act("preview", path="a.txt")
    assert (text["kind"], len(text["text"]), text["clipped"]) == ("text", 65536, True)
    picture = await user.act("preview", path="a.png")
    assert (picture.value["mime"], picture.buffers) == ("image/png", [b"PNG"])
    assert (await user.act("preview", path="a.bin"))["kind"] == "binary"
    with pytest.raises(UsageError, match="no file"):
        await user.act("preview", path="gone.txt")


async def test_the_sessions_are_shown_by_pages(user):
    for _ in range(12):
        await user.provider.create(None)
    await user.act("show_sessions")
    assert len(user.model.sessions["rows"]) == 10
    assert user.model.sessions["total"] == 12
    await user.act("show_sessions", turn="next")
    assert len(user.model.sessions["rows"]) == 2
    await user.act("show_sessions", turn="back")
    assert len(user.model.sessions["rows"]) == 10
    with pytest.raises(UsageError, match="no label"):
        await user.act("show_sessions", filter="project")


async def test_attaching_goes_on_in_the_other_session(user):
    await user.start()
    other = await user.provider.create(None)
    await user.act("show_sessions")
    await user.act("attach", session_id=other.session_id)
    assert user.model.header["session_id"] == other.session_id
    rows = {row["session_id"]: row["current"] for row in user.model.sessions["rows"]}
    assert rows == {"s-1": False, "s-2": True}


async def test_attaching_is_refused_while_a_cell_runs(user):
    await user.start()
    other = await user.provider.create(None)
    user.model.manager.busy = True
    with pytest.raises(UsageError, match="cell is running"):
        await user.act("attach", session_id=other.session_id)
    assert user.model.header["session_id"] == "s-1"
    user.model.manager.busy = False


async def test_deleting_ends_the_own_session_or_another(user):
    session = await user.start()
    other = await user.provider.create(None)
    await user.act("delete", session_id=other.session_id)
    assert other.deleted == [False]
    assert user.model.header["session_id"] == "s-1"
    await user.act("delete", sync=True)
    assert session.deleted == [False]
    assert user.model.header["state"] == "none"


async def test_another_session_begins_with_nothing_of_the_former(user):
    session = await user.start()
    session.own_labels = {"project": "old"}
    await user.model.refresh("labels")
    await user.act("delete")
    assert user.model.labels["labels"] is None
    await user.start()
    assert user.model.labels["labels"] is None


async def test_a_late_answer_about_the_former_session_is_dropped(user):
    session = await user.start()

    async def labels():
        await user.model.manager.detach()
        await user.model.manager.ensure()
        user.model.look()
        return {"project": "old"}

    session.labels = labels
    await user.model.refresh("labels")
    assert user.model.labels["labels"] is None


async def test_leftovers_are_shown_and_ended_one_by_one(user):
    await user.start()
    left = [await user.provider.create(None) for _ in range(2)]
    await user.act("show_sessions", leftovers=True)
    rows = {row["session_id"]: row["left"] for row in user.model.sessions["rows"]}
    assert rows.keys() == {each.session_id for each in left}
    assert all("perhaps another user's" in text for text in rows.values())
    await user.act("delete", session_id=left[0].session_id, leftover=True)
    assert left[0].deleted == [False]
    assert [row["session_id"] for row in user.model.sessions["rows"]] == [left[1].session_id]


async def test_a_restart_that_was_asked_for_another_session_is_refused(user):
    session = await user.start()
    with pytest.raises(UsageError, match="another session now"):
        await user.act("restart_interpreter", session_id="s-of-before")
    assert session.signals == []


async def test_a_session_that_sleeps_is_said_to_and_is_woken(user):
    await user.start()
    user.model.manager.lifetime.paused = True
    user.model.look()
    assert (user.model.header["state"], user.model.header["message_key"]) == ("paused", "paused")
    await user.act("wake")
    assert (user.model.header["state"], user.model.header["message"]) == ("ready", "")


async def test_a_link_that_would_run_in_the_page_is_not_given(user):
    session = await user.start()

    async def link(*_args, **_options):
        return "javascript://%0aalert(1)"

    session.link = link
    with pytest.raises(ToolError, match="no known kind"):
        await user.act("link", port=30100)
