"""AGB's SDK: its import, and its own words."""

from __future__ import annotations

import importlib
import importlib.util
import pathlib
from types import SimpleNamespace
from typing import Any

from agentbay_kernel.errors import NotSupported
from agentbay_kernel.providers._containment import Library
from agentbay_kernel.providers._late_models import PYDANTIC
from agentbay_kernel.session import Capabilities
from agentbay_kernel.stand_ins import PutOff

SDK_LOGGER = "agb.logger"
CODE_IMAGE = "agb-code-space-1"
# What AgentBay calls the image that the kernel is made for.
IMAGES = {"": CODE_IMAGE, "code_latest": CODE_IMAGE}


class _Still(type(pathlib.Path())):  # type: ignore[misc]
    """A path where the SDK's logging makes no folder for its file."""

    def mkdir(self, *_: Any, **__: Any) -> None:
        """Nothing."""


def _stand_ins() -> dict[str, dict[str, Any]]:
    """What single modules find in place of what they import.

    The SDK's logging module removes the sinks of the program's loguru, adds its own, and opens a
    log file beside its own source. The browser's fingerprints, which no kernel needs, take a
    quarter of the whole import.
    """
    return {
        SDK_LOGGER: {"pathlib": SimpleNamespace(Path=_Still)},
        "agb.modules.browser.browser_agent": {"pydantic": PYDANTIC},
        "agb.modules.browser.fingerprint": {"playwright.async_api": PutOff("playwright.async_api")},
    }


LIBRARY = Library("agb", SDK_LOGGER, _stand_ins, lambda: None)


def image_name(name: str) -> str:
    """An image as AGB calls it; one must be named."""
    return IMAGES.get(name, name)


def installed() -> bool:
    """Whether the extra is there."""
    return importlib.util.find_spec("agb") is not None


def part(name: str) -> Any:
    """One of the SDK's modules; raises NotSupported without the extra."""
    if not installed():
        raise NotSupported(
            "The provider agb is not installed",
            next_step="Install it: pip install 'agentbay-kernel[agb]'",
        )
    LIBRARY.load()
    return importlib.import_module(f"agb.{name}")


class AgbWords:
    """AGB's own words."""

    name = "AGB"
    key_variable = "AGB_API_KEY"
    tools_image = CODE_IMAGE
    capabilities = Capabilities(
        stream=True,
        shell=True,
        watch=True,
        store=True,
        reasons={
            "pty": "AGB has no terminals; its work goes through the shell, and what an orphaned "
            "process writes, or that an idle interpreter died, is seen with the next cell",
            "pause": "AGB's sessions cannot sleep",
            "mount": "AGB mounts contexts in new sessions only, as %agentbay new --mount NAME:PATH",
            "variables": "AGB's sessions have no environment to be set; os.environ in a cell has",
            "bucket": "AGB has no tools for oss:// addresses",
            "lifetime": "AGB takes the idle time only, and ends a session at a limit of its own",
        },
    )

    def words(self) -> Any:
        """The SDK's classes for a mount and its policy."""
        return part("context_sync")

    def context_page(self, limit: int, token: str) -> Any:
        """The SDK's wish for one page of contexts."""
        return part("context").ContextListParams(limit, token or None)

    async def list_tools(self, sdk: Any, image: str) -> Any:
        """Ask for an image's tools."""
        return await sdk.list_mcp_tools(image_name(image))
