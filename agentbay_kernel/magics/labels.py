"""`%agentbay labels`: the labels by which a session is found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import UsageError
from agentbay_kernel.identity import is_reserved
from agentbay_kernel.magics import known, render
from agentbay_kernel.magics.registry import Context, argument, command

if TYPE_CHECKING:
    from collections.abc import Iterable


def parse_labels(words: Iterable[str]) -> dict[str, str]:
    """`key=value` words as a mapping; raises UsageError for an empty key or value."""
    labels = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (equals and key.strip() and value.strip()):
            raise UsageError(
                f"{word!r} is no label", next_step="Write labels as key=value, neither empty"
            )
        labels[key.strip()] = value.strip()
    return labels


def label_option(help: str) -> Any:
    """The option `--label`, which takes one or more labels and may be repeated."""
    return argument(
        "--label", action="extend", nargs="+", default=[], metavar="KEY=VALUE", help=help
    )


def visible(labels: dict[str, str]) -> dict[str, str]:
    """The labels without the reserved ones."""
    return {key: value for key, value in labels.items() if not is_reserved(key)}


@command(
    "agentbay",
    "labels",
    argument("labels", nargs="*", metavar="KEY=VALUE", help="labels to add or change"),
    argument("--remove", nargs="+", default=[], metavar="KEY", help="labels to take away"),
    argument("--replace", action="store_true", help="drop all labels that are not given"),
    argument("--all", action="store_true", help="show the kernel's own labels too"),
    complete={"labels": known.label_pairs, "--remove": known.label_keys},
)
async def labels(context: Context, args: Any) -> Any:
    """Show the session's labels, or add, change, remove or replace them.

    Without arguments the labels are shown. Keys and values may not be empty. The kernel's own
    labels (agentbay-kernel.*) are kept in any case. The result is read back and shown.
    """
    given = parse_labels(args.labels)
    if bad := [key for key in (*given, *args.remove) if is_reserved(key)]:
        raise UsageError(f"{bad[0]} is one of the kernel's own labels, which cannot be changed")
    if args.replace and not given:
        raise UsageError("--replace needs the labels that shall remain")
    session = await context.manager.ensure()
    now = await session.labels()
    if missing := [key for key in args.remove if key not in now]:
        raise UsageError(f"The session has no label {missing[0]!r}")
    if given or args.remove:
        kept = {key: now[key] for key in now if is_reserved(key)} if args.replace else now
        new = {**kept, **given}
        await session.set_labels({k: v for k, v in new.items() if k not in args.remove})
        now = await session.labels()
    context.manager.used()
    shown = now if args.all else visible(now)
    note = "" if shown else "No labels. Add some: %agentbay labels project=demo"
    context.emit(render.table(("label", "value"), sorted(shown.items()), note))
    return shown
