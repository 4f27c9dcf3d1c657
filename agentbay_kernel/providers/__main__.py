"""Print what each provider can, for README: `python -m agentbay_kernel.providers`."""

from __future__ import annotations

import sys
from dataclasses import fields

from agentbay_kernel import providers
from agentbay_kernel.session import Capabilities

WORDS = {
    "stream": "streams output",
    "pty": "terminal",
    "shell": "shell",
    "pause": "pause",
    "mount": "mount while it runs",
    "variables": "set variables",
    "watch": "watch files",
    "store": "large files by store",
    "bucket": "`oss://`",
    "lifetime": "longest life",
}


def table() -> str:
    """The table in Markdown; providers that can the same share a row."""
    names = [each.name for each in fields(Capabilities) if each.name != "reasons"]
    rows: dict[tuple[str, ...], list[str]] = {}
    for name, called in providers.NAMES.items():
        can = providers.find(name).vendor.capabilities
        marks = tuple("✓" if getattr(can, each) else "–" for each in names)
        rows.setdefault(marks, []).append(called)
    lines = [["", *(WORDS[each] for each in names)], ["---"] * (len(names) + 1)]
    lines += [[", ".join(who), *marks] for marks, who in rows.items()]
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)


if __name__ == "__main__":
    sys.stdout.write(table())
