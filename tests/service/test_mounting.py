"""Contexts mounted in sessions: what takes part, and what a failed upload leaves."""

import pytest

from tests.service.running import vendor


@pytest.fixture
def client(service):
    return service.sdk()


@pytest.fixture
def begin(service, client):
    """Starts a session with a context; the session, its folder there and the context stored."""

    def begin(**policy):
        sdk = vendor()
        context = client.context.get("notes", create=True).context
        sync = sdk.ContextSync.new(context.id, "/mnt/notes", sdk.SyncPolicy(**policy))
        params = sdk.CreateSessionParams(image_id="code_latest", context_syncs=[sync])
        session = client.create(params).session
        return session, service.boxes[-1].spec.mounts["/mnt/notes"], context

    return begin


@pytest.mark.parametrize("path", ["src", "/src", "/mnt/notes/src", "/mnt/notes/src/"])
def test_a_white_list_names_folders_of_the_mount_or_of_the_session(service, client, begin, path):
    sdk = vendor()
    session, folder, context = begin(bw_list=sdk.BWList([sdk.WhiteList(path)]))
    for name in ("src", "srcs"):
        (folder / name).mkdir()
        (folder / name / "a").write_text(name)
    assert client.delete(session).success
    stored = service.host.contexts.get(context.id).files
    assert [each.relative_to(stored).as_posix() for each in stored.rglob("a")] == ["src/a"]


def test_what_cannot_be_uploaded_at_the_end_is_kept_beside_the_contexts(service, client, begin):
    session, folder, context = begin()
    (folder / "a").write_text("only here")
    home = service.host.contexts.get(context.id).home
    home.rename(home.with_name("away"))
    client.delete(session)
    rescued = home.parent.parent / "rescued" / session.session_id / "mnt" / "notes" / "a"
    assert rescued.read_text() == "only here"


def test_no_upload_looks_ended_while_another_goes_before_it(service, client, begin):
    sdk = vendor()
    session, _folder, _context = begin()
    other = client.context.get("other", create=True).context
    assert session.context.bind(sdk.ContextSync.new(other.id, "/mnt/other", sdk.SyncPolicy()))
    assert session.context.sync(mode="upload").success
    store, seen = service.host.contexts, []
    fresh = store.fresh

    def looking(of):
        course = service.host.sessions.get(session.session_id).syncs
        seen.append([each.status for key, each in course.items() if key[2] == "upload"])
        return fresh(of)

    store.fresh = looking
    assert session.context.sync(mode="upload").success
    assert seen[0] == ["Preparing", "Preparing"]
