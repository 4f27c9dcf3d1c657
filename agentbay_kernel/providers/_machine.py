"""The machine that a session is: its use, its environment, its sleep, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import NotSupported, ProviderError, SessionGone, ToolError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from agentbay_kernel.providers._calls import Caller
    from agentbay_kernel.providers._session import SdkSession

POLL_SECONDS = 0.5
SLEEPING = ("PAUSING", "PAUSED")


class SessionMachine:
    """The machine of one session."""

    def __init__(self, session: SdkSession, caller: Caller) -> None:
        self._session = session
        self._caller = caller

    async def metrics(self) -> Mapping[str, float]:
        """What it uses, the provider's own names."""
        result = await self._tool("The metrics were not given", "get_metrics")
        return {
            name: value
            for name, value in result.raw.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }

    async def variables(self) -> dict[str, str]:
        """The environment that its tools and shells get."""
        self._need("variables", "The environment was not given")
        result = await self._tool("The environment was not given", "env", "get")
        return {str(name): str(value) for name, value in result.envs.items()}

    async def set_variables(self, values: Mapping[str, str]) -> None:
        """Set environment variables; the rest is kept."""
        self._need("variables", "The environment was not changed")
        await self._tool("The environment was not changed", "env", "set", dict(values))

    async def pause(self) -> None:
        """Put it to sleep, where the account may."""
        self._need("pause", "The session was not paused")
        if await self._session.status() not in SLEEPING:
            await self._beta("pause")

    async def resume(self) -> None:
        """Wake it; one that is awake is left alone."""
        if await self._session.status() in SLEEPING:
            await self._beta("resume")

    def _need(self, name: str, what: str) -> None:
        self._session.capabilities.need(name, what)

    async def _tool(self, what: str, name: str, verb: str = "", *rest: Any) -> Any:
        method = getattr(self._session.sdk, name)
        method = getattr(method, verb) if verb else method
        try:
            return await self._caller.tool(what, lambda: method(*rest))
        except ToolError as error:
            if "not found" in error.message.lower():
                raise NotSupported(f"{what}: the image has no such tool") from error
            raise

    async def _beta(self, verb: str) -> None:
        method = getattr(self._session.sdk, f"beta_{verb}")
        try:
            await self._caller.ask(
                f"The session did not {verb}", lambda: method(poll_interval=POLL_SECONDS)
            )
        except (SessionGone, Unreachable):
            raise
        except ProviderError as error:
            raise NotSupported(
                error.message,
                survived="It goes on as before",
                next_step="Not every account and image may pause: ask the provider for it",
                code=error.code,
                request_id=error.request_id,
            ) from error


async def delete(what: str, sdk: Any, ask: Callable[..., Awaitable[Any]]) -> None:
    """End a session through its SDK object; a paused one, which cannot end, is woken first."""
    try:
        await ask(what, sdk.delete, lenient=True)
    except (SessionGone, Unreachable):
        raise
    except ProviderError:
        state, _ = await ask(what, sdk.get_status)
        if str(state.status).upper() not in SLEEPING or not hasattr(sdk, "beta_resume"):
            raise
        await ask(what, lambda: sdk.beta_resume(poll_interval=POLL_SECONDS))
        await ask(what, sdk.delete, lenient=True)
