"""Contexts through the vendor's client, and the store below it."""

import json

import pytest

from agentbay_kernel.service import mounts
from agentbay_kernel.service.clock import Clock
from agentbay_kernel.service.contexts import ContextStore, relative
from agentbay_kernel.service.errors import ApiError
from tests.service.running import http, vendor, wait_for


@pytest.fixture
def client(service):
    return service.sdk()


@pytest.fixture
def context(client):
    found = client.context.get("notes", create=True)
    assert found.success, found.error_message
    return found.context


def files_of(service, context):
    folder = service.host.contexts.get(context.id).files
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def state_of(service, context):
    return service.ask("GetContext", ContextId=context.id).json["Data"]["State"]


def fill(service, context, **files):
    for name, text in files.items():
        (service.host.contexts.get(context.id).files / name).write_text(text)


def start_with(client, context, path="/mnt/notes", **policy):
    sdk = vendor()
    made = client.create(
        sdk.CreateSessionParams(
            image_id="code_latest",
            context_syncs=[sdk.ContextSync.new(context.id, path, sdk.SyncPolicy(**policy))],
        )
    )
    assert made.success, made.error_message
    return made.session


def mounted(service, path="/mnt/notes"):
    return service.boxes[-1].spec.mounts[path]


def test_a_name_is_made_once(client, context):
    again = client.context.get("notes", create=True)
    assert again.context.id == context.id
    assert [item.name for item in client.context.list().contexts] == ["notes"]


def test_a_missing_name_is_not_found(client):
    assert not client.context.get("other").success


@pytest.mark.parametrize("name", ["a/b", "..", "a\nb", "x" * 129, "back\\slash"])
def test_a_bad_name_is_refused(client, name):
    found = client.context.get(name, create=True)
    assert not found.success and "InvalidParameter.Name" in found.error_message


def test_names_stay_unique(client, context):
    other = client.context.get("other", create=True).context
    other.name = "notes"
    with pytest.raises(Exception, match="NameExists"):
        client.context.update(other)
    context.name = "renamed"
    assert client.context.update(context).success
    assert client.context.get("renamed").context.id == context.id


def test_the_listing_is_walked_by_pages(service, client):
    ids = [client.context.get(f"c{n}", create=True).context.id for n in range(5)]
    seen, token = [], ""
    while True:
        page = service.ask("ListContexts", MaxResults=2, NextToken=token).json
        seen += [item["Id"] for item in page["Data"]]
        token = page["NextToken"]
        if not token:
            break
    assert sorted(seen) == sorted(ids) and len(seen) == 5


def test_a_session_starts_with_the_files_and_leaves_its_own(service, client, context):
    fill(service, context, a="old", b="gone")
    session = start_with(client, context)
    folder = mounted(service)
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]
    (folder / "a").write_text("new")
    (folder / "b").unlink()
    (folder / "deep").mkdir()
    (folder / "deep/c").write_text("more")
    assert state_of(service, context) == "in-use"
    assert session.delete().success
    assert files_of(service, context) == {"a": "new", "deep/c": "more"}
    assert state_of(service, context) == "available"


def test_without_automatic_upload_nothing_is_kept(service, client, context):
    session = start_with(client, context, upload_policy=vendor().UploadPolicy(auto_upload=False))
    (mounted(service) / "a").write_text("lost")
    session.delete()
    assert files_of(service, context) == {}


def test_without_automatic_download_the_folder_is_empty(service, client, context):
    fill(service, context, a="kept")
    policy = vendor().DownloadPolicy(auto_download=False)
    start_with(client, context, download_policy=policy)
    assert list(mounted(service).iterdir()) == []


