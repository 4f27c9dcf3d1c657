"""The first part of the check: versions, key, endpoint, proxy, clock."""

from __future__ import annotations

import asyncio
import email.utils
import importlib.metadata
import os
import platform
import time
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agentbay_kernel import __version__, credentials, providers
from agentbay_kernel.doctor.finding import FAILED, OK, Finding, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.session import Provider

REACH_SECONDS = 10.0
MOST_SKEW = 60.0
SDK = "wuying-agentbay-sdk"
PACKAGES = ("ipykernel", "ipywidgets")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def known(options: AgentBayOptions) -> Iterator[Finding]:
    """What can be told without asking anybody."""
    choice = providers.choose(options)
    yield Finding("versions", OK, _versions(choice.name))
    yield Finding("provider", OK, f"{choice.name} ({choice.reason})")
    if choice.name == "local":
        yield Finding("key", OK, "the local service needs none")
    else:
        where = credentials.find(providers.KEYS.get(choice.name, "")).where
        advice = "" if where else f"%agentbay login --provider {choice.name} stores one"
        yield Finding("key", OK if where else FAILED, where or "none is known", advice)
    yield _proxies()


def _versions(provider: str) -> str:
    found = [f"agentbay-kernel {__version__}", f"Python {platform.python_version()}"]
    for name in ("agbcloud-sdk" if provider == "agb" else SDK, *PACKAGES):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} missing")
    return ", ".join([*found, platform.platform(terse=True)])


def _proxies() -> Finding:
    found = urllib.request.getproxies()
    hosts = {kind: urlsplit(found[kind]).netloc.rpartition("@")[2] for kind in found}
    shown = ", ".join(
        f"{kind}: {hosts[kind]}" for kind in ("http", "https", "all") if kind in hosts
    )
    if not shown:
        return Finding("proxy", OK, "none is set")
    ignored = "" if not os.environ.get("NO_PROXY") else "The SDK does not follow NO_PROXY"
    return Finding("proxy", OK, shown, ignored)


async def reach(provider: Provider) -> str:
    """Connect to the endpoint, and give its address."""
    if not provider.endpoint:
        return "the local service starts with the first session"
    status, _ = await asyncio.to_thread(_ask, provider.endpoint)
    return f"{urlsplit(_url(provider.endpoint)).netloc} answers (HTTP {status})"


async def clock(provider: Provider) -> str:
    """Compare this computer's clock with the endpoint's."""
    if not provider.endpoint:
        return "this computer's own"
    _, date = await asyncio.to_thread(_ask, provider.endpoint)
    if not date:
        raise Trouble("the endpoint tells no time", cannot=True)
    skew = time.time() - email.utils.parsedate_to_datetime(date).timestamp()
    if abs(skew) > MOST_SKEW:
        side = "fast" if skew > 0 else "slow"
        raise Trouble(
            f"this computer's clock is {abs(skew):.0f} s {side}",
            "Set it right: keys and links may be refused as expired or not yet valid",
        )
    return "right to within a few seconds" if abs(skew) < 3 else f"off by {skew:+.0f} s"


def _url(endpoint: str) -> str:
    return endpoint if "://" in endpoint else f"https://{endpoint}"


def _ask(endpoint: str) -> tuple[int, str]:
    import requests

    url = _url(endpoint)
    with requests.Session() as http:
        http.trust_env = urlsplit(url).hostname not in LOOPBACK
        try:
            with http.get(url, timeout=REACH_SECONDS, stream=True, allow_redirects=False) as found:
                return found.status_code, found.headers.get("Date", "")
        except requests.exceptions.ProxyError:
            raise Trouble("the proxy does not let through", "Check HTTPS_PROXY") from None
        except requests.exceptions.SSLError:
            raise Trouble(
                "the certificate is not accepted",
                "A proxy that opens TLS needs its certificate in REQUESTS_CA_BUNDLE",
            ) from None
        except requests.exceptions.RequestException as error:
            raise Trouble(
                f"{urlsplit(url).netloc} is out of reach ({type(error).__name__})",
                "Check the network and AGENTBAY_ENDPOINT or _REGION_ID; of AGB AGB_ENDPOINT",
            ) from None
