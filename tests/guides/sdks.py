"""What a snippet of each vendor's guides takes for granted of the vendor's SDK."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from agentbay_kernel.providers._agb_sdk import LIBRARY


@dataclass(frozen=True)
class Sdk:
    """One vendor's SDK: its classes, and the names that the guides do not import."""

    client: Any
    session: Any
    params: Any
    image: str
    own_name: str
    given: dict[str, Any]

    def linked(self) -> Any:
        """A session of the asynchronous client, on the image whose link needs no port."""
        from agentbay import AsyncAgentBay

        made = self.client().create(self.params(image_id="browser_latest"))
        return asyncio.run(AsyncAgentBay().get(made.session.session_id)).session


def load(vendor: str) -> Sdk:
    """The SDK of a vendor."""
    return _agb() if vendor == "agb" else _agentbay()


def _agentbay() -> Sdk:
    import agentbay

    names = ("AgentBay", "AgentBayError", "SessionError", "CreateSessionParams")
    given = {name: getattr(agentbay, name) for name in (*names, "ListSessionParams")}
    client, session, params = agentbay.AgentBay, agentbay.Session, agentbay.CreateSessionParams
    return Sdk(client, session, params, "code_latest", "agent_bay", given)


def _agb() -> Sdk:
    LIBRARY.load()  # as the provider does, in whose process these tests may run
    from agb import AGB
    from agb.session import Session
    from agb.session_params import CreateSessionParams

    given = {"AGB": AGB, "CreateSessionParams": CreateSessionParams}
    return Sdk(AGB, Session, CreateSessionParams, "agb-code-space-1", "agb", given)
