"""Chooses the provider of sessions; the SDKs are imported when one is first used."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentbay_kernel import config, credentials

if TYPE_CHECKING:
    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.session import Provider

AGENTBAY_KEY = "AGENTBAY_API_KEY"
AGB_KEY = "AGB_API_KEY"
KEYS = {"agentbay": AGENTBAY_KEY, "agb": AGB_KEY}
"""The variables of the clouds' keys."""
NAMES = {"agentbay": "AgentBay", "agb": "AGB", "local": "local"}
"""What users call them."""
REGISTRY: dict[str, str] = {}
"""Where the class of each provider is, as `module:class`."""


def register(name: str, place: str) -> None:
    """Offer a provider as a value of the option `provider`."""
    REGISTRY[name] = place
    if name not in config.PROVIDERS:
        config.PROVIDERS.append(name)


register("agentbay", "agentbay_kernel.providers.agentbay:AgentBayProvider")
register("agb", "agentbay_kernel.providers.agb:AgbProvider")
register("local", "agentbay_kernel.providers.local:LocalProvider")


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
    provider: Provider = find(choose(options).name).of(options)
    return provider


def find(name: str) -> Any:
    """The class of a provider."""
    module, _, kind = REGISTRY[name].partition(":")
    return getattr(importlib.import_module(module), kind)


def preload(options: AgentBayOptions) -> None:
    """Import the SDK of the chosen provider in the background."""
    find(choose(options).name).preload()


def _agb_installed() -> bool:
    from agentbay_kernel.providers._agb_sdk import installed

    return installed()


async def check_key(options: AgentBayOptions, key: str, name: str = "agentbay") -> None:
    """Ask a cloud something harmless with a key; raises KeyRefused, Unreachable."""
    provider = find(name).by_key(key, options)
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
