"""`%agentbay config` and `login`: the options and the key, and where each comes from."""

from __future__ import annotations

import os
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agentbay_kernel import credentials, providers
from agentbay_kernel.errors import UsageError
from agentbay_kernel.magics import render
from agentbay_kernel.magics.registry import Context, argument, command
from agentbay_kernel.providers import KEYS, NAMES

if TYPE_CHECKING:
    from agentbay_kernel.config import AgentBayOptions

HIDDEN = "•••"
NEW_KERNELS = "Kernels that start from now on use it: restart this one."


@command("agentbay", "config")
async def config(context: Context, _args: Any) -> Any:
    """Show each option: its value, and where that comes from.

    Precedence: command line, config file, environment variable, default. Of a key only the place
    is shown where it was found: its variable, else what `%agentbay login` stored.
    """
    options = context.manager.options
    names = sorted(options.trait_names(config=True))
    rows = [(name, _public(getattr(options, name)), origin(options, name)) for name in names]
    for variable in KEYS.values():
        found = credentials.find(variable)
        rows.append((variable, HIDDEN if found.key else "", found.where or "not set"))
    rows += [
        (f"{scheme} proxy", _public(url), "environment")
        for scheme, url in sorted(urllib.request.getproxies().items())
        if scheme in ("http", "https", "all")
    ]
    choice = providers.choose(options)
    note = f"Sessions live at the provider {choice.name} ({choice.reason})."
    context.emit(render.table(("option", "value", "from"), rows, note))
    return [dict(zip(("option", "value", "from"), row, strict=True)) for row in rows]


def origin(options: AgentBayOptions, name: str) -> str:
    """Where an option's value comes from."""
    section = type(options).__name__
    app = options.parent
    while app is not None and not hasattr(app, "cli_config"):
        app = getattr(app, "parent", None)
    if app is not None and name in app.cli_config.get(section, {}):
        return "command line"
    if name in options.config.get(section, {}):
        return "config file"
    trait = options.traits()[name]
    variable = trait.metadata.get("env", "")
    if os.environ.get(variable):
        return f"variable {variable}"
    return "default" if getattr(options, name) == trait.default() else "set by the program"


def _public(value: object) -> str:
    """A value as it may be shown: the name and password of an address are taken out."""
    text = str(value)
    host = urlsplit(text).netloc
    return text.replace(host, f"{HIDDEN}@{host.rpartition('@')[2]}") if "@" in host else text


@command(
    "agentbay",
    "login",
    argument("words", nargs="*", help="nothing: the key is asked for, so that no notebook has it"),
    argument("--provider", choices=tuple(KEYS), default="agentbay", help="whose key, agentbay's"),
    argument("--forget", action="store_true", help="remove the key that was stored"),
)
async def login(context: Context, args: Any) -> Any:
    """Ask for the API key of AgentBay, or of AGB, try it, and store it for later kernels.

    It is stored in the system's keyring where there is one, else in a file that only you can read.
    The variable AGENTBAY_API_KEY or AGB_API_KEY has precedence over it.
    """
    if args.words:
        raise UsageError(
            "A key that is typed into a cell stays in the notebook; it was not used",
            next_step="Take it out of the cell, then %agentbay login asks for it",
        )
    variable = KEYS[args.provider]
    if args.forget:
        where = credentials.forget(variable)
        text = f"The key is removed from {where}." if where else "No key was stored."
        context.emit(render.line(text))
        return where
    key = (await context.ask_secret(f"{NAMES[args.provider]} API key: ")).strip()
    if not key:
        raise UsageError("No key was given; nothing is stored")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise UsageError("That is no key: it has blanks or other signs in it; nothing is stored")
    await providers.check_key(context.manager.options, key, args.provider)
    where = credentials.store(variable, key)
    note = ""
    if os.environ.get(variable):
        note = f" The variable {variable} is set, and has precedence."
    context.emit(render.line(f"The key is accepted and stored in {where}.{note} {NEW_KERNELS}"))
    return where
