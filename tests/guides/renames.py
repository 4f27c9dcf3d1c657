"""What the guides say in their SDKs' versions, and what today's SDK of the same vendor calls it.

The one table by which the guides' snippets are ported: each old text is replaced by the new one, in
this order, and nothing else is changed.
"""

from __future__ import annotations

RENAMES: dict[str, tuple[tuple[str, str], ...]] = {
    "agentbay": (
        # The environment gives key and endpoint.
        ('AgentBay(api_key="your_api_key")', "AgentBay()"),
        # Modules: all names are the package's own since 0.13.
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
        ("Session ID: {session.session_id}", "Session ID: {session['sessionId']}"),
        # The asynchronous methods are those of AsyncSession and have no suffix.
        ("get_link_async(", "get_link("),
    ),
    "agb": (
        # The environment gives key and endpoint.
        ('AGB(api_key="your_api_key")', "AGB()"),
        # All names of 0.9.
        ("code.run_code(", "code.run("),
        ("command.execute_command(", "command.execute("),
        ("file_system.read_file(", "file.read("),
        ("hasattr(session, 'file_system')", "hasattr(session, 'file')"),
        # The listing is of ids.
        ("sessions = agb.list()", "sessions = agb.list().session_ids"),
        ("- {session.session_id}", "- {session}"),
        # Object storage is gone; what it was for is done by the file module.
        (
            'oss.upload_file("local.txt", "remote.txt")',
            'file.upload("local.txt", "/workspace/remote.txt")',
        ),
        # The guide forgets what makes its generator a context manager.
        ("def monitor_session_usage", "@contextlib.contextmanager\ndef monitor_session_usage"),
    ),
}


def ported(text: str, vendor: str) -> str:
    """A snippet of a vendor's guides in the words of its today's SDK."""
    for old, new in RENAMES[vendor]:
        text = text.replace(old, new)
    return text
