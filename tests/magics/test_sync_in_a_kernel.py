"""`%sync` through a real kernel, the real SDK and the local service: nothing is lost."""

import os
import signal
from pathlib import Path

import pytest

from tests import kernels


@pytest.fixture
def kernel(shared, place):
    """One kernel for all tests of this module, whose contexts are made for each."""
    return shared(place)


@pytest.fixture
def fresh(kernel):
    """The same, without a session."""
    good(kernel, "%agentbay delete --force") if "session  " in good(kernel, "%agentbay") else None
    return kernel


def good(kernel, code):
    """Run a cell that must succeed; all that it showed."""
    done = kernel.execute(code)
    assert done.status == "ok", done.content
    shown = [item["data"].get("text/plain", "") for item in done.of("display_data")]
    return "\n".join([done.text(), done.text("stderr"), *shown])


def bad(kernel, code, *words):
    done = kernel.execute(code)
    assert done.status == "error", code
    for word in words:
        assert word in done.content["evalue"]
    return done.content["evalue"]


def stored(folder, name):
    """The folder of a context in the service's own store."""
    for meta in Path(folder).glob("data/contexts/SdkCtx-*/meta.json"):
        if f'"{name}"' in meta.read_text():
            return meta.parent
    raise AssertionError(f"no context {name} below {folder}")


def tree(home):
    """A context's files; those in whose place they came are removed a moment later."""
    kernels.wait_for(lambda: len(list(home.glob("t-*"))) == 1, "the former tree was not removed")
    return next(home.glob("t-*"))


def write(kernel, path, text):
    good(kernel, f"with open({path!r}, 'w') as file: file.write({text!r})\n")


def content(kernel, path):
    return kernel.execute(f"open({path!r}).read()").value()


@pytest.mark.parametrize("place", ["pipe"])  # needs mount
def test_what_is_written_is_there_in_the_next_session(fresh):
    good(fresh, "%sync mount auto /mnt/auto")
    good(fresh, "%sync mount up /mnt/up --no-auto-upload")
    good(fresh, "%sync mount none /mnt/none --no-auto-upload")
    for name in ("auto", "up", "none"):
        write(fresh, f"/mnt/{name}/a", name)
    assert "up /mnt/up: upload Success" in good(fresh, "%sync up up")
    assert "changes in up at /mnt/up, none at /mnt/none" in good(fresh, "%agentbay delete")
    for name in ("auto", "up", "none"):
        good(fresh, f"%sync mount {name} /mnt/{name}")
    assert content(fresh, "/mnt/auto/a") == "'auto'"
    assert content(fresh, "/mnt/up/a") == "'up'"
    assert fresh.execute("import os; os.listdir('/mnt/none')").value() == "[]"


def test_delete_with_sync_uploads_also_what_is_not_uploaded_by_itself(fresh):
    good(fresh, "%sync mount later /mnt/later --no-auto-upload")
    write(fresh, "/mnt/later/a", "x")
    good(fresh, "%agentbay delete --sync")
    good(fresh, "%sync mount later /mnt/later")
    assert content(fresh, "/mnt/later/a") == "'x'"


def test_the_contexts_of_a_new_session_have_the_options_of_a_mount(fresh):
    good(fresh, "%agentbay new --mount kept:/mnt/kept other:/mnt/other --no-auto-upload")
    assert "Uploaded by %sync up only: kept, other" in good(fresh, "%sync")
    write(fresh, "/mnt/kept/a", "x")
    bad(fresh, "%agentbay new --mount kept:/mnt/kept", "would delete session", "--yes")
    assert "is deleted" in good(fresh, "%agentbay new --mount kept:/mnt/kept --yes")
    assert "Uploaded by" not in good(fresh, "%sync")
    assert fresh.execute("import os; os.listdir('/mnt/kept')").value() == "[]"


def test_an_upload_that_fails_is_told_and_keeps_the_session(fresh):
    good(fresh, "%sync mount broken /mnt/broken")
    write(fresh, "/mnt/broken/a", "x")
    home = stored(fresh.home, "broken")
    home.rename(home.with_name("away"))
    bad(fresh, "%sync up", "broken /mnt/broken: No such file", "The session is kept")
    bad(fresh, "%agentbay delete", "No such file", "--force")
    assert content(fresh, "/mnt/broken/a") == "'x'"
    assert "Failed" in good(fresh, "%sync")
    home.with_name("away").rename(home)
    good(fresh, "%agentbay delete")
    good(fresh, "%sync mount broken /mnt/broken")
    assert content(fresh, "/mnt/broken/a") == "'x'"


