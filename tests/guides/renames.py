"""What the guides say in their SDKs' versions, and what today's AgentBay SDK calls it.

The one table by which the guides' snippets are ported: each old text is replaced by the new one, in
this order, and nothing else is changed.
"""

from __future__ import annotations

RENAMES: tuple[tuple[str, str], ...] = (
    # The client of AGB and its image. The environment gives key and endpoint.
    ("from agb import AGB", "from agentbay import AgentBay"),
    ('AGB(api_key="your_api_key")', "AgentBay()"),
    ('AgentBay(api_key="your_api_key")', "AgentBay()"),
    ("AGB()", "AgentBay()"),
    ("agb: AGB", "agb: AgentBay"),
    ("agb-code-space-1", "code_latest"),
    # Modules: all names are the package's own since 0.13.
    ("from agb.session_params import", "from agentbay import"),
    ("from agentbay.session_params import", "from agentbay import"),
    ("from agentbay.context_sync import", "from agentbay import"),
    # Listing: by keyword, a page by its number; the sessions are rows, not objects.
    (
        "next_page = agent_bay.list_by_labels(params)",
        "next_page = agent_bay.list(labels=params.labels, page=2, limit=params.max_results)",
    ),
    (
        "second_page = agent_bay.list_by_labels(params)",
        "second_page = agent_bay.list(labels=params.labels, page=2, limit=params.max_results)",
    ),
    (
        "agent_bay.list_by_labels(params)",
        "agent_bay.list(labels=params.labels, limit=params.max_results)",
    ),
    (".sessions)", ".session_ids)"),
    ("in result.sessions:", "in result.session_ids:"),
    ("sessions = agb.list()", "sessions = agb.list().session_ids"),
    ("Session ID: {session.session_id}", "Session ID: {session['sessionId']}"),
    ("- {session.session_id}", "- {session['sessionId']}"),
    # The facts of a session are an object's attributes, not a dictionary's keys.
    ("data['session_id']", "data.session_id"),
    ("data['resource_url']", "data.resource_url"),
    ("data['app_id']", "data.app_id"),
    ("data['auth_code']", "data.auth_code"),
    ("data['ticket']", "data.ticket"),
    ("data.get('session_id')", "data.session_id"),
    ("data.get('resource_url')", "data.resource_url"),
    ("data.get('app_id', 'N/A')", "data.app_id"),
    ("info.get('session_id')", "info.session_id"),
    ("'app_id' in data", "hasattr(data, 'app_id')"),
    # Object storage.
    (
        'oss.upload_file("local.txt", "remote.txt")',
        'oss.upload("bucket", "remote.txt", "local.txt")',
    ),
    # The asynchronous methods are those of AsyncSession and have no suffix.
    ("get_link_async(", "get_link("),
    # The guide forgets what makes its generator a context manager.
    ("def monitor_session_usage", "@contextlib.contextmanager\ndef monitor_session_usage"),
)


def ported(text: str) -> str:
    """A snippet of the guides in the words of today's SDK."""
    for old, new in RENAMES:
        text = text.replace(old, new)
    return text
