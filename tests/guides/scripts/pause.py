"""Pause and resume keep the interpreter's state."""

from agentbay import AgentBay, CreateSessionParams

agent_bay = AgentBay()
session = agent_bay.create(CreateSessionParams(image_id="code_latest")).session
session.code.run_code("x = 7", "python")
paused = agent_bay.beta_pause(session)
assert paused.success, paused.error_message
assert session.get_status().status == "PAUSED"
resumed = agent_bay.beta_resume(session)
assert resumed.success, resumed.error_message
assert session.code.run_code("x", "python").result == "7"
assert agent_bay.delete(session).success