def test_a_download_that_fails_is_told_and_the_stored_copy_kept(fresh):
    good(fresh, "%sync create lost")
    good(fresh, "%sync put /etc/hostname lost:good")
    home = stored(fresh.home, "lost")
    files = tree(home)
    files.rename(home / "away")
    assert "was not downloaded" in good(fresh, "%sync mount lost /mnt/lost")
    bad(fresh, "%sync up", "was not downloaded", "--force")
    bad(fresh, "%agentbay delete --sync", "was not downloaded", "--force")
    (home / "away").rename(files)
    good(fresh, "%sync down lost --yes")
    assert fresh.execute("import os; os.listdir('/mnt/lost')").value() == "['good']"
    good(fresh, "%agentbay delete")
    assert "good" in good(fresh, "%sync files lost")


def test_a_path_in_use_is_told_and_left_alone(fresh):
    good(fresh, "%sync mount one /mnt/one")
    write(fresh, "/mnt/one/a", "1")
    write(fresh, "/tmp/taken", "2")
    bad(fresh, "%sync mount two /mnt/one", "the context one is mounted there")
    bad(fresh, "%sync mount two /tmp/taken")
    assert content(fresh, "/mnt/one/a") == "'1'"
    assert content(fresh, "/tmp/taken") == "'2'"
    assert good(fresh, "%sync mount one /mnt/one").strip().endswith("already, as it was.")


def test_contexts_are_made_renamed_cleared_and_deleted(kernel):
    good(kernel, "%sync create 'ein Ordner ü'")
    bad(kernel, "%sync create 'ein Ordner ü'", "already")
    good(kernel, "%sync rename 'ein Ordner ü' plain")
    bad(kernel, "%sync rename nothing other", "not found")
    good(kernel, "%sync put /etc/hostname plain:sub/x")
    bad(kernel, "%sync clear plain", "sub/", "--yes")
    good(kernel, "%sync clear plain --yes")
    assert "0 entries" in good(kernel, "%sync files plain")
    bad(kernel, "%sync delete plain", "it is empty", "--yes")
    good(kernel, "%sync delete plain --yes")
    assert "plain" not in good(kernel, "%sync contexts --all")
    bad(kernel, "%sync contexts --limit 0", "1 to 100")


def test_a_context_in_use_is_neither_cleared_nor_deleted(fresh):
    good(fresh, "%sync mount used /mnt/used")
    bad(fresh, "%sync delete used --yes", "in use")
    bad(fresh, "%sync clear used --yes", "in use")


def test_files_go_in_and_out_byte_for_byte_and_no_link_is_shown(kernel, tmp_path):
    source, target = tmp_path / "a b.bin", tmp_path / "out"
    source.write_bytes(os.urandom(3_000_000))
    good(kernel, "%sync create files")
    shown = good(kernel, f"%sync put '{source}' files:deep/")
    bad(kernel, f"%sync put '{source}' files:deep/", "exists", "--force")
    shown += good(kernel, f"%sync put '{source}' files:deep/ --force")
    shown += good(kernel, f"%sync get 'files:deep/a b.bin' {target}")
    assert target.read_bytes() == source.read_bytes()
    bad(kernel, f"%sync get 'files:deep/a b.bin' {target}", "exists")
    bad(kernel, "%sync get files:deep", "is a folder")
    assert "http" not in shown
    bad(kernel, "%sync rm 'files:deep/a b.bin'", "3.0 MB", "--yes")
    good(kernel, "%sync rm 'files:deep/a b.bin' --yes")
    bad(kernel, "%sync files never-made", "not found")


def test_contexts_and_their_files_are_completed(kernel):
    good(kernel, "%sync create 'some words'")
    good(kernel, "%sync put /etc/hostname 'some words:deep/er'")
    for code, found in (
        ("%sync files some", "'some words'"),
        ("%sync get 'some words:deep/", "'some words:deep/er'"),
    ):
        asked = {"code": code, "cursor_pos": len(code)}
        replies = [kernel.ask("complete_request", asked) for _ in range(3)]
        assert replies[0].content["matches"] == [found]
        assert min(each.seconds for each in replies) < 0.2


