"""The persistent contexts of one account, through the SDK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from agentbay_kernel.contexts import ContextFile, ContextInfo, ContextPage, FilePage
from agentbay_kernel.errors import ContextGone, ProviderError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from agentbay_kernel.providers._calls import Caller
    from agentbay_kernel.providers._gateway import Trace
    from agentbay_kernel.providers._vendor import Vendor

CLEAR_SECONDS = 60.0


class Account(Protocol):
    """What contexts need of a provider."""

    vendor: Vendor

    @property
    def caller(self) -> Caller:
        """Asks the SDK and knows the account's secrets."""

    async def reach(self) -> Any:
        """The SDK's client, of a service that runs."""


class SdkContexts:
    """Drives the `context` of the SDK's client."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def list(self, *, limit: int = 10, token: str = "") -> ContextPage:
        """One page of the contexts."""
        page = self._account.vendor.context_page
        _, trace = await self._ask(
            "The contexts were not listed", lambda c: c.list(page(limit, token))
        )
        body = trace.bodies.get("ListContexts") or {}
        rows = body.get("Data")
        total = body.get("TotalCount")
        return ContextPage(
            [_info(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else [],
            str(body.get("NextToken") or ""),
            int(total) if total is not None else None,
        )

    async def get(self, name: str) -> ContextInfo:
        """The context of a name; raises ContextGone."""
        return await self._get(name, name=name)

    async def create(self, name: str) -> ContextInfo:
        """The context of a name, made if there is none."""
        return await self._get(name, name=name, create=True)

    async def rename(self, context_id: str, name: str) -> None:
        """Give a context another name."""
        item = await self._item(context_id)
        item.name = name
        await self._ask("The context was not renamed", lambda c: c.update(item))

    async def delete(self, context_id: str) -> None:
        """Remove a context and its files."""
        item = await self._item(context_id)
        await self._ask("The context was not deleted", lambda c: c.delete(item))

    async def clear(self, context_id: str) -> None:
        """Remove the files of a context, and wait until that is done."""
        await self._ask("The context was not cleared", lambda c: c.clear_async(context_id))
        pause = 0.05
        try:
            async with asyncio.timeout(CLEAR_SECONDS):
                while (await self._get(context_id, context_id=context_id)).state != "available":
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, 2.0)
        except TimeoutError:
            raise ProviderError(
                f"The context is still being cleared after {CLEAR_SECONDS:.0f} seconds",
                next_step="%sync contexts shows its state",
            ) from None

    async def files(self, context_id: str, folder: str = "", *, token: str = "") -> FilePage:
        """One page of what is directly below a folder."""
        _, trace = await self._ask(
            "The files were not listed",
            lambda c: c.list_files(
                context_id, _absolute(folder), max_results=100, next_token=token or None
            ),
        )
        body = trace.bodies.get("DescribeContextFiles") or {}
        rows = body.get("Data")
        return FilePage(
            [_file(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else [],
            str(body.get("NextToken") or ""),
        )

    async def upload_url(self, context_id: str, path: str) -> str:
        """An address that takes a file by PUT."""
        return await self._url(
            f"{path} was not sent", lambda c: c.get_file_upload_url(context_id, _absolute(path))
        )

    async def download_url(self, context_id: str, path: str) -> str:
        """An address that gives a file."""
        return await self._url(
            f"{path} was not fetched",
            lambda c: c.get_file_download_url(context_id, _absolute(path)),
        )

    async def delete_file(self, context_id: str, path: str) -> None:
        """Remove a file."""
        await self._ask(
            f"{path} was not removed", lambda c: c.delete_file(context_id, _absolute(path))
        )

    async def _url(self, what: str, call: Callable[[Any], Awaitable[Any]]) -> str:
        result, trace = await self._ask(what, call)
        if not result.url:
            raise ProviderError(f"{what}: no address was given", request_id=trace.request_id)
        self._account.caller.secrets.add(str(result.url))
        return str(result.url)

    async def _get(self, label: str, **wanted: Any) -> ContextInfo:
        _, trace = await self._ask(f"The context {label} was not found", lambda c: c.get(**wanted))
        data = (trace.bodies.get("GetContext") or {}).get("Data") or {}
        if not data.get("Id"):
            # The SDK takes an answer without an id for a success.
            raise ContextGone(f"There is no context {label}", request_id=trace.request_id)
        return _info(data)

    async def _item(self, context_id: str) -> Any:
        """A context as the SDK's own object, which its name is looked up for."""
        result, _ = await self._ask(
            "The context was not found", lambda c: c.get(context_id=context_id)
        )
        return result.context

    async def _ask(self, what: str, call: Callable[[Any], Awaitable[Any]]) -> tuple[Any, Trace]:
        client = await self._account.reach()
        return await self._account.caller.ask(what, lambda: call(client.context))


def _absolute(path: str) -> str:
    return "/" + path.strip("/")


def _info(row: Mapping[str, Any]) -> ContextInfo:
    return ContextInfo(
        context_id=str(row.get("Id") or ""),
        name=str(row.get("Name") or ""),
        state=str(row.get("State") or ""),
        created=str(row.get("CreateTime") or ""),
        used=str(row.get("LastUsedTime") or ""),
    )


def _file(row: Mapping[str, Any]) -> ContextFile:
    path = str(row.get("FileName") or row.get("FilePath") or "")
    is_dir = str(row.get("FileType") or "").upper() in ("FOLDER", "DIRECTORY", "DIR")
    size = row.get("Size")
    return ContextFile(
        name=path.rstrip("/").rpartition("/")[2],
        is_dir=is_dir,
        size=int(size) if isinstance(size, int | float) and not is_dir else None,
        modified=str(row.get("GmtModified") or ""),
    )
