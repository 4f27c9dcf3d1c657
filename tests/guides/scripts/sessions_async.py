"""The vendor's async SDK: create, run, stream, files, labels, list, delete."""

import asyncio

from agentbay import AsyncAgentBay, CreateSessionParams


async def main():
    agent_bay = AsyncAgentBay()
    made = await agent_bay.create(
        CreateSessionParams(image_id="code_latest", labels={"kind": "async"})
    )
    assert made.success, made.error_message
    session = made.session
    heard = []
    streamed = await session.code.run_code(
        "print('a')\n{'x': 1}", "python", stream_beta=True, on_stdout=heard.append
    )
    assert streamed.success, streamed.error_message
    assert heard == ["a\n"]
    assert streamed.result == "{'x': 1}"
    plain = await session.code.run_code("2 + 2", "python")
    assert plain.result == "4"
    command = await session.command.execute_command("pwd")
    assert command.stdout.strip() == "/workspace"
    assert (await session.file_system.write_file("/workspace/a.txt", "é")).success
    assert (await session.file_system.read_file("/workspace/a.txt")).content == "é"
    assert (await session.get_labels()).data == {"kind": "async"}
    listed = await agent_bay.list(labels={"kind": "async"})
    assert [each["sessionId"] for each in listed.session_ids] == [session.session_id]
    link = await session.get_link(port=30150)
    assert link.data.startswith("ws")
    assert (await session.delete()).success


asyncio.run(main())