def test_waiting_and_watching_end_when_nothing_is_under_way(fresh):
    good(fresh, "%sync mount idle /mnt/idle")
    assert "No upload or download" in good(fresh, "%sync wait")
    assert "idle" in good(fresh, "%sync status --watch")
    bad(fresh, "%sync wait long")
    bad(fresh, "%sync status --wach", "Did you mean --watch")


def test_a_folder_is_mirrored_both_ways_and_foreign_changes_are_kept(kernel, tmp_path):
    here, back = tmp_path / "here", tmp_path / "back"
    (here / "sub").mkdir(parents=True)
    (here / "a").write_text("1")
    (here / "sub" / "b").write_text("2")
    (here / "skip.log").write_text("3")
    (here / ".agentbayignore").write_text("*.log\n")
    line = f"%sync folder {here} mirrored --up"
    assert "2 would be copied" in good(kernel, f"{line} --dry-run")
    bad(kernel, f"%sync folder {back} mirrored --down", "There is no folder")
    assert "2 copied" in good(kernel, line)
    write(kernel, "mirrored/a", "changed")
    (here / "a").write_text("new")
    (here / "sub" / "b").unlink()
    assert "1 in conflict and kept" in good(kernel, line)
    assert content(kernel, "mirrored/a") == "'changed'"
    assert "1 removed" in good(kernel, f"{line} --delete")
    assert "1 copied" in good(kernel, f"%sync folder {back} mirrored --down")
    assert (back / "a").read_text() == "changed"
    assert "1 copied" in good(kernel, f"{line} --force")
    assert content(kernel, "mirrored/a") == "'new'"
    (back / "a").write_text("mine")
    assert "1 in conflict" in good(kernel, f"%sync folder {back} mirrored --down")
    assert (back / "a").read_text() == "mine"


def test_a_mirror_that_watches_follows_until_it_is_stopped(kernel, tmp_path):
    (tmp_path / "a").write_text("1")
    code = f"%sync folder {tmp_path} watched --up --watch"
    request = kernel.send("execute_request", kernels.execute_content(code))
    kernel.until(request, lambda each: "1 copied" in str(each["content"].get("data")))
    (tmp_path / "b").write_text("2")
    kernel.until(request, lambda each: "b " in str(each["content"].get("data")))
    kernel.interrupt()
    assert kernel.finish(request).status == "error"
    assert content(kernel, "watched/b") == "'2'"


@pytest.mark.parametrize("end", ["shutdown", "kill"])
def test_a_kernel_that_ends_uploads_first(start_kernel, surroundings, monkeypatch, end):
    monkeypatch.setenv("AGENTBAY_KERNEL_RESTART_WAIT_SECONDS", "1")
    first = start_kernel()
    good(first, "%sync mount kept /mnt/kept")
    write(first, "/mnt/kept/a", end)
    if end == "kill":
        os.kill(first.pid, signal.SIGKILL)
    first.close()
    kernels.wait_for(lambda: not kernels.sessions(), "the session did not end", 30)
    home = stored(surroundings, "kept")
    assert [each.read_text() for each in tree(home).glob("a")] == [end]


def test_a_session_whose_upload_fails_at_the_end_waits_for_the_next_kernel(
    start_kernel, surroundings, monkeypatch
):
    monkeypatch.setenv("JPY_SESSION_NAME", str(surroundings / "note.ipynb"))
    first = start_kernel()
    good(first, "%sync mount kept /mnt/kept")
    write(first, "/mnt/kept/a", "x")
    home = stored(surroundings, "kept")
    home.rename(home.with_name("away"))
    first.close()
    ledger = surroundings / "data" / "ledger"
    kernels.wait_for(
        lambda: any("No such file" in each.read_text() for each in ledger.glob("*.json")),
        "why the session is kept was not noted",
        30,
    )
    home.with_name("away").rename(home)
    second = start_kernel()
    text = good(second, "print('hello')")
    assert "The upload did not succeed" in text
    kept = text.partition("%agentbay attach ")[2].split()[0]
    assert "kept: The upload" in good(second, "%agentbay leftovers")
    good(second, f"%agentbay attach {kept}")
    assert content(second, "/mnt/kept/a") == "'x'"
    good(second, "%agentbay delete")
    assert [each.read_text() for each in tree(home).glob("a")] == ["x"]
