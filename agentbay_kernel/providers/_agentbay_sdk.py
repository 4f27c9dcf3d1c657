"""AgentBay's SDK: its import, and what it does not do as the port wants it."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import SessionGone
from agentbay_kernel.late_tls import LATE_TLS
from agentbay_kernel.providers._containment import Library, direct, is_direct
from agentbay_kernel.providers._late_models import PYDANTIC
from agentbay_kernel.session import Capabilities
from agentbay_kernel.stand_ins import PutOff

if TYPE_CHECKING:
    from collections.abc import Callable

SDK_LOGGER = "agentbay._common.logger"
_WITH_MODELS = (
    "agentbay._common.models.agent",
    "agentbay._common.models.browser_operator",
    "agentbay._sync.browser_operator",
    "agentbay._async.browser_operator",
)
PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})


def _stand_ins() -> dict[str, dict[str, Any]]:
    """What single modules find in place of what they import.

    The SDK's logging module removes the sinks of the program's loguru, adds its own, and opens a
    log file where it is imported. The others call a log client, a scheduler and signatures for
    kinds of credentials that are no API key, and a browser where one is installed, or say what an
    agent may answer: half of the whole import.
    """
    primitives = "cryptography.hazmat.primitives"
    put_off = {
        "agentbay._common.trace_manager": (
            "aliyun.log", "aliyun.log.putlogsrequest", "aliyun.log.logitem",
        ),
        "alibabacloud_credentials.provider.ecs_ram_role": ("apscheduler.schedulers.background",),
        "alibabacloud_tea_openapi.utils": (
            primitives, f"{primitives}.asymmetric", f"{primitives}.serialization",
        ),
    }  # fmt: skip
    if importlib.util.find_spec("playwright") is not None:
        put_off["agentbay._sync.fingerprint"] = ("playwright.sync_api",)
        put_off["agentbay._async.fingerprint"] = ("playwright.async_api",)
    return {
        **LATE_TLS,
        SDK_LOGGER: {"os": _LoggerOs()},
        **{name: {"pydantic": PYDANTIC} for name in _WITH_MODELS},
        **{user: {name: PutOff(name) for name in names} for user, names in put_off.items()},
    }


class _LoggerOs:
    """`os` for the SDK's logging module, whose log file is the null device."""

    def getenv(self, name: str, default: str | None = None) -> str | None:
        return os.devnull if name == "AGENTBAY_LOG_FILE" else os.environ.get(name, default)

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


def _silence_handlers() -> None:
    """Take away the stderr handlers that the SDK's dependencies give their own loggers."""
    for name in ("darabonba-core", "alibabacloud-tea", "credentials"):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if type(handler) is logging.StreamHandler:
                logger.removeHandler(handler)
        # At DEBUG they would fill the host's root handlers with request headers.
        logger.setLevel(logging.WARNING)


def sync_session(key: str, region: str, endpoint: str, session_id: str, *, local: bool) -> Any:
    """The SDK's own `Session`, whose functions block, found by its id; raises SessionGone.

    When it is `local`, no proxy of the environment is used.
    """
    sdk = LIBRARY.load()
    # Any Config keeps the SDK from reading `.env` files into the environment.
    config = sdk.Config(region_id=region or None)
    config.endpoint = None if region else endpoint
    account = sdk.AgentBay(api_key=key, cfg=config)
    if local and hasattr(account.client, "do_rpcrequest"):
        account.client.do_rpcrequest = _directly(account.client.do_rpcrequest)
    result = account.get(session_id)
    if not result.success:
        raise SessionGone(f"Session {session_id} was not found")
    if local and hasattr(result.session, "_link_http_client"):
        httpx: Any = importlib.import_module("httpx")
        result.session._link_http_client = httpx.Client(timeout=900, trust_env=False)
    return result.session


def _directly(call: Callable[..., Any]) -> Callable[..., Any]:
    def calling(*arguments: Any, **options: Any) -> Any:
        with direct():
            return call(*arguments, **options)

    return calling


def _tidy() -> None:
    _silence_handlers()
    darabonba: Any = importlib.import_module("darabonba.core")
    if hasattr(darabonba, "os"):
        # It reads proxy variables without heed of NO_PROXY; `os.environ` itself stays as it is
        # for all other code.
        darabonba.os = _DarabonbaOs()


class _DarabonbaOs:
    """`os` for darabonba, whose environment hides the proxies within `direct`."""

    environ = property(lambda self: _Environ())

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


class _Environ:
    def get(self, name: str, default: str | None = None) -> str | None:
        if is_direct() and name.lower() in PROXIES:
            return default
        return os.environ.get(name, default)

    def __getattr__(self, name: str) -> Any:
        return getattr(os.environ, name)


LIBRARY = Library("agentbay", SDK_LOGGER, _stand_ins, _tidy)


class AgentBayWords:
    """AgentBay's own words."""

    name = "AgentBay"
    key_variable = "AGENTBAY_API_KEY"
    tools_image = "linux_latest"
    capabilities = Capabilities(
        stream=True,
        pty=True,
        shell=True,
        pause=True,
        mount=True,
        variables=True,
        watch=True,
        store=True,
        bucket=True,
        lifetime=True,
    )

    def words(self) -> Any:
        """The SDK's classes for a mount and its policy."""
        return LIBRARY.load()

    def context_page(self, limit: int, token: str) -> Any:
        """The SDK's wish for one page of contexts."""
        return LIBRARY.load().ContextListParams(limit, token or None)

    async def list_tools(self, sdk: Any, image: str) -> Any:
        """Ask for an image's tools."""
        models: Any = __import__("agentbay.api.models", fromlist=["ListMcpToolsRequest"])
        # The SDK's own method of a session leaves out descriptions and schemas.
        request = models.ListMcpToolsRequest(
            authorization=f"Bearer {sdk._get_api_key()}", image_id=image
        )
        return await sdk._get_client().list_mcp_tools_async(request)
