"""Print the reference of all magics: `python -m agentbay_kernel.magics > README.md`."""

from __future__ import annotations

import sys

from agentbay_kernel import magics
from agentbay_kernel.magics.registry import COMMANDS, help_page


def reference() -> str:
    """The reference in Markdown, from the docstrings."""
    magics.inspect("%agentbay", 1)  # loads the families
    parts = ["# The magics\n\nGenerated from the docstrings; `%MAGIC COMMAND?` shows the same.\n"]
    for magic in dict.fromkeys(magic for magic, _ in COMMANDS):
        parts.append(f"## {magic}\n\n```text\n{help_page(magic).strip()}\n```\n")
        for command in COMMANDS.values():
            if command.magic == magic and command.name:
                text = help_page(magic, command.name).strip()
                parts.append(f"### {command.words}\n\n```text\n{text}\n```\n")
    title, _, text = magics.help_of("local").partition("\n\n")
    parts.append(f"## {title}\n\n{text}")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(reference())