def test_a_white_list_leaves_the_other_files_of_the_context_alone(service, client, context):
    sdk = vendor()
    fill(service, context, keep="mine")
    bw_list = sdk.BWList(white_lists=[sdk.WhiteList(path="src", exclude_paths=["src/tmp"])])
    session = start_with(client, context, bw_list=bw_list)
    folder = mounted(service)
    assert not (folder / "keep").exists()
    for name in ("src/a", "src/tmp/b", "other"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    session.delete()
    assert files_of(service, context) == {"keep": "mine", "src/a": "x"}


def test_a_deletion_is_not_synced_when_the_policy_says_so(service, client, context):
    fill(service, context, a="kept", b="old")
    policy = vendor().DeletePolicy(sync_local_file=False)
    session = start_with(client, context, delete_policy=policy)
    (mounted(service) / "a").unlink()
    (mounted(service) / "b").write_text("new")
    session.delete()
    assert files_of(service, context) == {"a": "kept", "b": "new"}


def test_of_two_sessions_the_last_upload_wins(service, client, context):
    first = start_with(client, context)
    (mounted(service) / "a").write_text("first")
    second = start_with(client, context)
    (mounted(service) / "a").write_text("second")
    second.delete()
    first.delete()
    assert files_of(service, context) == {"a": "first"}


def test_sync_uploads_now_and_tells_its_course(service, client, context):
    session = start_with(client, context)
    (mounted(service) / "a").write_text("now")
    assert session.context.sync(context.id, "/mnt/notes", mode="upload").success
    assert files_of(service, context) == {"a": "now"}
    done = session.context.info(task_type="upload").context_status_data
    assert [(item.status, item.path, item.error_message) for item in done] == [
        ("Success", "/mnt/notes", "")
    ]
    assert done[0].start_time > 0 and done[0].finish_time >= done[0].start_time


def test_a_failed_upload_keeps_the_good_files_and_says_why(service, client, context):
    fill(service, context, a="good")
    session = start_with(client, context)
    folder = mounted(service)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    session.context.sync(context.id, "/mnt/notes", mode="upload")
    (failed,) = session.context.info(task_type="upload").context_status_data
    assert failed.status == "Failed" and failed.error_message
    assert files_of(service, context) == {"a": "good"}


def test_sync_downloads_over_the_sessions_files(service, client, context):
    session = start_with(client, context)
    fill(service, context, a="later")
    assert session.context.sync(context.id, "/mnt/notes", mode="download").success
    assert (mounted(service) / "a").read_text() == "later"


def test_a_context_is_bound_to_a_running_session(service, client, context):
    fill(service, context, a="x")
    session = client.create(vendor().CreateSessionParams(image_id="code_latest")).session
    bound = session.context.bind(vendor().ContextSync.new(context.id, "/mnt/late"))
    assert bound.success, bound.error_message
    ((name, args),) = service.boxes[-1].calls
    assert (name, args["path"]) == ("bind", "/mnt/late")
    assert (args["source"] / "a").read_text() == "x"
    (found,) = session.context.list_bindings().bindings
    assert (found.context_id, found.context_name, found.path) == (context.id, "notes", "/mnt/late")
    session.delete()
    assert files_of(service, context) == {"a": "x"}


@pytest.mark.parametrize("act", ["delete", "clear"])
def test_a_context_in_use_is_neither_deleted_nor_cleared(client, context, act):
    start_with(client, context)
    with pytest.raises(Exception, match="InUse"):
        getattr(client.context, "clear_async" if act == "clear" else act)(
            context.id if act == "clear" else context
        )


def test_a_cleared_context_is_empty_and_available(service, client, context):
    fill(service, context, a="x")
    assert service.ask("ClearContext", Id=context.id).status == 200
    wait_for(lambda: state_of(service, context) == "available", "clear")
    assert files_of(service, context) == {}


def test_a_deleted_context_is_gone(service, client, context):
    home = service.host.contexts.get(context.id).home
    assert client.context.delete(context).success
    assert not home.exists()
    assert not client.context.get("notes").success


def test_an_unknown_context_is_refused_before_a_session_starts(service, client):
    items = json.dumps([{"ContextId": "SdkCtx-none", "Path": "/mnt/x"}])
    reply = service.ask("CreateMcpSession", PersistenceDataList=items)
    assert reply.json["Code"] == "InvalidContext.NotFound"
    assert service.boxes == []


@pytest.mark.parametrize(
    "items",
    ["{", '[{"ContextId":"x","Path":"relative"}]', '[{"ContextId":"x","Path":"/a/../b"}]', "[1]"],
)
def test_a_binding_that_cannot_be_read_is_refused(service, items):
    reply = service.ask("CreateMcpSession", PersistenceDataList=items)
    assert reply.json["Code"] == "InvalidParameter.PersistenceDataList"


def test_a_file_goes_in_and_out_by_signed_addresses(client, context):
    up = client.context.get_file_upload_url(context.id, "/docs/a.txt")
    sent = http(up.url, b"text", method="PUT")
    assert sent.status == 200 and sent.headers["ETag"]
    (listed,) = client.context.list_files(context.id, "/docs").entries
    assert (listed.file_name, listed.size, listed.file_path) == ("a.txt", 4, "/docs/a.txt")
    down = client.context.get_file_download_url(context.id, "/docs/a.txt")
    assert http(down.url).body == b"text"
    assert client.context.delete_file(context.id, "/docs/a.txt").success
    assert client.context.list_files(context.id, "/docs").entries == []


def test_a_signed_address_serves_one_method_for_an_hour(service, client, context):
    url = client.context.get_file_upload_url(context.id, "a").url
    assert http(url).status == 403
    service.ahead(3599)
    assert http(url, b"x", method="PUT").status == 200
    service.ahead(2)
    expired = http(url, b"x", method="PUT")
    assert expired.status == 403 and "expired" in expired.json["Message"]


def test_a_page_of_the_web_cannot_use_a_signed_address(client, context):
    url = client.context.get_file_upload_url(context.id, "a").url
    assert http(url, b"x", headers={"Origin": "null"}, method="PUT").status == 403


@pytest.mark.parametrize("path", ["../a", "/a/../../b", "/", "a/\0"])
def test_a_file_path_that_leaves_the_context_is_refused(service, context, path):
    reply = service.ask("GetContextFileUploadUrl", ContextId=context.id, FilePath=path)
    assert reply.json["Code"] == "InvalidParameter.FilePath"


def test_a_link_that_leads_out_of_a_context_is_not_followed(service, context, tmp_path):
    (tmp_path / "secret").write_text("s")
    folder = service.host.contexts.get(context.id).files
    (folder / "out").symlink_to(tmp_path)
    reply = service.ask("GetContextFileDownloadUrl", ContextId=context.id, FilePath="out/secret")
    assert reply.status == 400


def test_files_are_listed_by_pages(service, client, context):
    fill(service, context, **{f"f{n}": "x" for n in range(5)})
    pages = [client.context.list_files(context.id, "/", n, 2).entries for n in (1, 2, 3)]
    assert [[entry.file_name for entry in page] for page in pages] == [
        ["f0", "f1"],
        ["f2", "f3"],
        ["f4"],
    ]
    ask = {"ContextId": context.id, "ParentFolderPath": "/", "MaxResults": 3}
    first = service.ask("DescribeContextFiles", **ask).json
    rest = service.ask("DescribeContextFiles", **ask, NextToken=first["NextToken"]).json
    assert [len(first["Data"]), len(rest["Data"]), rest["NextToken"]] == [3, 2, ""]


def test_single_files_go_into_a_session_and_out_of_it(service, client, tmp_path):
    session = client.create(vendor().CreateSessionParams(image_id="code_latest")).session
    (tmp_path / "local").write_text("sent")
    sent = session.file_system.upload_file(str(tmp_path / "local"), "/workspace/in.txt")
    assert sent.success, sent.error_message
    box = service.boxes[-1]
    assert box.host_path("/workspace/in.txt").read_text() == "sent"
    box.host_path("/workspace/out.txt").write_text("made")
    got = session.file_system.download_file("/workspace/out.txt", str(tmp_path / "back"))
    assert got.success, got.error_message
    assert (tmp_path / "back").read_text() == "made"
    assert client.context.list().contexts == []
    session.delete()
    assert not list(service.host.contexts._transfers.glob("*"))


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "contexts", tmp_path / "transfers"


def test_contexts_outlive_the_service(folders):
    made = ContextStore(*folders, Clock()).make("notes")
    (made.files / "a").write_text("x")
    found = ContextStore(*folders, Clock()).named("notes")
    assert found.id == made.id and (found.files / "a").read_text() == "x"


def test_what_an_interrupted_upload_left_is_removed_and_the_good_files_stay(folders):
    store = ContextStore(*folders, Clock())
    made = store.make("notes")
    (made.files / "a").write_text("good")
    (store.fresh(made) / "a").write_text("half")
    found = ContextStore(*folders, Clock()).named("notes")
    assert (found.files / "a").read_text() == "good"
    assert len(list(found.home.glob("t-*"))) == 1


def test_a_context_that_was_never_described_is_removed(folders):
    ContextStore(*folders, Clock())
    (folders[0] / "SdkCtx-half").mkdir()
    ContextStore(*folders, Clock())
    assert list(folders[0].iterdir()) == []


@pytest.mark.parametrize(
    ("path", "base", "found"),
    [
        ("/mnt/n/a", "/mnt/n", "a"),
        ("/a", "", "a"),
        ("b", "/mnt/n", "b"),
        ("/mnt/nx", "/mnt/n", "mnt/nx"),
    ],
)
def test_a_path_of_the_session_stands_for_one_of_the_context(path, base, found):
    assert relative(path, base).as_posix() == found


def test_a_path_that_is_the_context_itself_is_refused():
    with pytest.raises(ApiError):
        relative("/mnt/n", "/mnt/n")


@pytest.fixture
def broken_download(monkeypatch):
    """Downloads fail half way for as long as the list is not empty."""
    broken = ["No space left on device"]
    copy = mounts.trees.copy

    def failing(source, target, **options):
        done = copy(source, target, **options)
        if broken and "fs" not in source.parts and "link" not in options:
            for path in target.rglob("*"):
                path.unlink()
            raise OSError(28, broken[0])
        return done

    monkeypatch.setattr(mounts.trees, "copy", failing)
    return broken


def test_what_did_not_come_down_is_not_uploaded_over_the_stored_copy(
    service, client, context, broken_download
):
    fill(service, context, a="good")
    session = start_with(client, context)
    states = {each.status for each in session.context.info().context_status_data}
    assert states == {"Failed"}
    broken_download.clear()
    (mounted(service) / "b").write_text("made in the session")
    assert client.delete(session).success
    assert files_of(service, context) == {"a": "good"}


def test_what_did_not_come_down_is_uploaded_when_asked_for(
    service, client, context, broken_download
):
    fill(service, context, a="good")
    session = start_with(client, context)
    broken_download.clear()
    (mounted(service) / "b").write_text("wanted")
    assert client.delete(session, sync_context=True).success
    assert "b" in files_of(service, context)
