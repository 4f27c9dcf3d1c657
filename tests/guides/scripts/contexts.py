"""Contexts kept from one session to the next, and delete with sync."""

from agentbay import AgentBay, ContextSync, CreateSessionParams, SyncPolicy

agent_bay = AgentBay()
context = agent_bay.context.get("kept", create=True).context


def start():
    sync = ContextSync.new(context_id=context.id, path="/mnt/data", policy=SyncPolicy.default())
    result = agent_bay.create(CreateSessionParams(image_id="code_latest", context_syncs=[sync]))
    assert result.success, result.error_message
    return result.session


first = start()
assert first.file_system.write_file("/mnt/data/note.txt", "one").success
assert agent_bay.delete(first, sync_context=True).success

second = start()
assert second.file_system.read_file("/mnt/data/note.txt").content == "one"
assert second.code.run_code("open('/mnt/data/note.txt').read()", "python").result == "'one'"
second.file_system.write_file("/mnt/data/note.txt", "two")
statuses = second.context.info().context_status_data
assert {each.status for each in statuses} == {"Success"}
assert agent_bay.delete(second).success  # autoUpload

third = start()
assert third.file_system.read_file("/mnt/data/note.txt").content == "two"
assert agent_bay.delete(third).success

names = [each.name for each in agent_bay.context.list().contexts]
assert names == ["kept"]
listed = agent_bay.context.list_files(context.id, "/")
assert [entry.file_name for entry in listed.entries] == ["note.txt"]
assert agent_bay.context.delete(context).success
assert agent_bay.context.list().contexts == []
