"""Chooses the provider of sessions; the SDKs are imported when one is first used."""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentbay_kernel import credentials
from agentbay_kernel.errors import NotSupported

if TYPE_CHECKING:
    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.session import Provider

AGENTBAY_KEY = "AGENTBAY_API_KEY"
AGB_KEY = "AGB_API_KEY"


@dataclass(frozen=True, slots=True)
class Choice:
    """The provider that the options and the environment lead to, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


def choose(options: AgentBayOptions) -> Choice:
    """Which provider `make` gives, found without asking anybody."""
    if options.provider != "auto":
        return Choice(options.provider, f"provider = {options.provider}")
    if _key(AGENTBAY_KEY):
        if options.region or not _is_own_service(options.endpoint):
            return Choice("agentbay", _source(AGENTBAY_KEY))
        return Choice("local", "AGENTBAY_ENDPOINT is the local service")
    if not _key(AGB_KEY):
        return Choice("local", f"no {AGENTBAY_KEY} is set")
    if not _agb_installed():
        return Choice("local", f"{AGB_KEY} is set, but agentbay-kernel[agb] is not installed")
    if _is_own_service(os.environ.get("AGB_ENDPOINT", "")):
        return Choice("local", "AGB_ENDPOINT is the local service")
    return Choice("agb", _source(AGB_KEY))


def engine(options: AgentBayOptions) -> str:
    """What runs the cells of local sessions, empty for other providers."""
    if choose(options).name != "local":
        return ""
    from agentbay_kernel.providers.local import own_engine

    return own_engine() or options.engine


def make(options: AgentBayOptions) -> Provider:
    """The chosen provider; may start the local service, so not for a running loop."""
    name = choose(options).name
    if name == "local":
        from agentbay_kernel.providers.local import LocalProvider

        return LocalProvider(options)
    if name == "agb":
        return _make_agb(options)
    from agentbay_kernel.providers.agentbay import AgentBayProvider

    return AgentBayProvider(
        _key(AGENTBAY_KEY),
        region=options.region,
        endpoint=options.endpoint,
        stream=options.stream,
    )


def preload(options: AgentBayOptions) -> None:
    """Import the SDK of the chosen provider in the background."""
    if choose(options).name != "agb":
        importlib.import_module("agentbay_kernel.providers.local")
        from agentbay_kernel.providers import _containment

        _containment.preload()


def _make_agb(options: AgentBayOptions) -> Provider:
    if not _agb_installed():
        raise NotSupported(
            "The provider agb is not installed",
            next_step="Install it: pip install 'agentbay-kernel[agb]'",
        )
    module = importlib.import_module("agentbay_kernel.providers.agb")
    provider: Provider = module.AgbProvider(_key(AGB_KEY), stream=options.stream)
    return provider


def _agb_installed() -> bool:
    names = ("agentbay_kernel.providers.agb", "agb")
    return all(importlib.util.find_spec(name) is not None for name in names)


async def check_key(options: AgentBayOptions, key: str) -> None:
    """Ask AgentBay something harmless with a key; raises KeyRefused, Unreachable."""
    from agentbay_kernel.providers.agentbay import AgentBayProvider

    provider = AgentBayProvider(key, region=options.region, endpoint=options.endpoint)
    try:
        await provider.list({}, limit=1)
    finally:
        await provider.close()


def _key(variable: str) -> str:
    return credentials.find(variable).key


def _source(variable: str) -> str:
    return f"{variable} is set" if os.environ.get(variable, "").strip() else "a key by login"


def _is_own_service(endpoint: str) -> bool:
    if not endpoint.startswith("http://"):
        return False
    from agentbay_kernel.providers.local import own_address

    return endpoint.rstrip("/") == own_address()
